"""Claims on convolutional networks, on two types of minima and on several recipes, each from a made-up table."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lossbars.experiments.networks.claims.catalogue import CLAIMS, budget
from lossbars.experiments.networks.claims.convolutional import batch_norm_lowers, deaths_fall
from lossbars.experiments.networks.claims.generalisation import curves_within_and_across, first_group_higher
from lossbars.experiments.networks.claims.published import against_table
from lossbars.experiments.networks.claims.recipes import recipes_compared
from lossbars.experiments.networks.claims.triangles import one_saddles_of_complex
from support.network_tables import claim_rows, direct_bars, results

# Convolutions ------------------------------------------------------------------------------------


def cnn(depth: int, channels: int, batch_norm: bool = False) -> dict[str, Any]:
    network = {"kind": "cnn", "depth": depth, "channels": channels, "batch_norm": batch_norm}
    return {"network": network, "label": f"CNN-{depth}-{channels}{' BN' * batch_norm}"}


CNNS = {"a": cnn(1, 64), "b": cnn(1, 32), "c": cnn(2, 32), "n": cnn(1, 32, batch_norm=True)}


def deaths(**of: float) -> pd.DataFrame:
    return direct_bars({model: {0: math.inf, 1: death, 2: death} for model, death in of.items()})


@pytest.mark.parametrize(
    ("along", "own", "verdict"),
    [
        ("channels", {"b": 3.0, "a": 2.0}, "holds"),
        ("channels", {"b": 2.0, "a": 3.0}, "does not hold"),
        ("layers", {"b": 3.0, "c": 1.0}, "holds"),
        ("layers", {"b": 1.0, "c": 3.0}, "does not hold"),
    ],
)
def test_saddles_fall_in_the_order_of_size_not_of_drawing(along: str, own: dict[str, float], verdict: str) -> None:
    bars = deaths(**({"a": 9.0, "b": 9.0, "c": 9.0, "n": 9.0} | own))
    assert deaths_fall(results(CNNS, bars=bars), along).verdict == verdict


def test_saddles_that_have_not_converged_are_not_compared() -> None:
    bars = deaths(a=2.0, b=3.0, c=9.0, n=9.0).assign(birth_residue=0.0, death_residue=0.01)
    assert deaths_fall(results(CNNS, bars=bars), "channels").verdict == "holds"
    bars.loc[(bars["model"] == "a") & (bars["born_at"] == "2"), "death_residue"] = 0.5
    found = deaths_fall(results(CNNS, bars=bars), "channels")
    assert found.verdict == "not converged" and found.detail.endswith("as they are, holds")
    assert deaths_fall(results(CNNS, bars=bars), "layers").verdict != "not converged", "these are others"


def test_networks_without_bars_are_not_measured() -> None:
    assert deaths_fall(results(CNNS, bars=direct_bars({"b": {0: math.inf}})), "channels").verdict == "not measured"


def test_batch_norm_is_compared_with_the_same_network_without_it() -> None:
    bars = deaths(a=1.0, b=3.0, c=1.0, n=2.0)
    found = batch_norm_lowers(results(CNNS, bars=bars), "saddles")
    assert found.verdict == "holds"
    assert found.obtained == "CNN-1-32: 3.000 ± 0.0 (n = 2), with BatchNorm 2.000 ± 0.0 (n = 2)"
    minima = pd.DataFrame({"model": ["b", "n"], "objective": [0.4, 0.3], "data_loss": [0.1, 0.2]})
    assert batch_norm_lowers(results(CNNS, bars=bars, minima=minima), "minima").verdict == "does not hold"


# Two types of minima -----------------------------------------------------------------------------

GROUPS = {"first": {"label": "one", "minima": {"epochs": 30}}, "second": {"label": "two", "minima": {"epochs": 10}}}
TYPES = {"m": {"label": "ResNet", "groups": GROUPS, "minima": {"epochs": 10}, "curves": {"epochs": 3}}}


@pytest.mark.parametrize(
    ("one", "two", "verdict", "share"),
    [((3.0, 4.0), (1.0, 2.0), "holds", "100%"), ((3.0, 1.5), (1.0, 2.0), "does not hold", "75%")],
)
def test_every_saddle_of_type_1_must_be_above_every_one_of_type_2(one, two, verdict, share) -> None:
    bars = direct_bars({"m": {0: one[0], 1: one[1], 1000: two[0], 1001: two[1], 1002: math.inf}})
    found = first_group_higher(results(TYPES, bars=bars))
    assert found.verdict == verdict
    assert f"in {share} of all couples" in found.obtained


def test_types_whose_saddles_have_not_converged_are_not_compared() -> None:
    bars = direct_bars({"m": {0: 3.0, 1: 4.0, 1000: 1.0, 1001: 2.0, 1002: math.inf}})
    bars = bars.assign(birth_residue=0.0, death_residue=[0.0, 0.0, 0.11, 0.0, math.nan])
    found = first_group_higher(results(TYPES, bars=bars))
    assert found.verdict == "not converged" and "1 of 5 bars" in found.detail


def test_curves_are_told_apart_by_the_groups_of_their_ends() -> None:
    pairs = {(0, 1): 1.0, (0, 1000): 5.0, (1, 1000): 7.0, (1000, 1001): 3.0}
    rows = [("m", a, b, "curve", t, top * t, "curves") for (a, b), top in pairs.items() for t in (0.5, 1.0)]
    curves = pd.DataFrame(rows, columns=["model", "a", "b", "kind", "t", "objective", "by"])
    found = curves_within_and_across(results(TYPES, curves=curves))
    assert "across 6.000 ± 1.4 (n = 2 curves)" in found.obtained
    assert "type 1 1.000 (n = 1 curves), type 2 3.000 (n = 1 curves)" in found.obtained


@pytest.mark.parametrize(
    ("group", "epochs", "verdict"),
    [(0, 30, "agrees (within 2 published std)"), (1, 10, "differs"), (0, 4500, "not comparable at this budget")],
)
def test_published_numbers_are_compared_with_their_own_group(group: int, epochs: int, verdict: str) -> None:
    minima = pd.DataFrame({"model": "m", "seed": [0, 1, 1000, 1001], "objective": [0.1, 0.1, 0.5, 0.5]})
    made = results(TYPES, minima=minima)
    assert against_table(made, "objective", "0.11 ± 0.01", epochs, group=group).verdict == verdict
    alone = results({"m": {"minima": {"epochs": 10}}}, minima=minima)
    assert against_table(alone, "objective", "0.11 ± 0.01", 10, group=2).verdict == "not measured"


def test_the_published_tables_are_those_of_the_two_texts() -> None:
    published = {
        name: {claim.id: (claim.published, claim.source) for claim, _ in CLAIMS[name]}
        for name in ("resnet-cifar10", "resnet-svhn-flow")
    }
    assert published["resnet-cifar10"]["test-accuracy-type-2"][0] == "80.83000 ± 0.25070"
    assert "table 7" in published["resnet-cifar10"]["test-accuracy-type-2"][1]
    assert published["resnet-svhn-flow"]["test-accuracy-type-1"][0] == "88.12 ± 0.40"
    assert "table 2" in published["resnet-svhn-flow"]["test-accuracy-type-1"][1]


def test_a_budget_names_the_types() -> None:
    text = "8 minima of each of 2 types, 10 to 30 epochs for minima, 3 for curves, all training samples"
    assert budget(results(TYPES, changes={"seeds": 8})) == text


# Several recipes ---------------------------------------------------------------------------------


def test_recipes_are_compared_pair_by_pair_with_what_they_cost() -> None:
    flow = {"epochs": 4, "family": {"kind": "path", "points": 19}}
    model = {"label": "Net", "curves": {"epochs": 10}, "more_curves": {"flow": flow}}
    tops = {("curves", 0, 1): 1.0, ("curves", 0, 2): 3.0, ("curves-flow", 0, 1): 2.0, ("curves-flow", 0, 2): 2.0}
    rows = [("m", by, a, b, "curve", 0.5, top) for (by, a, b), top in tops.items()]
    curves = pd.DataFrame(rows, columns=["model", "by", "a", "b", "kind", "t", "objective"])
    found = recipes_compared(results({"m": model}, curves=curves)).obtained
    assert found == (
        "Net, chain, 1 bend: 2.00 ± 1.4, lowest of 1 of 2 pairs, 10 passes; "
        "Net, flow, 19 points: 2.00 ± 0.0, lowest of 1 of 2 pairs, 68 passes"
    )


def test_only_experiments_with_several_recipes_compare_them() -> None:
    minima = pd.DataFrame({"model": ["m"], "seed": [0], "objective": [0.1]})
    rows = claim_rows(results(TYPES, bars=direct_bars({"m": {0: math.inf}}), minima=minima))
    assert "recipes" not in set(rows["id"])


def test_one_saddles_of_the_complex_are_its_bars_of_dimension_1() -> None:
    bars = direct_bars({"m": {0: math.inf}})
    loops = pd.DataFrame({"model": "m", "convention": "merged", "dim": 1, "birth": [1.0, 2.0], "death": [3.0, np.inf]})
    found = one_saddles_of_complex(results(TYPES, bars=pd.concat([bars, loops])))
    assert found.obtained == "ResNet: 2 bars, 1 of them half-lines: [1.00, 3.00]"
    assert one_saddles_of_complex(results(TYPES, bars=bars)).verdict == "not measured"
