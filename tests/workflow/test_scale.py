"""Experiments at a fraction of their budget: what is shipped can be run at any, to its last figure."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from matplotlib.figure import Figure

from lossbars.experiments.networks.steps import figure, robustness, tables
from lossbars.workflow.marks import marked
from lossbars.workflow.plan import Plan
from support.paths import CHECKOUT
from support.workflow import TINY, Model, plan


@pytest.mark.parametrize("scale", [0.02, 0.1, 0.3, 0.35, 0.5, 0.9])
def test_subsets_are_smaller_than_the_set_of_minima_wherever_they_can_be(scale: float) -> None:
    for key, one in Plan(yaml.safe_load((CHECKOUT / "config.yaml").read_text()) | {"scale": scale}).networks.items():
        if one.robustness:
            assert max(one.robustness.sizes) == max(2, min(one.seeds - 1, max(one.robustness.sizes))), key
            assert one.seeds == 2 or max(one.robustness.sizes) < one.seeds, key


def test_the_score_of_two_minima_is_drawn_without_a_spread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, draw = [], figure.to_score

    def drawing(table: pd.DataFrame, spread: pd.DataFrame | None, *names: Any) -> Figure:
        given.append(spread)
        return draw(table, spread, *names)

    monkeypatch.setattr(figure, "to_score", drawing)
    few = {"seeds": 2, "seeds_per_job": 2, "figures": ["to-score"], "triangles": None}
    made = Model(tmp_path, plan(**(TINY | few)))
    made.train()
    bars, subsets = tmp_path / "barcodes.parquet", tmp_path / "robustness.parquet"
    tables.tables(made.jobs.tables("tiny"), [made.barcode()], bars)
    robustness.robustness(made.jobs.robustness("tiny", "mlp"), tmp_path / "complex.json", subsets)
    job, drawn = made.jobs.figure("tiny-to-score"), [tmp_path / "a.pdf", tmp_path / "a.svg"]
    figure.figure(job, bars, [], [], [], [], [subsets], [], *drawn)
    assert [marked(path) for path in drawn] == [job.key, job.key]
    assert given == [None]
