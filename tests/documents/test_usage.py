"""What jobs used, from benchmark files as Snakemake writes them."""

from math import isnan
from pathlib import Path

import pytest

from lossbars.documents.plan import Jobs
from lossbars.documents.usage import usage
from lossbars.workflow.artefacts import read_table
from lossbars.workflow.resources import request
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


def test_every_job_has_a_row_with_what_it_used_and_asked_for(tmp_path: Path) -> None:
    of_model = tmp_path / "tiny" / "mlp" / "benchmarks"
    write(of_model / "minima-0.tsv", WHOLE)
    write(of_model / "curves-0+2.tsv", WHOLE)
    write(of_model / "curves-0+7.tsv", WHOLE)  # of a seed that is no part of the plan
    write(of_model / "complex.tsv", TOO_SHORT)
    write(tmp_path / "tiny" / "benchmarks" / "barcodes.tsv", WHOLE)
    write(tmp_path / "figures" / "benchmarks" / "tiny-profiles.tsv", WHOLE)
    own = plan()
    job = Jobs(own).usage("tiny")
    usage(job, tmp_path, tmp_path / "usage.parquet")
    table = read_table(tmp_path / "usage.parquet", job.key)
    trained = [
        ("minima", "0"),
        ("minima", "1"),
        ("minima", "2"),
        ("curves", "0+1"),
        ("curves", "0+2"),
        ("curves", "1+2"),
    ]
    rows = list(zip(table.rule, table.part, strict=True))
    assert rows[1:8] == [*trained, ("triangles", "0+1+2")]
    assert [rule for rule, _ in rows[8:]] == [
        "complex",
        "barcode",
        "robustness",
        "tables",
        "figure",
        "figure",
        "claims",
    ]
    used = table[table.used_mb.notna()]
    assert list(used.rule) == ["minima", "curves", "tables", "figure"]
    assert set(map(tuple, used[["used_mb", "used_seconds", "cpu_seconds"]].to_numpy())) == {(812.5, 75.5, 70.25)}
    short = table[table.rule == "complex"].iloc[0]
    assert short.used_seconds == 0.4 and isnan(short.used_mb) and isnan(short.cpu_seconds)
    asked = request(own, "curves", "tiny", "mlp", 1)
    curve = table[table.rule == "curves"].iloc[0]
    assert (curve.asked_mb, curve.asked_minutes) == (asked.mem_mb, asked.runtime)


def test_blocks_of_several_ask_for_their_own(tmp_path: Path) -> None:
    own = plan(**{key: TINY_B[key] for key in ("triangles", "figures")}, seeds=4, seeds_per_job=3, robustness=None)
    job = Jobs(own).usage("tiny")
    sizes = {name for name in job.recipe["requests"] if name.startswith("curves")}
    assert sizes == {"curves/mlp/3"}  # of 0-2 among themselves, and with 3
    usage(job, tmp_path, tmp_path / "usage.parquet")
    table = read_table(tmp_path / "usage.parquet", job.key)
    assert "robustness" not in set(table.rule)
    assert list(table[table.rule == "minima"].part) == ["0-2", "3"]
    assert table.used_seconds.isna().all()
