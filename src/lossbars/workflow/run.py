"""The command line of every step: ``python -m lossbars.workflow.run MODULE --job … --inputs … --outputs …``."""

import argparse
import gc
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from lossbars.optimise.stopping import Stopped
from lossbars.recipes import Recipe
from lossbars.workflow.job import Job
from lossbars.workflow.path_lists import paths
from lossbars.workflow.result_store import Finished
from lossbars.workflow.run_log import on_record
from lossbars.workflow.tasks import Task
from lossbars.workflow.work import Work

STOPPED = 143  # exit status of a step that was asked to stop, as shells report SIGTERM


def execute(module: ModuleType, work: Work[Any]) -> None:
    """Run a step.

    Results of a module whose function ``keep(settings)`` says so are kept beside the checkpoints, and in a shared cache
    where there is one, and are taken from there when the job runs again.
    """
    work = work.with_settings_of(module.step)
    if not (hasattr(module, "keep") and module.keep(work.settings)):
        module.step(work)
        return
    kept = Finished(work.checkpoints, work.job, work.part, work.all_files(), list(work.outputs.values()))
    if kept.fetch():
        return
    module.step(work)
    kept.keep()
    work.checkpoint().remove()


def execute_task(task: Task, **given: Any) -> None:
    """Run the step of a task in this process, with what a :class:`Work` may be given of the machine."""
    execute(import_module(task.module), Work.of(task, **given))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the step that the command line names; a known error ends in one message, not in a traceback."""
    given = _parser().parse_args(arguments)
    work = Work(
        given.job,
        Recipe(),
        given.part,
        _by_option(given.inputs),
        {option: files[0] for option, files in _by_option(given.outputs).items()},
        given.threads,
        given.device,
        given.checkpoints,
    )
    for number in (signal.SIGTERM, signal.SIGINT):  # the rules' shells ignore them, and so did this process until here
        signal.signal(number, _stop)
    module = _load(given.module)
    errors = (ValueError, *getattr(module, "ERRORS", ()))  # bad data, artefacts, settings are ValueErrors
    try:
        with on_record(work.job, vars(given)):
            execute(module, work)
    except Stopped as stopped:
        print(f"{given.module}: {stopped}", file=sys.stderr, flush=True)
        sys.exit(STOPPED)
    except errors as error:
        sys.exit(f"{given.module}: error: {error}")


def _load(name: str) -> ModuleType:
    """Import a step's module, and never look for garbage among what it loaded.

    What torch and pandas load lives as long as the process; going through it while it grows and at the end took a
    quarter of the start of a job.
    """
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def _by_option(texts: Sequence[str]) -> dict[str, list[Path]]:
    """``minima=folder/{0,1}.parquet`` → option and paths."""
    files: dict[str, list[Path]] = {}
    for text in texts:
        option, _, path = text.partition("=")
        files.setdefault(option, []).extend(paths(path))
    return files


def _stop(number: int, _: FrameType | None) -> None:
    raise Stopped(f"stopped by {signal.Signals(number).name}; run it again")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lossbars.workflow.run", description=__doc__)
    parser.add_argument("module")
    parser.add_argument("--job", type=Job.from_json, required=True)
    parser.add_argument("--part", default="")
    parser.add_argument("--inputs", nargs="*", default=[], help="OPTION=PATH, or OPTION=FOLDER/{NAME,NAME}.SUFFIX")
    parser.add_argument("--outputs", nargs="+", required=True, help="OPTION=PATH")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--checkpoints", type=Path, default=Path(".checkpoints"))
    return parser


if __name__ == "__main__":
    main()
