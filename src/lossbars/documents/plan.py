"""The documents of a run: usage of each experiment, claims, report and provenance of all. Loads no torch."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from lossbars.recipes import Recipe
from lossbars.workflow.common_rules import CLAIMS, FIGURE, GATHER
from lossbars.workflow.data_sets import DATASET
from lossbars.workflow.experiment import Scale
from lossbars.workflow.fingerprint import text_fingerprint
from lossbars.workflow.landscape_rules import SURFACE
from lossbars.workflow.path_lists import compact
from lossbars.workflow.tasks import Output, Rule, Task, files, unique
from lossbars.workflow.validity import condition

if TYPE_CHECKING:
    from lossbars.workflow.kind import Kind
    from lossbars.workflow.plan import Plan

TEMPLATE = Path(__file__).with_name("report.html.j2")
PACKAGE = "lossbars.documents"
USAGE = Rule("usage", f"{PACKAGE}.usage", {"table": "{experiment}/benchmarks/usage.parquet"}, local=True)
CLAIMS_FILES = {"text": "claims.md", "table": "claims.parquet"}
CLAIMS_REPORT = Rule("claims_report", f"{PACKAGE}.claims_report", CLAIMS_FILES, local=True)
REPORT = Rule("report", f"{PACKAGE}.report", {"page": "report.html"}, local=True)
PROVENANCE = Rule("provenance", f"{PACKAGE}.provenance", {"record": "provenance.json"}, local=True)


class UsedJobs(Recipe):
    """Jobs of one rule and model that ask for the same; ``benchmarks`` are their measurements, as compact paths."""

    rule: str
    model: str
    benchmarks: list[str]
    parts: list[str]
    mem_mb: int
    runtime: int  # minutes


class UsageSettings(Recipe):
    """The jobs of an experiment, and what they ask for."""

    jobs: list[UsedJobs]


class ReportSettings(Recipe):
    """What the report shows beside claims, figures and barcodes, for each experiment."""

    experiments: dict[str, dict[str, Any]]  # the configuration
    given: dict[str, str]  # the configuration as a person wrote it
    captions: dict[str, dict[str, str]]  # figure → what it shows
    rules: dict[str, dict[str, tuple[int, list[str]]]]  # rule → number of its jobs, and the rules that it reads
    template_file: str  # fingerprint of the page's template


class ProvenanceSettings(Recipe):
    """The configuration of all experiments on record, as JSON, which keeps its order."""

    configuration: str


def rules_of(kinds: "Mapping[str, Kind]") -> dict[str, Rule]:
    """Every rule of the workflow by its name."""
    common = (DATASET, SURFACE, GATHER, FIGURE, CLAIMS, USAGE, CLAIMS_REPORT, REPORT, PROVENANCE)
    return {rule.name: rule for rule in (*common, *(rule for kind in kinds.values() for rule in kind.rules))}


# Of one experiment -------------------------------------------------------------------------------


def experiment_tasks(plan: "Plan", experiment: str) -> list[Task]:
    """All tasks of an experiment, what its jobs used among them; inputs before what is made of them."""
    return [*plan.tasks(experiment), usage_task(plan, experiment)]


def all_tasks(plan: "Plan", experiments: Iterable[str]) -> list[Task]:
    """The tasks of several experiments, each once, inputs before what is made of them."""
    return unique([task for key in experiments for task in experiment_tasks(plan, key)])


def targets(plan: "Plan", experiment: str) -> list[str]:
    """Paths that a run of the experiment is asked for; some results are made only where something needs them.

    What lies between is named too: Snakemake does not make again a deleted file that only made files need.
    """
    tasks = [task for task in experiment_tasks(plan, experiment) if not task.on_demand]
    return [path for task in tasks for path in task.outputs.values()]


def usage_task(plan: "Plan", experiment: str) -> Task:
    """What the jobs of an experiment used, beside what they asked for.

    Benchmark files are no results: nothing that trains may depend on them. The table is made anew with any result of
    the experiment, and reads what lies there.
    """
    groups: dict[tuple[str, str, int, int], list[Task]] = {}
    for task in plan.tasks(experiment):
        wanted = plan.request(task)
        model = "" if task.rule == DATASET.name else task.model
        groups.setdefault((task.kind, model, wanted.mem_mb, wanted.runtime), []).append(task)
    jobs = [
        UsedJobs(
            rule=rule,
            model=model,
            benchmarks=compact(str(task.benchmark) for task in tasks),
            parts=[task.part for task in tasks],
            mem_mb=mem_mb,
            runtime=runtime,
        )
        for (rule, model, mem_mb, runtime), tasks in groups.items()
    ]
    reads = {"claims": [plan.claims(experiment)["table"]], "figures": files(plan.figures(experiment), "svg")}
    return USAGE.task(plan, UsageSettings(jobs=jobs), reads, experiment=experiment)


def barcodes(plan: "Plan", experiment: str) -> list[Output]:
    """The barcodes of an experiment's models as records; none where only distances or rates are measured."""
    makers = [task for task in plan.tasks(experiment) if Path(task.path).name == "barcode.json"]
    return [task[next(iter(task.outputs))] for task in makers]


def tables_of_minima(plan: "Plan", experiment: str) -> list[Output]:
    """The table of all minima of an experiment; none where there are no minima to be trained."""
    return [task["table"] for task in plan.tasks(experiment) if Path(task.path).name == "minima.parquet"]


def tables_of_saddles(plan: "Plan", experiment: str) -> list[Output]:
    """The table of bars that end at certified saddles; none where no saddles are looked for."""
    return [task["table"] for task in plan.tasks(experiment) if Path(task.path).name == "certified.parquet"]


# Of all experiments ------------------------------------------------------------------------------


def documented(plan: "Plan", asked: Sequence[str]) -> list[str]:
    """Experiments of the documents: those asked for, and those that ran before and whose claims are not stale."""
    return [key for key in plan.experiments if key in asked or _claims_stand(plan.claims(key))]


def _claims_stand(claims: Task) -> bool:
    path = Path(claims.path)
    return path.is_file() and condition(path, claims.key) is None  # keys take a moment: most experiments never ran


def documents(plan: "Plan", experiments: Sequence[str]) -> list[Task]:
    """The common documents on these experiments."""
    claims = [plan.claims(key)["table"] for key in experiments]
    usage = [usage_task(plan, key)["table"] for key in experiments]
    claims_report = CLAIMS_REPORT.task(plan, None, {"claims": claims})
    figures = [figure["svg"] for key in experiments for figure in plan.figures(key)]
    records = [record for key in experiments for record in barcodes(plan, key)]
    minima = [table for key in experiments for table in tables_of_minima(plan, key)]
    reads = {"claims": claims, "figures": figures, "barcodes": records, "minima": minima, "usage": usage}
    if certified := [table for key in experiments for table in tables_of_saddles(plan, key)]:
        reads["certified"] = certified
    report = REPORT.task(plan, report_settings(plan, experiments), reads)
    left = [task for task in all_tasks(plan, experiments) if task.rule != DATASET.name]
    every = [task[option] for task in (*left, claims_report, report) for option in task.outputs]
    configuration = {"experiments": {key: plan.given[key] for key in experiments}, "scale": plan.scale.model_dump()}
    settings = ProvenanceSettings(configuration=json.dumps(configuration))
    return [claims_report, report, PROVENANCE.task(plan, settings, {"results": every})]


def report_settings(plan: "Plan", experiments: Sequence[str]) -> ReportSettings:
    """What the report shows of the configuration."""
    return ReportSettings(
        experiments={key: plan.experiments[key].model_dump(mode="json") for key in experiments},
        given={key: given(plan, key) for key in experiments},
        captions={
            key: {figure: plan.kind(key).figures[figure].caption for figure in plan.experiments[key].figures}
            for key in experiments
        },
        rules={key: rule_graph(experiment_tasks(plan, key)) for key in experiments},
        template_file=text_fingerprint(TEMPLATE),
    )


def rule_graph(tasks: Sequence[Task]) -> dict[str, tuple[int, list[str]]]:
    """Rule → number of its jobs, and the rules whose results it reads; in the order of a run."""
    counts: dict[str, int] = {}
    needs: dict[str, dict[str, None]] = {}
    for task in tasks:
        counts[task.rule] = counts.get(task.rule, 0) + 1
        others = {one.task.rule: None for one in task.reads() if one.task.rule != task.rule}
        needs.setdefault(task.rule, {}).update(others)
    return {rule: (count, list(needs[rule])) for rule, count in counts.items()}


def given(plan: "Plan", experiment: str) -> str:
    """An experiment as YAML, in the order of the file that it was given in."""
    # through JSON: what an anchor puts in several places is then written out in each
    stated = json.loads(json.dumps({"experiments": {experiment: plan.given[experiment]}}))
    scale = {} if plan.scale == Scale() else {"scale": plan.scale.model_dump()}
    return yaml.safe_dump(scale | stated, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)
