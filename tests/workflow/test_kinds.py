"""Every kind of experiment through the real workflow, by its own example; and a kind that is put in from outside."""

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lossbars.documents.plan import documents, experiment_tasks
from lossbars.experiments.kinds import KINDS
from lossbars.workflow.plan import Plan
from lossbars.workflow.validity import condition
from support.forks import jobs_of
from support.paths import CHECKOUT
from support.plans import copied, make_plan
from support.workflow import Checkout

# The examples of all kinds, run together once.
RUNNING = list(KINDS)
EXAMPLES: dict[str, dict[str, Any]] = {f"example-{name}": KINDS[name].example() for name in RUNNING}
MAYBE_EMPTY = ("claims", "descents")  # rules whose tables have no row where nothing is to be said, or was found
of_each = pytest.mark.parametrize("name", RUNNING)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout in which the examples of all kinds ran, in one run."""
    checkout = Checkout.fresh(tmp_path_factory.mktemp("kinds") / "checkout", **EXAMPLES)
    checkout.run()
    return checkout


@pytest.fixture
def plan(run: Checkout, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The plan of that run, whose paths are below its folder."""
    monkeypatch.chdir(run.folder)
    return make_plan(**run.experiments)


@pytest.mark.workflow
def test_documents_are_on_all_kinds(run: Checkout, plan: Plan) -> None:
    for task in documents(plan, list(EXAMPLES)):
        for path in task.outputs.values():
            assert condition(Path(path), task.key) is None, path
    claims, report = Path("results/claims.md").read_text(), Path("results/report.html").read_text()
    for key, config in plan.experiments.items():
        assert f"## {key} (full budget)" in claims
        assert config.title in report
    assert Path("results/provenance.json").is_file()
    assert not list(run.folder.glob(".checkpoints/*.safetensors")), "states of jobs that are done"


@pytest.mark.workflow
@of_each
def test_an_example_leaves_all_that_it_plans(name: str, plan: Plan) -> None:
    for task in experiment_tasks(plan, f"example-{name}"):
        for path in task.outputs.values():
            assert condition(Path(path), task.key) is None, path
        assert Path(task.log).is_file() and Path(task.benchmark).is_file(), task.path
        for path in filter(lambda path: path.endswith(".parquet"), task.outputs.values()):
            assert len(pd.read_parquet(path)) or task.rule in MAYBE_EMPTY, f"{path} has no row"


@pytest.mark.workflow
@of_each
def test_an_example_draws_figures(name: str, plan: Plan) -> None:
    figures = plan.figures(f"example-{name}")
    assert figures, f"the example of {name} names no figure"
    for figure in figures:
        assert Path(figure.outputs["svg"]).stat().st_size > 2000, figure.path


@pytest.mark.workflow
@of_each
def test_an_example_is_compared_with_the_claims_of_its_kind(name: str, plan: Plan) -> None:
    key = f"example-{name}"
    asked = [claim.id for claim, _ in KINDS[name].claims(key, plan.experiments[key])]
    rows = list(pd.read_parquet(plan.claims(key).path)["id"])
    assert rows and rows == [one for one in asked if one in rows]  # functions leave out what they do not measure


@pytest.mark.workflow
def test_a_second_run_has_nothing_to_do(run: Checkout) -> None:
    again = run.snakemake("-n", "--", *EXAMPLES)
    assert again.returncode == 0, again.stderr
    assert jobs_of(again.stdout + again.stderr) == {}
    assert run.explained() == set()


@of_each
def test_an_example_is_planned_by_the_rules_of_its_kind(name: str) -> None:
    """Each rule of a kind is in its rules file, with what Snakemake says of its jobs."""
    tasks = make_plan(one=KINDS[name].example()).tasks("one")
    text = "".join(path.read_text() for path in (CHECKOUT / "rules").glob("*.smk"))
    for rule in {task.rule for task in tasks} | {rule.name for rule in KINDS[name].rules}:
        assert f'"{rule}": "' in text, rule


# A kind of one's own -----------------------------------------------------------------------------

TOY_KIND = '''"""A toy kind."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

from lossbars.recipes import Recipe
from lossbars.workflow.common_rules import gather
from lossbars.workflow.experiment import ExperimentConfig, Scale
from lossbars.workflow.kind import FigureKind, Kind, reading
from lossbars.workflow.plan import Plan
from lossbars.workflow.tasks import Inputs, Rule, Task, files

ROOM = "lossbars.experiments.toy"


class ToyModel(Recipe):
    """One row of squares."""

    label: str = ""
    points: int


class Toy(ExperimentConfig):
    """Squares."""

    shrinks: ClassVar[tuple[str, ...]] = ("points",)
    kind: Literal["toy"]
    models: dict[str, ToyModel]
    figures: list[str] = ["squares"]

    def scaled(self, scale: Scale) -> "Toy":
        return self


class SquaresSettings(Recipe):
    """How many."""

    points: int


SQUARES = Rule("toy_squares", f"{ROOM}.squares", {"table": "{experiment}/{model}/squares.parquet"})
OF_ALL = reading(squares=("gather", "table"))


class ToyKind(Kind):
    """Squares of numbers."""

    name = "toy"
    config = Toy
    rules = (SQUARES,)
    figures = {"squares": FigureKind(f"{ROOM}.figure", OF_ALL, "Squares of numbers.")}
    claims_module = f"{ROOM}.claims"

    def tasks(self, plan: Plan, experiment: str) -> Iterator[Task]:
        made = []
        for key, model in plan.experiments[experiment].models.items():
            made.append(SQUARES.task(plan, SquaresSettings(points=model.points), experiment=experiment, model=key))
        yield from made
        yield gather(plan, experiment, "squares", files(made, "table"))

    def claims_inputs(self, tasks: Sequence[Task]) -> Inputs:
        return OF_ALL(None, tasks)

    def example(self) -> dict[str, Any]:
        return {"kind": "toy", "title": "Toy squares", "models": {"few": {"points": 3}, "many": {"points": 5}}}
'''
TOY_STEP = """import pandas as pd

from lossbars.experiments.toy.kind import SquaresSettings
from lossbars.workflow.work import Work


def step(work: Work[SquaresSettings]) -> None:
    numbers = range(work.settings.points)
    work.write_table("table", pd.DataFrame({"n": numbers, "square": [n**2 for n in numbers]}))
"""
TOY_FIGURE = """from matplotlib.figure import Figure

from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work


def draw(work: Work[FigureSettings]) -> Figure:
    figure = Figure()
    axes = figure.subplots()
    for model, rows in work.table("squares").groupby("model"):
        axes.plot(rows["n"], rows["square"], label=work.settings.labels[model])
    return figure
"""
TOY_CLAIMS = """from dataclasses import dataclass
from typing import Any

import pandas as pd

from lossbars.claims.claim import FAILS, HOLDS, Claim, Finding
from lossbars.experiments.toy.kind import Toy
from lossbars.workflow.settings import ClaimsSettings
from lossbars.workflow.work import Work


@dataclass(frozen=True)
class ToyResults:
    settings: ClaimsSettings[Toy]
    squares: pd.DataFrame


def results(work: Work[ClaimsSettings[Toy]]) -> ToyResults:
    return ToyResults(work.settings, work.table("squares"))


def positive(results: ToyResults) -> Finding:
    least = results.squares["square"].min()
    return Finding(str(least), HOLDS if least >= 0 else FAILS, "the least square")


def claims(experiment: str, config: Toy) -> list[Any]:
    return [(Claim("positive", "Squares are not negative.", "Euclid"), positive)]


def budget(results: ToyResults) -> str:
    return f"{len(results.squares)} numbers"
"""
TOY_RULES = 'MESSAGES["toy_squares"] = "Square the numbers of {wildcards.experiment}/{wildcards.model}"\n'


@pytest.mark.workflow
def test_a_new_kind_is_a_folder_a_file_of_rules_and_two_lines(tmp_path: Path) -> None:
    checkout = Checkout.fresh(tmp_path / "checkout", squares={"kind": "toy", "title": "Toy squares", "models": MODELS})
    room = checkout.folder / "src/lossbars/experiments/toy"
    room.mkdir()
    parts = {"__init__": "", "kind": TOY_KIND, "squares": TOY_STEP, "figure": TOY_FIGURE, "claims": TOY_CLAIMS}
    for name, text in parts.items():
        (room / f"{name}.py").write_text(text)
    (checkout.folder / "rules/toy.smk").write_text(TOY_RULES)
    kinds = "src/lossbars/experiments/kinds.py"
    checkout.replace(kinds, "from lossbars.workflow.kind", f"{TOY_IMPORT}\nfrom lossbars.workflow.kind")
    checkout.replace(kinds, "        HessianKind(),\n", "        HessianKind(),\n        ToyKind(),\n")
    checkout.run(forks=False)  # jobs as users have them
    assert checkout.stale() == set()
    results = checkout.folder / "results"
    table = pd.read_parquet(results / "squares/squares.parquet")
    assert table.groupby("model")["square"].max().to_dict() == {"few": 4, "many": 16}
    claims = (results / "claims.md").read_text()
    assert "**holds** | Squares are not negative. *Euclid* | — | 0 | the least square" in claims
    assert "Squares of numbers." in (results / "report.html").read_text()
    checkout.experiments = copied(checkout.experiments)
    checkout.experiments["squares"]["models"]["few"]["points"] = 4
    assert {"squares/few/squares", "squares/squares", "squares/claims", "report"} <= checkout.stale()
    assert "squares/many/squares" not in checkout.stale()


MODELS = {"few": {"points": 3, "label": "a few"}, "many": {"points": 5}}
TOY_IMPORT = "from lossbars.experiments.toy.kind import ToyKind"


# Nobody else knows a kind ------------------------------------------------------------------------

SHARED_FILES = [
    path
    for pattern in ("src/lossbars/**/*.py", "src/lossbars/**/*.j2", "rules/*.smk", "Snakefile", "profiles/**/*")
    for path in sorted(CHECKOUT.glob(pattern))
    if path.is_file()
]
LIST = CHECKOUT / "src/lossbars/experiments/kinds.py"


def named_kinds(path: Path) -> set[str]:
    """Kinds that a file imports from, or whose name it has as a literal value of ``kind``."""
    text = path.read_text()
    found = set()
    for name in KINDS:
        of_kind = [
            rf"experiments[./]{name}\b",  # an import, a path
            rf"rules[./]{name}\.smk",
            rf"""\bkind["']?\s*(==|!=|:|=|in)\s*[(\[]?["']{name}["']""",  # a comparison, a key with its value
            rf"\b{KINDS[name].config.__name__}\b(?=.*# of a kind)",
        ]
        if any(re.search(pattern, text) for pattern in of_kind):
            found.add(name)
    return found


@pytest.mark.parametrize("path", SHARED_FILES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_file_outside_a_kinds_room_names_it(path: Path) -> None:
    room = path.relative_to(CHECKOUT).parts
    allowed = set()
    if path in (LIST, CHECKOUT / "Snakefile"):
        allowed = set(KINDS)
    elif room[:3] == ("src", "lossbars", "experiments") and len(room) > 4:
        allowed = {room[3]}
    elif room[0] == "rules":
        allowed = {path.stem}
    assert named_kinds(path) <= allowed
