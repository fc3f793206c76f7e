"""What jobs used, from benchmark files as Snakemake writes them."""

from math import isnan
from pathlib import Path

import pandas as pd
import pytest

from lossbars.documents.plan import usage_task
from lossbars.workflow.artefacts import read_table
from lossbars.workflow.plan import Plan
from lossbars.workflow.run import execute_task
from support.plans import the_task
from support.workflow import TINY_B, plan

HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
WHOLE = HEAD + "75.5\t0:01:15\t812.50\t4580.00\t430.00\t495.00\t0.50\t0.10\t92.00\t70.25\n"
TOO_SHORT = HEAD + "0.4\t0:00:00\tNA\tNA\tNA\tNA\tNA\tNA\tNA\tNA\n"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the checkout, which may have results of its own."""
    monkeypatch.chdir(tmp_path)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def usage(made: Plan) -> pd.DataFrame:
    """What the step writes, of the benchmarks below the working folder."""
    task = usage_task(made, "tiny")
    execute_task(task)
    return read_table(Path(task.path), task.key)


def test_every_job_has_a_row_with_what_it_used_and_asked_for() -> None:
    of_model = Path("results/tiny/mlp/benchmarks")
    write(of_model / "minima-0.tsv", WHOLE)
    write(of_model / "curves-0+2.tsv", WHOLE)
    write(of_model / "curves-0+7.tsv", WHOLE)  # of a seed that is no part of the plan
    write(of_model / "complex.tsv", TOO_SHORT)
    write(Path("results/tiny/benchmarks/barcodes.tsv"), WHOLE)
    write(Path("results/figures/benchmarks/tiny-profiles.tsv"), WHOLE)
    made = plan()
    table = usage(made)
    trained = [*(("minima", part) for part in "012"), *(("curves", part) for part in ("0+1", "0+2", "1+2"))]
    rows = list(zip(table.rule, table.part, strict=True))
    assert rows[1:8] == [*trained, ("triangles", "0+1+2")]
    others = ["complex", "barcode", "robustness", "gather", "gather", "figure", "figure", "claims"]
    assert [rule for rule, _ in rows[8:]] == others
    used = table[table.used_mb.notna()]
    assert list(used.rule) == ["minima", "curves", "gather", "figure"]
    assert set(map(tuple, used[["used_mb", "used_seconds", "cpu_seconds"]].to_numpy())) == {(812.5, 75.5, 70.25)}
    short = table[table.rule == "complex"].iloc[0]
    assert short.used_seconds == 0.4 and isnan(short.used_mb) and isnan(short.cpu_seconds)
    asked = made.request(the_task(made, "tiny", "curves", part="0+1"))
    curve = table[table.rule == "curves"].iloc[0]
    assert (curve.asked_mb, curve.asked_minutes) == (asked.mem_mb, asked.runtime)


def test_blocks_of_several_ask_for_what_they_train() -> None:
    given = {key: TINY_B[key] for key in ("triangles", "figures")}
    made = plan(**given, seeds=4, seeds_per_job=3, robustness=None)
    table = usage(made)
    assert "robustness" not in set(table.rule)
    minima = table[table.rule == "minima"].set_index("part")
    assert list(minima.index) == ["0-2", "3"]
    assert minima.asked_mb["0-2"] >= minima.asked_mb["3"]
    curves = table[table.rule == "curves"]
    assert list(curves.part) == ["0-2+0-2", "0-2+3"] and len(set(curves.asked_mb)) == 1, "three curves in either job"
    assert table.used_seconds.isna().all()
