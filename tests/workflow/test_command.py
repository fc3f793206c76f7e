"""The command line of the steps."""

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossbars.workflow import command
from lossbars.workflow.job import Job
from lossbars.workflow.path_lists import compact, paths
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


def step(job: Job, some: list[Path], none: list[Path], one: Path, maybe: Path | None = None, n: int = 3) -> None:
    """A step."""
    step.called = {"job": job, "some": some, "none": none, "one": one, "maybe": maybe, "n": n}  # type: ignore[attr-defined]


def test_options_are_made_of_the_signature(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job("complex", "tiny", "mlp", {}, "0")
    lists = ["--some", "x/{0+1,0+2}.parquet", "y/3.parquet", "--none"]
    monkeypatch.setattr(sys, "argv", ["step", "--job", job.to_json(), *lists, "--one", "z"])
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    command.run(step)
    some = [Path("x/0+1.parquet"), Path("x/0+2.parquet"), Path("y/3.parquet")]
    assert step.called == {"job": job, "some": some, "none": [], "one": Path("z"), "maybe": None, "n": 3}  # type: ignore[attr-defined]


@pytest.mark.workflow
def test_a_command_line_of_thousands_of_curves_fits_linux(tmp_path: Path) -> None:
    """A hundred seeds, 4950 pairs: one argument of a process may have 128 KB."""
    many = {key: value for key, value in TINY.items() if key not in ("triangles", "robustness")}
    checkout = Checkout.fresh(tmp_path, tiny=many | {"seeds": 100})
    asked = checkout.snakemake("-n", "-p", "--quiet", "reason", "--", "results/tiny/mlp/complex.json")
    assert asked.returncode == 0, asked.stderr
    (line,) = [
        line
        for line in (asked.stdout + asked.stderr).splitlines()
        if "lossbars.experiments.networks.steps.complex" in line
    ]
    assert "98+99" in line
    assert len(line) < 60_000
