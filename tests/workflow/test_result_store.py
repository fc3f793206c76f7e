"""Finished results under their keys: taken whole or not at all, by clones that race for one cache too."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from lossbars.experiments.networks.steps import minima
from lossbars.workflow import result_store as store
from lossbars.workflow.artefacts import write_table, write_tensors
from lossbars.workflow.job import Job
from lossbars.workflow.result_store import Finished, Store, prune
from support.paths import CHECKOUT
from support.workflow import Model, plan

JOB = Job("minima", "digits", "mlp-1", {"epochs": 3}, "0123")
LONGER = Job("minima", "digits", "mlp-1", {"epochs": 4}, "0123")


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOSSBARS_CACHE", raising=False)


def results(folder: Path, value: float = 1.0, job: Job = JOB) -> list[Path]:
    """Tensors and a table, as a training step writes them."""
    paths = [folder / "0.safetensors", folder / "0.parquet"]
    write_tensors(paths[0], {"theta": torch.full((2, 3), value)}, job)
    write_table(paths[1], pd.DataFrame({"loss": [value, value]}), job)
    return paths


def content(paths: list[Path]) -> list[bytes]:
    return [path.read_bytes() for path in paths]


@pytest.mark.parametrize("link", [True, False])
def test_what_is_kept_comes_back(tmp_path: Path, link: bool) -> None:
    made, places = results(tmp_path / "made"), [tmp_path / "new/1.safetensors", tmp_path / "new/1.parquet"]
    shared = Store(tmp_path / "store", JOB, "entry", link)
    assert not shared.fetch(places) and not (tmp_path / "new").exists()
    shared.keep(made)
    assert shared.fetch(places) and content(places) == content(made)
    assert places[0].samefile(made[0]) == link
    for path in made:
        path.unlink()
    assert shared.fetch(made) and content(made) == content(places)
    assert not list(tmp_path.glob("*/.*")), "nothing half-written is left"


def test_of_two_writers_the_first_wins(tmp_path: Path) -> None:
    shared = Store(tmp_path / "store", JOB, "entry", link=False)
    first, second = results(tmp_path / "a", 1.0), results(tmp_path / "b", 2.0)
    before = content(first)
    shared.keep(first)
    shared.keep(second)
    assert shared.fetch(second) and content(second) == before


DAMAGES = [
    lambda content: content[:-1],
    lambda content: content[:0],
    lambda _: b"[]",
    lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("which", ["result.safetensors", "result.parquet", "manifest.json"])
def test_a_damaged_entry_is_not_used_and_gives_way(tmp_path: Path, damage, which, capsys) -> None:
    made, places = results(tmp_path / "made"), [tmp_path / "new/1.safetensors", tmp_path / "new/1.parquet"]
    shared = Store(tmp_path / "store", JOB, "entry", link=False)
    shared.keep(made)
    victim = tmp_path / "store/entry" / which
    whole = victim.read_bytes()
    victim.write_bytes(damage(whole))
    if not shared.fetch(places):
        assert not (tmp_path / "new").exists() and not victim.exists()
        assert "entry is damaged" in capsys.readouterr().err
        shared.keep(made)
    assert shared.fetch(places) and content(places) == content(made)
    assert victim.read_bytes() == whole or which == "manifest.json"


def test_a_missing_file_of_an_entry(tmp_path: Path) -> None:
    made = results(tmp_path / "made")
    shared = Store(tmp_path / "store", JOB, "entry", link=True)
    shared.keep(made)
    (tmp_path / "store/entry/result.parquet").unlink()
    assert not shared.fetch(made)


def test_a_folder_that_cannot_be_written_to_costs_a_warning(tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_text("")
    Store(tmp_path / "file", JOB, "entry", link=False).keep(results(tmp_path / "made"))
    assert "warning: cannot keep results in" in capsys.readouterr().err


def test_entries_can_be_written_by_those_who_may_write_to_the_folder(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store").chmod(0o775)
    Store(tmp_path / "store", JOB, "entry", link=False).keep(results(tmp_path / "made"))
    assert (tmp_path / "store/entry").stat().st_mode & 0o777 == 0o775
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "store/entry").iterdir()} == {0o664}


def test_an_entry_that_cannot_be_read_is_left_alone(tmp_path: Path, capsys, monkeypatch) -> None:
    """It may be another user's, or the disk of a network that is away for a moment."""
    made = results(tmp_path / "made")
    shared = Store(tmp_path / "store", JOB, "entry", link=False)
    shared.keep(made)
    with monkeypatch.context() as patch:
        patch.setattr(store, "_digest", lambda _: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
        assert not shared.fetch(made)
    assert "cannot be read (Permission denied) and is not used" in capsys.readouterr().err
    assert shared.fetch(made)


def test_other_recipes_parts_and_inputs_have_other_entries(tmp_path: Path) -> None:
    made, data = results(tmp_path / "made"), tmp_path / "data.safetensors"
    write_tensors(data, {"x": torch.zeros(1)}, JOB)
    Finished(tmp_path, JOB, "0", [data], made).keep()
    assert Finished(tmp_path, JOB, "0", [data], made).fetch()
    assert not Finished(tmp_path, LONGER, "0", [data], made).fetch()
    assert not Finished(tmp_path, JOB, "1", [data], made).fetch()
    write_tensors(data, {"x": torch.ones(1)}, JOB)
    assert not Finished(tmp_path, JOB, "0", [data], made).fetch(), "the same recipe, other data"


def test_what_is_no_result_any_more_is_pruned(tmp_path: Path) -> None:
    made, gone = results(tmp_path / "made"), results(tmp_path / "gone", 2.0, LONGER)
    for job, paths in ((JOB, made), (LONGER, gone)):
        Finished(tmp_path, job, "0", [], paths).keep()
    prune(tmp_path)
    assert len(list((tmp_path / "finished").iterdir())) == 2
    for path in gone:
        path.unlink()
    prune(tmp_path)
    assert len(list((tmp_path / "finished").iterdir())) == 1
    assert Finished(tmp_path, JOB, "0", [], made).fetch()


# With the steps ----------------------------------------------------------------------------------


def test_a_clone_takes_what_another_has_trained(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("LOSSBARS_CACHE", str(tmp_path / "cache"))
    one, other = Model(tmp_path / "one", plan()), Model(tmp_path / "other", plan())
    one.run(one.task("minima", "0"))
    capsys.readouterr()
    monkeypatch.setattr(minima, "minimise", lambda *_: pytest.fail("it trains"))
    other.run(other.task("minima", "0"))
    assert "taken, as made before, from" in capsys.readouterr().err
    for suffix in ("safetensors", "parquet"):
        mine, theirs = one.path("minima", "0", suffix), other.path("minima", "0", suffix)
        assert mine.read_bytes() == theirs.read_bytes() and not mine.samefile(theirs)
    with pytest.raises(pytest.fail.Exception, match="it trains"):
        other.run(other.task("minima", "1"))


RACE = """
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from support.workflow import Model, plan

model = Model(Path(sys.argv[2]), plan())
model.run(*model.of("minima"))
"""


def test_two_clones_race_for_one_cache(tmp_path: Path) -> None:
    """Both end with the same bits, and with what a clone alone makes; the cache holds each result once, whole."""
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT / "src"), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    shared = environment | {"LOSSBARS_CACHE": str(tmp_path / "cache")}
    line = [sys.executable, "-c", RACE, str(CHECKOUT / "tests")]
    runs = [subprocess.Popen([*line, str(tmp_path / name)], env=shared) for name in ("one", "other")]
    alone = subprocess.Popen([*line, str(tmp_path / "alone")], env=environment)
    assert [run.wait(300) for run in (*runs, alone)] == [0, 0, 0]
    for block in ("0", "1", "2"):
        for suffix in ("safetensors", "parquet"):
            path = f"results/tiny/mlp/minima/{block}.{suffix}"
            paths = [tmp_path / name / path for name in ("one", "other", "alone")]
            assert len({path.read_bytes() for path in paths}) == 1
    entries = sorted(path.name for path in (tmp_path / "cache").iterdir())
    assert len(entries) == 3 and not any(name.startswith(".") for name in entries)
