"""Experiments on Hessians: what may be said, what is measured, what is drawn and claimed of it."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from lossbars.claims.claim import AT_BUDGET, FAILS, HOLDS, UNDECIDED, UNMEASURED, Finding
from lossbars.experiments.hessian.claims import catalogue
from lossbars.experiments.hessian.claims.catalogue import budget
from lossbars.experiments.hessian.claims.nets import HessianResults
from lossbars.experiments.hessian.figures.critical_energy import critical_energy
from lossbars.experiments.hessian.figures.index_energy import index_energy
from lossbars.experiments.hessian.figures.net_spectrum import net_spectrum
from lossbars.experiments.hessian.figures.null_space import null_space
from lossbars.experiments.hessian.figures.spectra import hessian_spectra as hessian_spectra_figure
from lossbars.experiments.hessian.fits import (
    by_index,
    fits,
    index_law,
    linear_minimum,
    linear_prediction,
    minimal_energy,
    smooth_prediction,
)
from lossbars.experiments.kinds import KINDS
from lossbars.hessian.random_matrices import index_of, wishart_wigner
from lossbars.workflow.claims_step import claim_rows
from lossbars.workflow.config import ConfigError
from lossbars.workflow.plan import Plan
from support.plans import (
    changed,
    changed_rules,
    check_config,
    claims_settings,
    make_plan,
    run_tasks,
    table_of,
    tasks_by_path,
    the_task,
)

HES = KINDS["hessian"].example()
NET = HES["models"]["parts"]["task"]["net"]
CHECKS = {claim.id: check for claim, check in catalogue.CLAIMS}


def plan(experiment: dict[str, Any] = HES, scale: Any = 1) -> Plan:
    return make_plan(scale, hes=experiment)


# What may be said --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (
            "models.matrices.task.row",
            9,
            "hes.models.matrices.task.row: unknown key; did you mean 'rows'",
        ),
        ("models.matrices.task.rows", 50, "models.matrices.task.rows: Input should be greater than or equal to 100"),
        ("models.matrices.task.taus", [-1], "models.matrices.task.taus.0: Input should be greater than 0"),
        ("models.matrices.task.energies", [], "models.matrices.task.energies: List should have at least 1 item"),
        ("models.matrices.task.kind", "matrix", "models.matrices.task: Input tag 'matrix'"),
        ("models.tanh.task.indices", [18], "indices: 18 is no index of 18 parameters"),
        ("models.tanh.task.activation", "relu", "models.tanh.task.activation: Input should be 'identity'"),
        ("models.parts.task.lanczos.steps", 19, "lanczos.steps: 19 are more than the 18 parameters"),
        ("models.parts.task.net.sample", 19, "models.parts.task.net.sample: unknown key; did you mean 'samples'"),
        (
            "models.minimisers.task.nets",
            [NET | {"samples": 6}],
            "nets: 3-3-3 tanh without biases, 6 samples: 18 parameters are too few to fit 18 numbers",
        ),
        ("figures", ["spectrum"], "experiments.hes.figures.0: no figure 'spectrum'; there are 'spectra'"),
        ("models.matrices", HES["models"]["tanh"], "figures: 'spectra' needs a model whose task is random-matrices"),
        ("models", {}, "models: at least one is needed"),
        ("seeds", 2, "experiments.hes.seeds: unknown key"),
    ],
)
def test_mistakes_are_named_with_their_place(place: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_config(hes=changed(HES, place, value))


def test_a_scale_shrinks_what_is_many() -> None:
    large = changed(HES, "models.matrices.task.rows", 2000)
    large["models"]["tanh"]["task"]["data_sets"] = 20
    models = plan(large, {"seeds": 0.25, "points": 0.1}).experiments["hes"].models
    assert models["matrices"].task.rows == 200 and models["tanh"].task.data_sets == 5
    assert models["parts"].task.lanczos.probes == 1 and models["minimisers"].task.starts == 1
    least = plan(large, 1e-6).experiments["hes"].models
    assert least["matrices"].task.rows == 100 and least["tanh"].task.data_sets == 1
    assert claims_settings(plan(large, {"seeds": 0.25}), "hes").scale == {"seeds": 0.25, "points": 1.0}


# The plan ----------------------------------------------------------------------------------------

RESULTS = {"claims", "usage"}


@pytest.mark.parametrize(
    ("place", "value", "rules"),
    [
        ("models.matrices.task.rows", 101, {"hessian_spectra", "figure"} | RESULTS),
        ("models.tanh.task.steps", 41, {"hessian_critical", "figure"} | RESULTS),
        ("models.minimisers.task.starts", 3, {"hessian_minimisers", "figure"} | RESULTS),
        ("models.parts.label", "another", {"figure"} | RESULTS),
        ("title", "another", {"figure"} | RESULTS),
        ("resources", {"mem_mb": 7777}, {"usage"}),
    ],
)
def test_keys_cover_what_decides_and_nothing_else(place: str, value: Any, rules: set[str]) -> None:
    assert changed_rules(plan(), plan(changed(HES, place, value)), "hes") == rules


def test_what_a_run_leaves_and_reads() -> None:
    read = {path: {one.path for one in task.reads()} for path, task in tasks_by_path(plan(), "hes").items()}
    searches = {f"results/hes/{model}/hessian_critical.parquet" for model in ("tanh", "linear")}
    assert read["results/figures/hes-critical-energy.svg"] == searches
    assert read["results/figures/hes-null-space.svg"] == {"results/hes/minimisers/hessian_minimisers.parquet"}
    assert len(read["results/hes/claims.parquet"]) == 5


@pytest.mark.parametrize(
    ("rule", "model", "place", "value"),
    [
        ("hessian_spectra", "matrices", "rows", 20000),
        ("hessian_critical", "tanh", "steps", 10**9),
        ("hessian_critical", "tanh", "width", 30),
        ("hessian_parts", "parts", "net", NET | {"hidden": [900]}),
        ("hessian_minimisers", "minimisers", "starts", 10**5),
    ],
)
def test_more_work_asks_for_more(rule: str, model: str, place: str, value: Any) -> None:
    larger = changed(HES, f"models.{model}.task.{place}", value)
    asked = [one.request(the_task(one, "hes", rule, model)) for one in (plan(), plan(larger))]
    assert asked[0].runtime < asked[1].runtime and asked[0].gpu == 0
    if place not in ("steps", "starts"):
        assert asked[0].mem_mb < asked[1].mem_mb
    stated = changed(HES, f"models.{model}.resources", {"mem_mb": 77, "runtime": 5})
    configured = plan(stated)
    found = configured.request(the_task(configured, "hes", rule, model))
    assert (found.mem_mb, found.runtime) == (77, 5)


# Steps -------------------------------------------------------------------------------------------

MODELS = list(HES["models"])


def run(model: str) -> pd.DataFrame:
    """The table of a model, as figures and claims read it."""
    (task,) = [task for task in plan().tasks("hes") if task.model == model]
    run_tasks([task])
    return table_of(task)


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("hessians"))
        return {model: run(model) for model in MODELS}


def test_matrices_are_beside_their_law(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["matrices"]
    for energy, rows in table.groupby("energy"):
        law = wishart_wigner(float(energy), 0.5)
        curve, bins = rows[rows["part"] == "density"], rows[rows["part"] == "sampled"]
        np.testing.assert_allclose(curve["y"], law.density(curve["x"].to_numpy()))
        assert (np.diff(bins["x"]) * bins["y"].to_numpy()[:-1]).sum() == pytest.approx(1)
        assert set(rows["index"]) == {index_of(law)} and (rows["distance"] < 0.08).all()
        assert rows["negative"].iloc[0] * 100 == round(rows["negative"].iloc[0] * 100)


def test_a_row_for_each_search(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["tanh"]
    assert len(table) == 2 * 3 * 4 and set(table["tau"]) == {0.5, 1.0} and set(table["parameters"]) == {18}
    assert (table["accepted"] == (table["gradient"] <= 1e-2)).all() and table["accepted"].any()
    assert (table["alpha"] == table["index"] / 18).all() and ((table["lowest"] < 0) >= (table["index"] > 0)).all()
    linear = tables["linear"]
    assert linear["accepted"].all() and (linear["index"] == 0).all() and (linear["energy"] <= linear["before"]).all()


def test_searches_repeat_and_each_data_set_is_its_own(
    tables: dict[str, pd.DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pd.testing.assert_frame_equal(run("linear"), tables["linear"])
    assert tables["linear"]["energy"].nunique() == 6


def test_spectra_of_the_parts(tables: dict[str, pd.DataFrame]) -> None:
    parts = {name: rows["value"].to_numpy() for name, rows in tables["parts"].groupby("part")}
    assert {name: len(own) for name, own in parts.items()} == {
        "hessian": 18,
        "gauss-newton": 18,
        "residual": 18,
        "lanczos": 40,
    }
    assert parts["hessian"].sum() == pytest.approx(parts["gauss-newton"].sum() + parts["residual"].sum())
    weights = tables["parts"].groupby("part")["weight"].sum()
    assert weights.to_numpy() == pytest.approx(np.ones(4))
    assert (tables["parts"]["off"] < 1e-12).all() and (tables["parts"]["distance"] < 0.4).all()


def test_null_spaces(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["minimisers"]
    assert table["net"].tolist() == ["1-3-1 tanh, 3 samples"] * 2 and table["start"].tolist() == [0, 1]
    assert (table["dimension"] == 7).all() and (table["loss"] < 1e-25).all()
    assert (table["largest"] < 1e-10).all() and (table["next"] > 1e-8).all()


# Fits --------------------------------------------------------------------------------------------


def searches(
    critical: float = 0.2, scale: float = 3.0, power: float = 1.5, model: str = "tanh", tau: float = 0.5
) -> pd.DataFrame:
    """Two critical points of each of some indices of 100 parameters, at the energies of a law, and one that is none."""
    rows = []
    for count in (0, 1, 2, 4, 6, 9, 30):
        energy = critical + (count / 100 / scale) ** (1 / power)
        rows += [{"index": count, "alpha": count / 100, "energy": energy + shift} for shift in (-1e-3, 1e-3)]
    rows.append({"index": 0, "alpha": 0.0, "energy": 9.0})
    table = pd.DataFrame(rows).assign(model=model, tau=tau)
    return table.assign(accepted=table["energy"] < 1)


def test_a_law_is_found_again() -> None:
    rows = by_index(searches())
    assert rows["index"].tolist() == [0, 1, 2, 4, 6, 9, 30] and set(rows["count"]) == {2}
    assert rows["spread"].to_numpy() == pytest.approx(np.full(7, 1e-3 * math.sqrt(2)))
    law = index_law(rows)
    assert (law.critical, law.scale) == pytest.approx((0.2, 3.0)) and law.off < 1e-12
    assert index_law(rows, 1.0).off > 1e-3 and index_law(rows, 2.0).off > 1e-3
    assert minimal_energy(searches()) == pytest.approx((0.2, 1e-3 * math.sqrt(2), 2))


def test_the_standard_error_is_that_of_a_regression() -> None:
    from scipy.stats import linregress

    random = np.random.default_rng(0)
    rows = by_index(searches())
    rows = rows.assign(energy=rows["energy"] + 1e-2 * random.standard_normal(len(rows)))
    small = rows[rows["alpha"] <= 0.1]
    line = linregress(small["alpha"] ** (2 / 3), small["energy"])
    law = index_law(rows)
    assert (law.critical, law.error) == pytest.approx((line.intercept, line.intercept_stderr))


def test_too_few_indices_are_said() -> None:
    table = searches()
    few = table[table["index"].isin([0, 1, 2, 30])]
    assert not fits(by_index(few)) and fits(by_index(table))
    with pytest.raises(ValueError, match=r"critical points of 3 indices with α ≤ 0\.1, a fit needs 4"):
        index_law(by_index(few))
    assert minimal_energy(table[table["index"] > 0])[2] == 0


def test_predictions() -> None:
    assert smooth_prediction(0.5) == 0.125 and linear_prediction(0.5) == 0.25 and linear_minimum(0.5) == 0.375
    assert smooth_prediction(2.0) == linear_prediction(2.0) == linear_minimum(2.0) == 0


# Claims ------------------------------------------------------------------------------------------


def results(scale: float = 1.0, experiment: dict[str, Any] = HES, **kinds: pd.DataFrame) -> HessianResults:
    settings = claims_settings(plan(experiment, {"seeds": scale}), "hes")
    return HessianResults(settings, {f"hessian_{name}": table for name, table in kinds.items()})


def rows_of(results: HessianResults) -> pd.DataFrame:
    return claim_rows(catalogue, "hes", results.settings.config, results).set_index("id")


def found(claim: str, **kinds: pd.DataFrame) -> Finding:
    return CHECKS[claim](results(**kinds))


def test_claims_on_matrices() -> None:
    rows = {"model": "matrices", "tau": 0.5, "energy": [0.1, 0.1, 0.5], "rows": 100, "negative": [0.11, 0.11, 0.26]}
    table = pd.DataFrame(rows | {"distance": [0.01, 0.01, 0.02], "index": [0.11, 0.11, 0.25]})
    near = found("spectra", spectra=table)
    assert near.verdict == HOLDS and near.obtained == "plain: 0.010 at (0.5, 0.1), 0.020 at (0.5, 0.5)"
    assert found("spectra", spectra=table.assign(distance=0.09)).verdict == FAILS
    assert found("index", spectra=table).verdict == HOLDS
    assert found("index", spectra=table.assign(negative=0.35)).verdict == FAILS


def test_claims_on_closed_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found("critical-energy").verdict == HOLDS and found("critical-energy").obtained.startswith("τ = 0.5: 0.0112")
    assert found("critical-energy-relu").verdict == UNMEASURED
    assert found("small-indices").verdict == HOLDS
    monkeypatch.setattr("lossbars.experiments.hessian.claims.spectra.critical_energy", lambda tau: (1 - tau) ** 2 / 2)
    monkeypatch.setattr("lossbars.experiments.hessian.claims.spectra.index_scale", lambda family, tau: 0.05)  # noqa: ARG005
    assert found("critical-energy").verdict == found("small-indices").verdict == FAILS


def test_claims_on_critical_points() -> None:
    good = searches(0.126)
    assert found("three-halves", critical=good).verdict == HOLDS
    assert found("three-halves", critical=searches(0.126, power=1.0)).verdict == FAILS
    noisy = searches(0.126, power=1.2)
    noise = 0.02 * np.random.default_rng(1).standard_normal(len(noisy))
    assert found("three-halves", critical=noisy.assign(energy=noisy["energy"] + noise)).verdict == UNDECIDED
    assert found("fitted-energy", critical=good).verdict == HOLDS
    assert "tanh, τ = 0.5: 0.126 ±" in found("fitted-energy", critical=good).obtained
    assert found("fitted-energy", critical=searches(0.24)).verdict == FAILS
    assert found("fitted-energy", critical=good[good["index"] < 2]).verdict == UNMEASURED


@pytest.mark.parametrize(("energy", "verdict"), [(0.25, HOLDS), (0.375, FAILS)])
def test_claims_on_linear_nets(energy: float, verdict: str) -> None:
    rows = {"model": "linear", "tau": 0.5, "accepted": True, "index": 0, "alpha": 0.0}
    table = pd.DataFrame(rows | {"energy": energy + np.array([-0.01, 0.0, 0.01])})
    assert found("linear-nets", critical=table).verdict == verdict
    assert found("linear-nets", critical=table.iloc[:2]).verdict == UNMEASURED


def test_claims_on_parts_and_lanczos() -> None:
    rows = [("hessian", 1.0)] * 18 + [
        ("gauss-newton", 0.0),
        ("gauss-newton", 2.0),
        ("residual", -1.0),
        ("residual", 1.0),
    ]
    table = pd.DataFrame(rows, columns=["part", "value"]).assign(model="parts", off=1e-15, distance=0.1, weight=0.1)
    assert found("parts", parts=table).verdict == found("lanczos", parts=table).verdict == HOLDS
    assert found("parts", parts=table.assign(off=1e-3)).verdict == FAILS
    assert found("parts", parts=table.assign(value=table["value"] - 0.5)).verdict == FAILS
    assert found("parts", parts=table[table["value"] >= 0]).verdict == FAILS
    assert found("lanczos", parts=table.assign(distance=0.5)).verdict == FAILS


def test_claims_on_null_spaces() -> None:
    row = {"model": "minimisers", "net": "a", "parameters": 10, "fitted": 3, "largest": 1e-16, "next": 1e-3}
    table = pd.DataFrame([row | {"loss": 1e-30, "dimension": 7}, row | {"loss": 1e-3, "dimension": 2}])
    holds = found("null-space", minimisers=table)
    assert holds.verdict == HOLDS and holds.obtained == "a: 7 at 1 of 1 (2 starts), gap 1e+13"
    assert found("null-space", minimisers=table.assign(dimension=6)).verdict == FAILS
    assert found("null-space", minimisers=table.iloc[1:]).verdict == FAILS


def test_claims_of_a_whole_experiment(tables: dict[str, pd.DataFrame]) -> None:
    both = pd.concat([tables["tanh"], tables["linear"]], ignore_index=True)
    kinds = {
        "spectra": tables["matrices"],
        "critical": both,
        "parts": tables["parts"],
        "minimisers": tables["minimisers"],
    }
    rows = rows_of(results(**kinds))
    assert list(rows.index) == list(CHECKS)
    assert rows.loc["null-space", "verdict"] == rows.loc["spectra", "verdict"] == HOLDS
    assert set(rows["budget"]) == {"2 matrices of 100 rows, 30 searches of 40 steps, 2 minimisers"}
    assert rows_of(results(scale=0.5, **kinds)).loc["parts", "verdict"] == HOLDS + AT_BUDGET
    only = HES | {"models": {"parts": HES["models"]["parts"]}, "figures": []}
    alone = results(experiment=only, parts=tables["parts"])
    assert budget(alone) == "one net"
    verdicts = rows_of(alone)["verdict"]
    assert set(verdicts.drop(["parts", "lanczos"])) == {UNMEASURED}


# Figures -----------------------------------------------------------------------------------------


def lines(figure: Figure) -> dict[str, Any]:
    """Lines and bars by their names."""
    named = {}
    for axes in figure.axes:
        for one in [*axes.lines, *axes.containers]:
            named[str(one.get_label() if not hasattr(one, "get_gid") else one.get_gid())] = one
    return named


def test_spectra_show_law_and_sample(tables: dict[str, pd.DataFrame]) -> None:
    figure = hessian_spectra_figure(tables["matrices"], {"matrices": "plain"}, "Spectra")
    (panel,) = figure.axes
    assert panel.get_title() == "plain, τ = 0.5" and len(panel.patches) == 2
    x, y = lines(figure)["matrices-0.5-0.1"].get_data()
    np.testing.assert_allclose(y, wishart_wigner(0.1, 0.5).density(x))


def test_index_against_energy_shows_the_fit() -> None:
    both = pd.concat([searches(), searches(0.05, tau=1.0, model="other")], ignore_index=True)
    figure = index_energy(both, {"tanh": "Tanh", "other": "Other"}, "Indices")
    named = lines(figure)
    assert len(named["points-tanh-0.5"].get_xdata()) == 14
    energy, alpha = named["fit-other-1"].get_data()
    np.testing.assert_allclose(alpha, 3.0 * np.maximum(energy - 0.05, 0) ** 1.5, atol=1e-9)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["Tanh, τ = 0.5: ε_c = 0.200", "Other, τ = 1: ε_c = 0.050"]
    few = index_energy(both[both["index"] < 2], {"tanh": "Tanh"}, "Indices")
    assert "points-tanh-0.5" in lines(few) and "fit-tanh-0.5" not in lines(few)
    assert [text.get_text() for text in few.legends[0].get_texts()] == ["Tanh, τ = 0.5"]


def test_critical_energies_are_beside_the_predictions() -> None:
    figure = critical_energy(searches(), {"tanh": "Tanh"}, "Energies")
    (panel,) = figure.axes
    named = {str(one.get_gid()): one for one in panel.lines}
    x, y = named["½(1 − τ)², published for tanh"].get_data()
    np.testing.assert_allclose(y, np.maximum(1 - x, 0) ** 2 / 2)
    marks = [one.get_xydata() for one in panel.lines if len(one.get_xdata()) == 1]
    np.testing.assert_allclose(np.concatenate(marks), [[0.5, 0.2], [0.5, 0.2]])


def test_spectrum_of_a_net_and_null_spaces(tables: dict[str, pd.DataFrame]) -> None:
    figure = net_spectrum(tables["parts"], {"parts": "Net"}, "Spectrum")
    named = lines(figure)
    x, y = named["hessian-parts"].get_data()
    assert y[-1] == 1 and (np.diff(x) >= 0).all() and len(x) == 18
    assert {"gauss-newton-parts", "residual-parts", "lanczos-parts"} <= set(named)
    figure = null_space(tables["minimisers"], {"minimisers": "Nets"}, "Null spaces")
    assert lines(figure)["dimension-0"].get_xydata().tolist() == [[7, 7], [7, 7]]
    with pytest.raises(ValueError, match="'hessian_minimisers' has no row for model 'none'"):
        null_space(tables["minimisers"], {"none": "None"}, "Null spaces")
