"""The command line of every step, made from the signature of its function."""

import argparse
import inspect
import signal
import sys
import typing
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from lossbars.optimise.stopping import Stopped
from lossbars.workflow.job import Job
from lossbars.workflow.path_lists import paths
from lossbars.workflow.run_log import on_record

PACKAGE = Path(__file__).resolve().parent.parent
STOPPED = 143  # exit status of a step that was asked to stop, as shells report SIGTERM


def run(step: Callable[..., None], known: tuple[type[Exception], ...] = ()) -> None:
    """Call ``step`` with the options of the command line; a known error ends in one message, not in a traceback."""
    arguments = _arguments(step)
    for number in (signal.SIGTERM, signal.SIGINT):  # the rules' shells ignore them, and so did this process until here
        signal.signal(number, _stop)
    try:
        with on_record(arguments["job"], arguments):
            step(**arguments)
    except Stopped as stopped:
        print(f"{_module(step)}: {stopped}", file=sys.stderr, flush=True)
        sys.exit(STOPPED)
    except (ValueError, *known) as error:  # type: ignore[misc]  # bad data, artefacts, recipes: ValueErrors
        sys.exit(f"{_module(step)}: error: {error}")


def _stop(number: int, _: FrameType | None) -> None:
    raise Stopped(f"stopped by {signal.Signals(number).name}; run it again")


def _module(step: Callable[..., None]) -> str:
    """The dotted name of the step's module, also where it runs as ``__main__``."""
    path = Path(inspect.getfile(step)).resolve().with_suffix("")
    own = path.relative_to(PACKAGE).parts if path.is_relative_to(PACKAGE) else (path.stem,)
    return ".".join(("lossbars", *own))


def _arguments(step: Callable[..., None]) -> dict[str, Any]:
    given = vars(_parser(step).parse_args())
    lists = [name for name, kind in typing.get_type_hints(step).items() if kind == list[Path]]
    return given | {name: [path for several in given[name] for path in several] for name in lists}


def _parser(step: Callable[..., None]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {_module(step)}", description=inspect.getdoc(step))
    hints = typing.get_type_hints(step)
    for name, parameter in inspect.signature(step).parameters.items():
        required = parameter.default is inspect.Parameter.empty
        kind = hints[name]
        option = f"--{name.replace('_', '-')}"
        if kind is Job:
            parser.add_argument(option, type=Job.from_json, required=True)
        elif kind == list[Path]:
            parser.add_argument(option, type=paths, action="extend", nargs="*", required=required, default=[])
        elif kind == Path | None:
            parser.add_argument(option, type=lambda text: Path(text) if text else None, default=parameter.default)
        else:
            parser.add_argument(option, type=kind, required=required, default=parameter.default)
    return parser
