"""The command line of the steps."""

import shlex
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossbars.optimise.stopping import Stopped
from lossbars.recipes import Recipe
from lossbars.workflow import run
from lossbars.workflow.job import Job
from lossbars.workflow.path_lists import compact, paths
from lossbars.workflow.work import Work
from support.plans import make_plan, the_task
from support.workflow import TINY, Checkout

NAMES = st.text("abc0123456789+-=", min_size=1, max_size=6).filter(lambda name: name.strip("."))
PATHS = st.builds(
    lambda folder, name, kind: f"{folder}/{name}.{kind}", NAMES, NAMES, st.sampled_from(["json", "parquet"])
)


@given(st.lists(PATHS, unique=True))
def test_compact_paths_come_back(given: list[str]) -> None:
    back = [str(path) for text in compact(given) for path in paths(text)]
    assert sorted(back) == sorted(given)
    folders = list(dict.fromkeys(path.rpartition("/")[0] for path in given))
    assert list(dict.fromkeys(path.rpartition("/")[0] for path in back)) == folders


def test_paths_without_braces_are_paths() -> None:
    assert paths("a/b.json") == [Path("a/b.json")] and paths("b") == [Path("b")]


class CountSettings(Recipe):
    """Settings of a step."""

    count: int


class TroubleError(RuntimeError):
    """An error that a step knows."""


JOB = Job("complex", "tiny", "mlp", {"count": 3}, "0", {"some": ["0123"]})
LINE = ["a_step", "--job", JOB.to_json(), "--part=0+1", "--inputs", "some=x/{0+1,0+2}.parquet", "some=y/3.parquet"]
LINE += ["--outputs", "table=out/z.parquet", "--threads", "2", "--device", "cuda"]


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module ``a_step``, whose function does nothing; signals stay as they are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run.signal, "signal", lambda *_: None)
    module = ModuleType("a_step")

    def nothing(work: Work[CountSettings]) -> None:
        module.work = work  # type: ignore[attr-defined]

    module.step = nothing  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "a_step", module)
    return module


def test_a_step_is_given_what_the_line_says(step: ModuleType) -> None:
    run.main(LINE)
    assert step.work.settings == CountSettings(count=3) and step.work.job == JOB
    assert step.work.files("some") == [Path("x/0+1.parquet"), Path("x/0+2.parquet"), Path("y/3.parquet")]
    assert step.work.files("none") == [] and step.work.outputs == {"table": Path("out/z.parquet")}
    assert (step.work.part, step.work.threads, step.work.device) == ("0+1", 2, "cuda")
    assert step.work.keys("some") == ["0123"] and step.work.keys("none") == []
    with pytest.raises(ValueError, match="some: expected one file, there are 3"):
        step.work.file("some")
    with pytest.raises(ValueError, match="none: expected one file, there are 0"):
        step.work.file("none")


@pytest.mark.parametrize(
    ("error", "ends"),
    [
        (ValueError("bad data"), "a_step: error: bad data"),
        (TroubleError("diverged"), "a_step: error: diverged"),
        (Stopped("stopped by SIGTERM"), run.STOPPED),
    ],
)
def test_known_errors_end_in_one_message(step: ModuleType, error: Exception, ends: str | int) -> None:
    def fails(work: Work[CountSettings]) -> None:  # noqa: ARG001
        raise error

    step.step, step.ERRORS = fails, (TroubleError,)  # type: ignore[attr-defined]
    with pytest.raises(SystemExit) as stop:
        run.main(LINE)
    assert stop.value.code == ends


def test_other_errors_are_seen_whole(step: ModuleType) -> None:
    def fails(work: Work[CountSettings]) -> None:  # noqa: ARG001
        raise TroubleError

    step.step = fails  # type: ignore[attr-defined]
    with pytest.raises(TroubleError):
        run.main(LINE)


def test_a_signal_ends_a_step_that_waits_for_none() -> None:
    with pytest.raises(Stopped, match="stopped by SIGTERM; run it again"):
        run._stop(signal.SIGTERM, None)


def test_settings_of_another_step_are_refused(step: ModuleType) -> None:
    assert step
    other = Job("complex", "tiny", "mlp", {"count": "many"}, "0")
    with pytest.raises(SystemExit, match="count"):
        run.main(["a_step", "--job", other.to_json(), "--outputs", "table=z.parquet"])


def test_results_of_a_module_that_keeps_them_are_kept_and_taken(step: ModuleType, monkeypatch, capsys) -> None:
    monkeypatch.delenv("LOSSBARS_CACHE", raising=False)
    line = ["a_step", "--job", JOB.to_json(), "--outputs", "table=out/z.parquet"]
    made = []

    def makes(work: Work[CountSettings]) -> None:
        made.append(work.settings.count)
        work.checkpoint().save({})
        work.write_table("table", pd.DataFrame({"count": made}))

    step.step, step.keep = makes, lambda settings: settings.count == 3  # type: ignore[attr-defined]
    run.main(line)
    assert not list(Path(".checkpoints").glob("*.safetensors")), "the state of a job that is done is removed"
    first = Path("out/z.parquet").read_bytes()
    Path("out/z.parquet").unlink()
    run.main(line)
    assert made == [3] and Path("out/z.parquet").read_bytes() == first
    assert "taken, as made before, from .checkpoints/finished" in capsys.readouterr().err
    step.keep = lambda _: False  # type: ignore[attr-defined]
    run.main(line)
    assert made == [3, 3]


def inputs_of_complex(experiment: dict[str, Any], seeds: int) -> list[str]:
    """The words that say what the complex of a model is made of."""
    task = the_task(make_plan(tiny=experiment | {"seeds": seeds}), "tiny", "complex")
    files = [(option, [file.path for file in several]) for option, several in task.inputs.items()]
    return [f"{option}={path}" for option, several in files for path in compact(several)]


@pytest.mark.workflow
def test_a_command_line_of_thousands_of_curves_fits_linux(tmp_path: Path) -> None:
    """A hundred seeds have 4950 pairs, and one argument of a process may have 128 KB.

    Snakemake plans forty seeds, which takes a quarter of the time; what more seeds add to the line is in its inputs.
    """
    many = {key: value for key, value in TINY.items() if key not in ("triangles", "robustness")}
    checkout = Checkout.fresh(tmp_path, tiny=many | {"seeds": 40})
    asked = checkout.snakemake("-n", "-p", "--quiet", "reason", "--", "results/tiny/mlp/complex.json")
    assert asked.returncode == 0, asked.stderr
    (line,) = [
        line
        for line in (asked.stdout + asked.stderr).splitlines()
        if "lossbars.workflow.run lossbars.experiments.networks.steps.complex" in line
    ]
    there, wanted = (inputs_of_complex(many, seeds) for seeds in (40, 100))
    assert all(shlex.quote(word) in line for word in there) and "38+39" in line
    assert "98+99" in "".join(wanted)
    assert len(line) + len(" ".join(wanted)) - len(" ".join(there)) < 60_000
