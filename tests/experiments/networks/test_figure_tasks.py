"""Every figure of networks is drawn from the files of its task, with models in the order of the configuration."""

import itertools
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text

from lossbars.experiments.kinds import KINDS
from lossbars.experiments.networks.figures import modulo, path_norms, profiles
from lossbars.plots.tables import CONVENTIONS, by_recipe
from lossbars.workflow.artefacts import write_table, write_tensors
from lossbars.workflow.plan import Plan
from lossbars.workflow.tasks import Task
from lossbars.workflow.work import Work
from support.network_tables import DESCENT, FAMILY
from support.plans import make_plan

FIGURES = list(KINDS["networks"].figures)
ALIGNED = DESCENT | FAMILY | {"align": "weights"}
FLOW = DESCENT | {"family": {"kind": "path", "points": 4}}
STRING = DESCENT | {"family": {"kind": "string"}}
EMBEDDING = {"small": "one", "large": "two", "label": "deeper", "descent": DESCENT, "path": DESCENT}
EXPERIMENT: dict[str, Any] = {
    "title": "All figures",
    "data": "digits",
    "device": "cpu",
    "seeds": 3,
    "seeds_per_job": 3,
    "minima": DESCENT,
    "curves": DESCENT | FAMILY,
    "more_curves": {"permuted": ALIGNED, "flow": FLOW, "dss": STRING},  # not in alphabetical order
    "triangles": DESCENT | {"sides": "fixed"},
    "robustness": {"sizes": [2]},
    "models": {
        "two": {"label": "Second", "network": {"kind": "mlp", "depth": 2, "width": 4}},
        "one": {"label": "First", "network": {"kind": "mlp", "depth": 1, "width": 4}},
    },
    "embeddings": {"deeper": EMBEDDING},
    "figures": [name for name in FIGURES if name != "certified"],
}
SMOOTH: dict[str, Any] = {key: value for key, value in EXPERIMENT.items() if key != "embeddings"} | {
    "minima": DESCENT | {"weight_decay": 0.01},
    "certificates": {},
    "models": {
        key: model | {"network": model["network"] | {"activation": "tanh"}}
        for key, model in EXPERIMENT["models"].items()
    },
    "figures": ["certified"],
}
SIMPLICES = [[0.0, 0.0, 1.0], [0.0, 0.5, 0.5], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]]


def bars() -> pd.DataFrame:
    rows = [
        (model, convention, 0, 0.1 * i, np.inf if i == 0 else 1.0 + i, str(i), "")
        for model in EXPERIMENT["models"]
        for convention in CONVENTIONS
        for i in range(3)
    ]
    rows += [(model, "merged", 1, 1.0, 2.0, "0+1", "") for model in EXPERIMENT["models"]]
    return pd.DataFrame(rows, columns=["model", "convention", "dim", "birth", "death", "born_at", "dies_at"])


def curves() -> pd.DataFrame:
    rows = [
        (a, b, kind, t, loss)
        for a, b in itertools.combinations(range(3), 2)
        for kind in ("curve", "segment")
        for t, loss in ((0.0, 0.1 * a), (0.5, 1.0 + a + b), (1.0, 0.1 * b))
    ]
    return pd.DataFrame(rows, columns=["a", "b", "kind", "t", "objective"])


def triangles() -> pd.DataFrame:
    table = pd.DataFrame(SIMPLICES, columns=["t1", "t2", "t3"])
    return table.assign(a=0, b=1, c=2, objective=np.arange(len(table)) + 1.0)


def robustness() -> pd.DataFrame:
    rows = [("direct", 2, 0, 0, 0, 0.0, np.inf), ("direct", 2, 0, 1, 1, 0.1, 1.0)]
    return pd.DataFrame(rows, columns=["convention", "size", "subset", "rank", "minimum", "birth", "death"])


def minima() -> pd.DataFrame:
    return pd.DataFrame({"seed": [0, 1, 2], "objective": [0.0, 0.1, 0.2], "test_accuracy": [90.0, 91.0, 92.0]})


def embeddings() -> pd.DataFrame:
    return pd.DataFrame({"a": [1, 2], "penalty": [0.5, 0.7], "before": [0.5, 0.6], "after": [0.4, 0.6]})


MADE: dict[str, Callable[[], pd.DataFrame]] = {
    "gather": bars,
    "minima": minima,
    "curves": curves,
    "triangles": triangles,
    "robustness": robustness,
    "embedding": embeddings,
}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(every=EXPERIMENT, smooth=SMOOTH)


def draw(task: Task, change: Callable[[str, str, pd.DataFrame], pd.DataFrame] = lambda _, __, table: table) -> Figure:
    """The figure of a task, from made-up files under the keys that it expects, below the working folder."""
    for made in task.reads():
        if made.option == "tensors":
            norms = torch.ones(2, 3, 2, dtype=torch.float64)  # epochs, paths, points
            pairs = torch.tensor([[0, 1], [0, 2], [1, 2]])
            write_tensors(Path(made.path), {"tangent": norms, "orthogonal": 2 * norms, "pairs": pairs}, made.task.job)
        else:
            table = change(made.task.kind, made.task.model, MADE[made.task.rule]())
            write_table(Path(made.path), table, made.task.job)
    module = import_module(task.module)
    figure_module = import_module(Work.of(task).settings.module)
    assert module.__name__ == "lossbars.workflow.figure_step"
    drawn = figure_module.draw(Work.of(task))
    assert isinstance(drawn, Figure)
    return drawn


@pytest.mark.parametrize("name", FIGURES)
def test_each_draws_its_task_in_the_order_of_the_configuration(
    name: str, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    every = [*plan.figures("every"), *plan.figures("smooth")]
    (task,) = (task for task in every if task.path.endswith(f"-{name}.pdf"))
    figure = draw(task)
    texts = " ".join(text.get_text() for text in figure.findobj(Text))
    if name == "embeddings":
        assert "deeper" in texts
    elif name == "complexity":  # by depth
        assert texts.index("First") < texts.index("Second")
    else:
        assert texts.index("Second") < texts.index("First")


def reads(plan: Plan, name: str) -> dict[str, set[str]]:
    """Option → kinds of what a figure reads."""
    (task,) = (task for task in plan.figures("every") if task.path.endswith(f"every-{name}.pdf"))
    return {option: {made.task.kind for made in files} for option, files in task.inputs.items()}


def test_aligned_curves_stand_apart(plan: Plan) -> None:
    plain, aligned = {"curves", "curves-flow", "curves-dss"}, {"curves-permuted"}
    assert reads(plan, "profiles")["curves"] == reads(plan, "string-bridge")["curves"] == plain
    assert reads(plan, "modulo") == {"bars": {"gather"}, "curves": plain, "aligned": aligned}
    assert reads(plan, "optimisers")["curves"] == plain | aligned
    assert reads(plan, "path-norms") == {"bars": {"gather"}, "paths": {"curves-flow"}}
    claims = {option: {made.task.kind for made in files} for option, files in plan.claims("every").inputs.items()}
    assert claims["curves"] == plain and claims["aligned"] == aligned


def test_recipes_come_in_the_order_of_the_configuration() -> None:
    table = pd.DataFrame(
        {"model": ["a", "b", "b"], "by": ["curves", "curves-x", "curves"], "objective": [1.0, 2.0, 3.0]}
    )
    recipes = {model: {"curves": "chain", "curves-y": "flow", "curves-x": "string"} for model in "abc"}
    rows, named = by_recipe(table, {"b": "B", "a": "A", "c": "C"}, recipes)
    assert named == {"b-curves": "B, chain", "b-curves-x": "B, string", "a": "A"}
    assert list(named) == ["b-curves", "b-curves-x", "a"]
    assert rows.set_index("model")["objective"].to_dict() == {"b-curves": 3.0, "b-curves-x": 2.0, "a": 1.0}


def test_figures_of_one_module_each() -> None:
    modules = [figure.module for figure in KINDS["networks"].figures.values()]
    assert len(set(modules)) == len(FIGURES) and {one.__name__ for one in (modulo, path_norms, profiles)} < set(modules)
