"""Experiments at a fraction of their budget: what is shipped can be run at any, to its last figure."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from matplotlib.figure import Figure

from lossbars.experiments.kinds import KINDS
from lossbars.experiments.networks.config import Experiment
from lossbars.experiments.networks.figures import to_score
from lossbars.workflow.marks import marked
from lossbars.workflow.plan import Plan
from support.paths import CHECKOUT
from support.workflow import Model, plan


@pytest.mark.parametrize("scale", [0.02, 0.1, 0.3, 0.35, 0.5, 0.9])
def test_subsets_are_smaller_than_the_set_of_minima_wherever_they_can_be(scale: float) -> None:
    raw = yaml.safe_load((CHECKOUT / "config.yaml").read_text()) | {"scale": scale}
    experiments = Plan(raw, KINDS).experiments
    networks = {key: one for key, one in experiments.items() if isinstance(one, Experiment)}
    assert any(one.robustness for one in networks.values())
    for key, one in networks.items():
        if one.robustness:
            assert max(one.robustness.sizes) == max(2, min(one.seeds - 1, max(one.robustness.sizes))), key
            assert one.seeds == 2 or max(one.robustness.sizes) < one.seeds, key


@pytest.mark.parametrize("scale", [1e-4, 0.003, {"epochs": 0.003, "seeds": 0.3}])
def test_the_smallest_budgets_can_be_planned(scale: Any) -> None:
    """Also where the epochs leave no room for points that are put into a path."""
    plan = Plan(yaml.safe_load((CHECKOUT / "config.yaml").read_text()) | {"scale": scale}, KINDS)
    for key in plan.experiments:
        assert any(task.rule == "claims" for task in plan.tasks(key)), key


def test_the_score_of_two_minima_is_drawn_without_a_spread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, drawing = [], to_score.to_score

    def drawn(table: pd.DataFrame, spread: pd.DataFrame | None, *names: Any) -> Figure:
        given.append(spread)
        return drawing(table, spread, *names)

    monkeypatch.setattr(to_score, "to_score", drawn)
    few = {"seeds": 2, "seeds_per_job": 2, "figures": ["to-score"], "triangles": None}
    made = Model(tmp_path, plan(**few))
    _, *tasks, figure, _ = made.tasks  # between the data, which are made up, and the claims
    made.run(*tasks, figure)
    assert figure.rule == "figure"
    assert [marked(tmp_path / path) for path in figure.outputs.values()] == [figure.key, figure.key]
    assert given == [None]
