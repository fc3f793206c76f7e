"""The table for the cluster's administrator: what it counts, and that the documents say what the code says."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from lossbars.documents.budget import HEAD, Asked, asked, at_once, budget, budget_text, duration
from lossbars.experiments.kinds import KINDS
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import Request
from lossbars.workflow.tasks import NoSettings, Task
from support.paths import CHECKOUT
from support.plans import make_plan
from support.workflow import TINY, Checkout
from support.written import check_written

ON_CPU, ON_GPU = Request(0, 1500, 0, 10), Request(1, 4000, 2500, 90)


def task(rule: str, model: str = "a", part: str = "0", *reads: Task) -> Task:
    """A task that reads the results of others."""
    inputs = {"results": tuple(one["table"] for one in reads)}
    outputs = {"table": f"{rule}/{model}/{part}.parquet"}
    return Task(rule, "one", model, part, outputs, inputs, NoSettings(), "")


SMALL = Asked("one", task("minima"), ON_CPU)


def test_every_job_is_counted_once() -> None:
    rules = [job.task.rule for job in asked(make_plan(tiny=TINY | {"seeds": 4}), "tiny")]
    counts = {rule: rules.count(rule) for rule in dict.fromkeys(rules)}
    trained = {"minima": 4, "curves": 6, "triangles": 4}
    others = {"dataset": 1, "complex": 1, "barcode": 1, "robustness": 1, "gather": 2, "figure": 2, "claims": 1}
    assert counts == trained | others | {"usage": 1}


def test_sums_and_maxima() -> None:
    first, second = task("minima", part="1"), task("minima", part="2")
    every = [SMALL, SMALL, replace(SMALL, task=first, request=ON_GPU), replace(SMALL, task=second, request=ON_GPU)]
    assert budget(every) == ["3", "2", "2", "3.0", "3.2", "4.0 GB", "2.5 GB", "1 h 30"]
    assert budget([SMALL]) == ["1", "0", "–", "0", "0.2", "1.5 GB", "–", "10 min"]
    two_threads = replace(SMALL, task=replace(SMALL.task, threads=2))
    assert budget([two_threads])[4] == "0.3"


def test_curves_and_triangles_wait_for_the_minima_of_their_model() -> None:
    def trained(model: str, minima: int, curves: int, triangles: int) -> list[Asked]:
        first = [task("minima", model, str(i)) for i in range(minima)]
        later = [task("curves", model, str(i), *first) for i in range(curves)]
        later += [task("triangles", model, str(i), *first) for i in range(triangles)]
        return [Asked("one", made, ON_GPU) for made in (*first, *later)]

    first = trained("a", 5, 3, 1)
    assert at_once(first) == 5
    assert at_once(first + trained("b", 2, 7, 0)) == 5 + 7
    assert at_once([job for job in first if job.task.rule != "minima"]) == 4, (
        "minima that are there are waited for by none"
    )


def test_hours_and_minutes() -> None:
    assert [duration(minutes) for minutes in (10, 60, 61, 1505)] == ["10 min", "1 h 00", "1 h 01", "25 h 05"]


def test_the_table_has_a_row_per_experiment_and_one_for_all() -> None:
    two = make_plan(one=TINY, two=TINY | {"device": "cuda"})
    text = budget_text(two, ["one", "two"], frozenset({"results/one/mlp/minima/0.safetensors"}))
    head, one, other, every = text.splitlines()[1:5]
    assert head.split()[:3] == ["jobs", "to", "run"]
    assert [line.split()[0] for line in (one, other, every)] == ["one", "two", "all"]
    assert [int(line.split()[2]) for line in (one, other, every)] == [1, 0, 1]
    assert int(every.split()[1]) == int(one.split()[1]) + int(other.split()[1]) - 1  # they share a data set
    assert len({len(line) for line in (head, one, other, every)}) == 1
    assert "to run" not in budget_text(two, ["one"])


def requests_markdown(plan: Plan) -> str:
    """A table per experiment, with a row per rule."""
    lines = []
    for key, experiment in plan.experiments.items():
        every = asked(plan, key)
        rules = dict.fromkeys(job.task.rule for job in every)
        rows = [[rule, *budget(job for job in every if job.task.rule == rule)] for rule in rules]
        table = [["rule", *HEAD], ["---"] + ["---:"] * len(HEAD), *rows, ["**all**", *budget(every)]]
        markdown = ["| " + " | ".join(row) + " |" for row in table]
        lines += [f"### {key}", "", f"{experiment.title}; `device: {experiment.device}`.", "", *markdown, ""]
    return "\n".join(lines)


def test_the_documents_say_what_the_code_says() -> None:
    path = CHECKOUT / "docs/resources.md"
    before, begin, rest = path.read_text().partition("<!-- requests, written by `make written` -->\n")
    _, end, after = rest.partition("<!-- end of requests -->\n")
    assert begin and end, "the marks around the tables are not there"
    plan = Plan(yaml.safe_load((CHECKOUT / "config.yaml").read_text()), KINDS)
    check_written(path, f"{before}{begin}\n{requests_markdown(plan)}\n{end}{after}")


@pytest.mark.workflow
def test_a_dry_run_ends_with_the_table_and_a_failed_one_does_not(tmp_path: Path) -> None:
    checkout = Checkout.fresh(tmp_path / "here", tiny=TINY)
    said = checkout.snakemake("-n", "--", "tiny")
    assert said.returncode == 0, said.stderr
    after = said.stdout.partition("What the jobs ask for")[2]
    (row,) = (line.split() for line in after.splitlines() if line.startswith("tiny"))
    assert row[1] == row[2] == str(len(asked(make_plan(tiny=TINY), "tiny")))
    for arguments in (("-n", "--", "results/nothing"), ("--summary", "--", "tiny")):
        other = checkout.snakemake(*arguments)
        assert "What the jobs ask for" not in other.stdout + other.stderr
