"""The table for the cluster's administrator: what it counts, and that the documents say what the code says."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from lossbars.documents.budget import Asked, asked, at_once, budget, budget_text, duration, rewritten
from lossbars.documents.plan import Jobs
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import Request
from support.paths import CHECKOUT
from support.workflow import TINY, Checkout, own

SMALL = Asked("minima", "one", "a", "0", Request(0, 1500, 0, 10))
ON_GPU = Request(1, 4000, 2500, 90)


def jobs(**changes: Any) -> Jobs:
    return Jobs(Plan({"experiments": {"tiny": own(TINY | changes)}}))


def test_every_job_is_counted_once() -> None:
    rules = [job.rule for job in asked(jobs(seeds=4), "tiny")]
    counts = {rule: rules.count(rule) for rule in dict.fromkeys(rules)}
    trained = {"minima": 4, "curves": 6, "triangles": 4}
    others = {"dataset": 1, "complex": 1, "barcode": 1, "robustness": 1, "tables": 1, "figure": 2, "claims": 1}
    assert counts == trained | others | {"usage": 1}


def test_sums_and_maxima() -> None:
    every = [SMALL, SMALL, replace(SMALL, path="1", request=ON_GPU), replace(SMALL, path="2", request=ON_GPU)]
    assert budget(every) == ["3", "2", "2", "3.0", "3.2", "4.0 GB", "2.5 GB", "1 h 30"]
    assert budget([SMALL]) == ["1", "0", "–", "0", "0.2", "1.5 GB", "–", "10 min"]


def test_curves_and_triangles_wait_for_their_own_minima() -> None:
    def several(rule: str, model: str, n: int) -> list[Asked]:
        return [replace(SMALL, rule=rule, model=model, path=f"{rule}{model}{i}") for i in range(n)]

    first = several("minima", "a", 5) + several("curves", "a", 3) + several("triangles", "a", 1)
    assert at_once(first) == 5
    assert at_once(first + several("minima", "b", 2) + several("curves", "b", 7)) == 5 + 7


def test_hours_and_minutes() -> None:
    assert [duration(minutes) for minutes in (10, 60, 61, 1505)] == ["10 min", "1 h 00", "1 h 01", "25 h 05"]


def test_the_table_has_a_row_per_experiment_and_one_for_all() -> None:
    two = Jobs(Plan({"experiments": {"one": own(TINY), "two": own(TINY | {"device": "cuda"})}}))
    text = budget_text(two, ["one", "two"], frozenset({"results/one/mlp/minima/0.safetensors"}))
    head, one, other, every = text.splitlines()[1:5]
    assert head.split()[:3] == ["jobs", "to", "run"]
    assert [line.split()[0] for line in (one, other, every)] == ["one", "two", "all"]
    assert [int(line.split()[2]) for line in (one, other, every)] == [1, 0, 1]
    assert int(every.split()[1]) == int(one.split()[1]) + int(other.split()[1]) - 1  # they share a data set
    assert len({len(line) for line in (head, one, other, every)}) == 1
    assert "to run" not in budget_text(two, ["one"])


def test_the_documents_say_what_the_code_says() -> None:
    document = (CHECKOUT / "docs" / "resources.md").read_text()
    config = yaml.safe_load((CHECKOUT / "config.yaml").read_text())
    assert document == rewritten(document, Jobs(Plan(config))), "run: python -m lossbars.documents.budget"
    with pytest.raises(ValueError, match="marks"):
        rewritten("no marks", Jobs(Plan(config)))


@pytest.mark.workflow
def test_a_dry_run_ends_with_the_table_and_a_failed_one_does_not(tmp_path: Path) -> None:
    checkout = Checkout.fresh(tmp_path / "here", tiny=TINY)
    said = checkout.snakemake("-n", "--", "tiny")
    assert said.returncode == 0, said.stderr
    after = said.stdout.partition("What the jobs ask for")[2]
    (row,) = (line.split() for line in after.splitlines() if line.startswith("tiny"))
    assert row[1] == row[2] == str(len(asked(Jobs(Plan({"experiments": {"tiny": own(TINY)}})), "tiny")))
    for arguments in (("-n", "--", "results/nothing"), ("--summary", "--", "tiny")):
        other = checkout.snakemake(*arguments)
        assert "What the jobs ask for" not in other.stdout + other.stderr
