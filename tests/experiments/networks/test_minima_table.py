"""The table of all minima of an experiment, and what is said of curves that go below them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from lossbars.experiments.networks.endpoints import ENDPOINT, MINIMUM, UNDECIDED
from lossbars.experiments.networks.minima import _kinds, gather
from lossbars.plots.bars import unresolved
from lossbars.workflow.artefacts import read_table
from lossbars.workflow.work import Work
from support.network_tables import claim_rows, results
from support.plans import run_tasks
from support.workflow import TINY, Model, plan

POLISHED = {
    "polish": {"passes": 60},
    "curvature": {"products": 30},
    "triangles": None,
    "robustness": None,
    "figures": [],
    "seeds_per_job": 3,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Three minima with weight decay, polished a little, their curves and barcodes."""
    minima = TINY["minima"] | {"weight_decay": 1e-3}
    made = Model(tmp_path_factory.mktemp("minima"), plan(**POLISHED, minima=minima))
    made.train()
    made.run(*made.of("curvature"))
    made.barcode()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        run_tasks([task for task in made.tasks if task.rule == "gather"])
    return made


def gathered(model: Model, name: str) -> pd.DataFrame:
    (path,) = (task.path for task in model.tasks if task.rule == "gather" and Path(task.path).stem == name)
    return read_table(model.folder / path)


def test_every_minimum_has_its_quality_its_bar_and_its_distance(model):
    table, trained = gathered(model, "minima"), model.table("minima", "0-2")
    assert list(table["seed"]) == [0, 1, 2] and set(table["model"]) == {"mlp"}
    for name in ("objective", "data_loss", "gradient_norm", "residue", "test_accuracy", "stopped"):
        assert list(table[name]) == list(trained[name]), name
    theta = model.tensors("minima", "0-2")["theta"].double()
    apart = torch.cdist(theta, theta) + torch.diag(torch.full((3,), torch.inf, dtype=torch.float64))
    assert table["nearest"].to_numpy() == pytest.approx(apart.amin(1).numpy())


def test_bars_are_direct_ones_and_the_half_line_has_the_longest(model):
    table, bars = gathered(model, "minima").set_index("seed"), gathered(model, "barcodes")
    direct = bars[(bars["convention"] == "direct") & (bars["dim"] == 0)]
    finite = direct[np.isfinite(direct["death"])]
    for _, bar in finite.iterrows():
        assert table.loc[int(bar["born_at"]), "bar"] == bar["death"] - bar["birth"]
    (lowest,) = direct.loc[np.isinf(direct["death"]), "born_at"].astype(int)
    assert table.loc[lowest, "bar"] == (finite["death"] - finite["birth"]).max()


def test_what_has_not_converged_is_an_endpoint_and_no_minimum_is_sure_where_curves_are_not_settled(model):
    table = gathered(model, "minima")
    small = (table["residue"] <= 0.1 * table["bar"]) & (table["falls_along_it"] == 0)
    assert table["bar_residue"].isna().all()
    assert list(table["is"]) == [UNDECIDED if converged else ENDPOINT for converged in small]


@pytest.mark.parametrize(
    ("residue", "bar_residue", "falls", "kind"),
    [
        (0.05, 0.2, 0.0, MINIMUM),
        (0.05, 0.6, 0.0, UNDECIDED),  # the bar may become .4, and .05 is more than a tenth of it
        (0.0, 0.9, np.nan, MINIMUM),
        (0.05, np.nan, 0.0, UNDECIDED),
        (0.11, 0.0, 0.0, ENDPOINT),
        (np.nan, 0.0, 0.0, ENDPOINT),
        (0.0, 0.0, 1e-3, ENDPOINT),
    ],
)
def test_what_a_place_is(residue, bar_residue, falls, kind):
    row = {"residue": residue, "bar": 1.0, "bar_residue": bar_residue, "falls_along_it": falls}
    assert list(_kinds(pd.DataFrame([row]))) == [kind]


def test_every_minimum_has_its_curvature(model):
    table, curvature = gathered(model, "minima"), model.table("curvature", "0-2")
    for name in ("least_eigenvalue", "eigenvalue_error", "falls_along_it", "hessian_products", "no_curvature"):
        assert list(table[name]) == list(curvature[name]), name
    assert (table["no_curvature"] == "").all() and (table["hessian_products"] <= 30).all()
    assert (table["least_eigenvalue"] <= 1e-3 + table["eigenvalue_error"]).all(), "λ is one: some pixels are never lit"
    assert (table["nearest_permuted"] <= table["nearest"]).all() and (table["same_as"] == "").all()


def test_a_saddle_is_an_endpoint_and_minima_need_no_curvature(model, monkeypatch):
    def of(falls: float, **curvature: Any) -> pd.DataFrame:
        tables = {
            "minima": gathered(model, "minima")[["model", "seed", "objective", "residue"]].assign(residue=0.0),
            "curvature": pd.DataFrame({"model": []}),
            "found": pd.DataFrame({"model": []}),
            "certified": pd.DataFrame({"model": []}),
        }
        if curvature:
            tables["curvature"] = pd.DataFrame(
                {"model": "mlp", "seed": [0, 1, 2], **curvature, "falls_along_it": falls}
            )
        monkeypatch.setattr(Work, "tables", lambda _, option: tables[option])
        (task,) = (task for task in model.tasks if task.rule == "gather" and Path(task.path).stem == "minima")
        monkeypatch.chdir(model.folder)
        return gather(Work.of(task))

    reason = {"least_eigenvalue": -1.0, "eigenvalue_error": 0.1, "hessian_products": 9.0, "no_curvature": ""}
    assert list(of(0.0, **reason)["is"]) == [UNDECIDED] * 3, "these curves are not settled"
    assert list(of(0.1, **reason)["is"]) == [ENDPOINT] * 3
    without = of(0.0)
    assert list(without["is"]) == [UNDECIDED] * 3 and without["least_eigenvalue"].isna().all()


def test_bars_carry_the_residues_of_their_ends(model):
    bars, minima = gathered(model, "barcodes"), model.table("minima", "0-2").set_index("seed")
    births = bars[bars["dim"] == 0]
    assert list(births["birth_residue"]) == [minima.loc[int(seed), "residue"] for seed in births["born_at"]]
    assert births["death_residue"].isna().all(), "these curves are not settled"
    assert unresolved(births[np.isfinite(births["death"])]).all()


def test_a_curve_below_the_lowest_minimum_is_told():
    networks = {"a": {"label": "A"}, "b": {"label": "B"}}
    minima = pd.DataFrame({"model": ["a", "a", "b", "b"], "seed": [0, 1, 0, 1], "objective": [0.2, 0.3, 0.2, 0.3]})
    curves = pd.DataFrame(
        {
            "model": ["a", "a", "b", "b"],
            "a": 0,
            "b": 1,
            "kind": ["curve", "curve", "curve", "segment"],
            "t": 0.5,
            "by": "curves",
            "objective": [0.25, 0.15, 0.21, 0.1],
        }
    )
    bars = pd.DataFrame(columns=["model", "convention", "dim", "birth", "death", "born_at", "dies_at", "dies_on"])
    rows = claim_rows(results(networks, minima=minima.assign(data_loss=minima["objective"]), curves=curves, bars=bars))
    row = rows.set_index("id").loc["nothing-below"]
    assert row["verdict"] == "does not hold"
    assert row["obtained"] == "A: 0.05000 below it on the curve 0+1; B: nothing below the lowest minimum"
