"""Claims on deep, wide and transformer networks, each verdict for a reason that can be read off a made-up table."""

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lossbars.claims.claim import NOT_CONVERGED, Finding
from lossbars.experiments.networks.claims.catalogue import CLAIMS
from lossbars.experiments.networks.claims.depth import mean_death, mean_length
from lossbars.experiments.networks.claims.generic import GENERIC
from lossbars.experiments.networks.claims.published import TABLE_8, against_table
from lossbars.experiments.networks.claims.results import Results
from lossbars.experiments.networks.claims.robustness import saddle_over_sizes, saddles_over_sets
from lossbars.experiments.networks.claims.shortcuts import WORST, has_largest_bars, has_largest_test_error, moves
from lossbars.experiments.networks.claims.transformer import barriers_remain, gap_chance, two_levels
from lossbars.networks.specs import ResNetSpec
from support.network_tables import FULL, claim_rows, direct_bars, results

AGREES, INCOMPARABLE = "agrees (within 2 published std)", "not comparable at this budget"
UNDECIDED = "undecided: differences are within the spread"


def resnet(depth: int, width: int = 1, shortcuts: bool = True, epochs: int = 300) -> dict[str, Any]:
    network = {"kind": "resnet", "depth": depth, "width": width, "shortcuts": shortcuts}
    return {"network": network, "label": f"R{depth}-{width}{'' if shortcuts else '-NS'}", "minima": {"epochs": epochs}}


# Keys that tell nothing, in no order of size, and a network of another kind among them.
NETS = {
    "c": resnet(110),
    "a": resnet(20),
    "b": resnet(56),
    "w": resnet(56, 2),
    "other": {"network": {"kind": "mlp", "depth": 200, "width": 1}, "label": "MLP"},
    "cn": resnet(110, shortcuts=False),
    "an": resnet(20, shortcuts=False),
    "bn": resnet(56, shortcuts=False),
    "wn": resnet(56, 2, shortcuts=False),
}


def deaths(spread: float = 0.0, **of: float) -> pd.DataFrame:
    """Two finite bars of each model, this far apart, around the given death; births are 0."""
    half = spread / 2
    return direct_bars({m: {0: math.inf, 1: death - half, 2: death + half} for m, death in of.items()})


def moved(shortcuts: bool, along: Any, spread: float = 0.0, **of: float) -> Finding:
    own = results({key: NETS[key] for key in NETS if key in {*of, "other"}}, bars=deaths(spread, **of, other=99.0))
    return moves(own, shortcuts, along, mean_death, up=along == "depth" and not shortcuts)


# Depth and width ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shortcuts", "own", "verdict"),
    [
        (True, {"a": 3.0, "b": 2.0, "c": 1.0}, "holds"),
        (True, {"a": 1.0, "b": 2.0, "c": 3.0}, "does not hold"),
        (True, {"a": 3.0, "b": 2.0, "c": 2.5}, "does not hold"),
        (False, {"an": 1.0, "bn": 2.0, "cn": 3.0}, "holds"),
        (False, {"an": 3.0, "bn": 2.0, "cn": 1.0}, "does not hold"),
        (True, {"a": 3.0, "c": 1.0}, "holds"),
        (True, {"a": 3.0, "bn": 1.0, "w": 1.0}, "not measured"),
    ],
)
def test_bars_move_with_depth_by_the_networks_not_by_keys_or_order(
    shortcuts: bool, own: dict[str, float], verdict: str
) -> None:
    assert moved(shortcuts, "depth", **own).verdict == verdict


def test_the_wide_network_is_no_step_in_depth() -> None:
    found = moved(True, "depth", a=3.0, b=2.0, c=1.0, w=9.0)
    assert found.verdict == "holds"
    assert found.obtained == "R20-1: 3.000 (n = 2 bars); R56-1: 2.000 (n = 2 bars); R110-1: 1.000 (n = 2 bars)"


def test_width_lowers_both_kinds_each_in_its_own_claim() -> None:
    own = {"b": 2.0, "w": 1.0, "bn": 2.0, "wn": 3.0, "c": 0.5, "a": 9.0}
    assert moved(True, "width", **own).verdict == "holds"
    assert moved(False, "width", **own).verdict == "does not hold"
    assert moved(False, "width", bn=2.0, wn=1.0).verdict == "holds"


def test_every_width_with_several_depths_counts() -> None:
    nets = NETS | {"w20": resnet(20, 2)}
    own = results(nets, bars=deaths(a=3.0, b=2.0, w20=1.0, w=2.0))
    assert moves(own, True, "depth", mean_death).verdict == "does not hold"


def test_without_subsets_the_spread_is_that_of_the_bars() -> None:
    found = moved(True, "depth", spread=2.0, a=3.0, c=2.0)
    assert found.verdict == UNDECIDED
    assert found.obtained.startswith("R20-1: 3.000 ± 1.4 (n = 2 bars)")
    assert found.detail == "mean over the finite direct bars; ± is the std over the bars"
    assert moved(True, "depth", spread=0.2, a=3.0, c=2.0).verdict == "holds"


def subsets(model: str, lengths: list[float]) -> pd.DataFrame:
    """A subset of two minima for each length of its one finite bar."""
    rows = [
        (model, "direct", 2, subset, rank, subset, 1.0, math.inf if rank == 0 else 1.0 + length)
        for subset, length in enumerate(lengths)
        for rank in (0, 1)
    ]
    return pd.DataFrame(rows, columns=["model", "convention", "size", "subset", "rank", "minimum", "birth", "death"])


def test_with_subsets_the_spread_is_theirs() -> None:
    table = pd.concat([subsets("a", [1.0, 3.0, 5.0]), subsets("c", [1.0, 3.0, 5.0])])
    own = results(NETS, bars=deaths(0.2, a=3.0, c=2.0), robustness=table)
    found = moves(own, True, "depth", mean_length)
    assert found.verdict == UNDECIDED
    assert "R20-1: 3.000 ± 2.3 (n = 2 bars)" in found.obtained
    assert found.detail.endswith("± is the jackknife standard error over minima (3 subsets of 2 of 3)")


def test_a_reduced_budget_is_named() -> None:
    found = results(NETS, FULL | {"epochs": 0.1}, bars=deaths(a=3.0, c=2.0))
    assert moves(found, True, "depth", mean_death).verdict == "holds at this budget"


def test_bars_that_have_not_converged_move_nowhere() -> None:
    nets = {key: NETS[key] for key in ("a", "b", "c")}
    bars = deaths(a=3.0, b=2.0, c=1.0).assign(birth_residue=0.0, death_residue=0.05)
    assert moves(results(nets, bars=bars), True, "depth", mean_death).verdict == "holds"
    bars.loc[bars["model"] == "c", "death_residue"] = 0.2
    found = moves(results(nets, bars=bars), True, "depth", mean_death)
    assert found.verdict == NOT_CONVERGED and "2 of 9 bars" in found.detail


@pytest.mark.parametrize(
    ("own", "verdict"),
    [
        ({"cn": 5.0, "an": 4.0, "c": 1.0}, "holds"),
        ({"cn": 5.0, "an": 4.9, "c": 1.0}, UNDECIDED),
        ({"cn": 5.0, "an": 6.0, "c": 1.0}, "does not hold"),
        ({"an": 5.0, "c": 1.0}, "not measured"),
        ({"cn": 5.0}, "not measured"),
    ],
)
def test_the_deepest_network_without_shortcuts_has_the_largest_bars(own: dict[str, float], verdict: str) -> None:
    made = results({key: NETS[key] for key in own}, bars=deaths(0.2, **own))
    assert has_largest_bars(made, WORST, mean_death).verdict == verdict


def minima(**accuracies: float) -> pd.DataFrame:
    rows = [(model, seed, own + by) for model, own in accuracies.items() for seed, by in enumerate((-0.1, 0.0, 0.1))]
    return pd.DataFrame(rows, columns=["model", "seed", "test_accuracy"])


def test_the_largest_test_error_is_of_the_lowest_accuracy() -> None:
    found = has_largest_test_error(results(NETS, minima=minima(cn=80.0, an=90.0, c=95.0)), WORST)
    assert found.verdict == "holds"
    assert found.obtained.startswith("R110-1: 5.000 ± 0.10 (n = 3 minima); R110-1-NS: 20.00 ± 0.10")
    assert found.detail.startswith("10.0 above R20-1-NS, spread 0.14")
    assert has_largest_test_error(results(NETS, minima=minima(cn=90.0, c=80.0)), WORST).verdict == "does not hold"
    assert has_largest_test_error(results(NETS, minima=minima(cn=90.0, c=90.1)), WORST).verdict == UNDECIDED
    assert has_largest_test_error(results(NETS, minima=minima(c=80.0)), WORST).verdict == "not measured"


# Tables ------------------------------------------------------------------------------------------


def test_a_network_is_found_by_what_it_is() -> None:
    made = results(NETS, minima=minima(b=91.0, w=92.0, wn=93.0))
    wide = ResNetSpec(kind="resnet", depth=56, width=2, shortcuts=False)
    assert against_table(made, "test_accuracy", "93 ± 1", 300, network=wide).obtained.startswith("93.00")
    unknown = ResNetSpec(kind="resnet", depth=32)
    assert against_table(made, "test_accuracy", "93 ± 1", 300, network=unknown).verdict == "not measured"


@pytest.mark.parametrize(
    ("accuracy", "epochs", "whole", "verdict"),
    [
        (92.8, 300, True, AGREES),
        (93.2, 300, True, "differs"),
        (92.8, 30, True, INCOMPARABLE),
        (92.8, 300, False, INCOMPARABLE),
    ],
)
def test_table_8_is_compared_with_its_own_network(accuracy: float, epochs: int, whole: bool, verdict: str) -> None:
    models = {"x": resnet(20, shortcuts=False, epochs=300), "y": resnet(20, epochs=epochs)}
    changes = {} if whole else {"samples": 500}
    made = results(models, changes=changes, minima=minima(x=50.0, y=accuracy))
    network = made.models["y"].network
    found = against_table(made, "test_accuracy", "92.8 ± 0.1", 300, network=network)
    assert found.verdict == verdict
    assert found.obtained == f"{accuracy:.2f} ± 0.10 (n = 3 minima)"


def test_a_network_that_is_not_there_is_not_measured() -> None:
    made = results({"x": resnet(20)}, minima=minima(x=92.8))
    assert against_table(made, "test_accuracy", "82.6 ± 1.1", 300, network=WORST).verdict == "not measured"


def full_minima(models: dict[str, Any]) -> pd.DataFrame:
    rows = [{"model": m, "seed": s, "data_loss": 0.001 * (1 + s), "test_loss": 0.2} for m in models for s in range(3)]
    return pd.DataFrame(rows).assign(objective=0.0072, train_accuracy=99.98, test_accuracy=90.0)


def test_every_row_of_an_experiment_is_written_when_some_models_are_there() -> None:
    some = {key: NETS[key] for key in ("a", "an", "wn")}
    made = results(some, bars=deaths(a=1.0, an=2.0, wn=3.0), minima=full_minima(some))
    table = claim_rows(made, "shortcuts-cifar10").set_index("id")
    verdicts = table["verdict"]
    assert verdicts["depth-length"] == verdicts["width-death-ns"] == verdicts["largest-death"] == "not measured"
    assert verdicts["test-loss-resnet-56"] == "not measured" and verdicts["data-loss-resnet-20"] == "differs"
    assert table.loc["test-accuracy-wideresnet-56-2-ns", "published"] == "91.99667 ± 0.06600"
    assert len(verdicts) == 8 + 3 + 4 * len(TABLE_8) + len(GENERIC)


def wrn(epochs: int = 200) -> dict[str, Any]:
    network = {"kind": "wide-resnet", "depth": 16, "width": 10}
    fixed, trained = ({"sides": sides, "epochs": 200} for sides in ("fixed", "trained"))
    model = {"network": network, "label": "WRN", "minima": {"epochs": epochs}}
    return {"any": model | {"triangles": fixed, "more_triangles": {"trained": trained}}}


def triangles(**tops: float) -> pd.DataFrame:
    """Two triangles by each recipe, whose sides reach 1."""
    rows = [
        ("any", by.replace("_", "-"), i, i + 1, i + 2, *t, loss)
        for by, top in tops.items()
        for i in (0, 1)
        for t, loss in (((0.0, 0.5, 0.5), 1.0), ((1 / 3, 1 / 3, 1 / 3), top + 0.01 * i))
    ]
    return pd.DataFrame(rows, columns=["model", "by", "a", "b", "c", "t1", "t2", "t3", "objective"])


def wide(**tables: pd.DataFrame) -> pd.DataFrame:
    given = {"bars": deaths(any=1.0), "minima": full_minima(wrn())} | tables
    return claim_rows(results(wrn(), **given), "wrn-cifar100").set_index("id")


def test_both_published_train_losses_are_compared_with_and_without_l2() -> None:
    table = wide()
    assert dict(table["verdict"].loc["train-loss":"train-loss-l2-v1"]) == {
        "train-loss": AGREES, "train-loss-l2": "differs", "train-loss-v1": "differs", "train-loss-l2-v1": AGREES,
    }  # fmt: skip
    assert "table 6" in table.loc["train-loss", "source"] and "table 3" in table.loc["train-loss-v1", "source"]


def test_one_saddles_and_regimes_of_the_wide_network() -> None:
    table = wide(triangles=triangles(triangles=2.0, triangles_trained=1.5))
    assert table.loc["triangle-regimes", "verdict"] == "holds"
    assert table.loc["triangle-regimes", "source"].startswith("not in the papers")
    assert "WRN, sides trained, 200 epochs: [1.000, 1.505]" in table.loc["one-saddle-bars", "obtained"]
    assert table.loc["one-saddle-complex", "source"].endswith("fig. 6b")
    without = wide(triangles=triangles(triangles=2.0))["verdict"]
    assert without["triangle-regimes"] == without["one-saddle-complex"] == "not measured"


def test_ids_of_an_experiment_are_unique() -> None:
    for claims in CLAIMS.values():
        ids = [claim.id for claim, _ in [*claims, *GENERIC]]
        assert len(ids) == len(set(ids))


# Robustness --------------------------------------------------------------------------------------


def of_sets(losses: dict[int, float]) -> pd.DataFrame:
    """All sets of minima; a minimum's death is 1 + (the lowest minimum of the set) / 10."""
    order = sorted(losses, key=lambda minimum: losses[minimum])
    rows = [
        ("any", "direct", size, subset, rank, minimum, losses[minimum], 1 + those[0] / 10 if rank else math.inf)
        for size in (2, 3)
        for subset, those in enumerate(itertools.combinations(order, size))
        for rank, minimum in enumerate(those)
    ]
    return pd.DataFrame(rows, columns=["model", "convention", "size", "subset", "rank", "minimum", "birth", "death"])


def test_saddles_over_sets_of_the_size_nearest_to_four() -> None:
    found = saddles_over_sets(results(wrn(), robustness=of_sets({0: 0.1, 1: 0.2, 2: 0.3, 3: 0.4})))
    assert found.obtained == (
        "WRN: sets of 3: 1: 1.000 ± 0.0 (n = 2 sets), 2: 1.033 ± 0.058 (n = 3 sets), 3: 1.033 ± 0.058 (n = 3 sets)"
    )
    length = np.mean([1.0 - 0.2, 1.0 - 0.2, *[3.1 / 3 - 0.3] * 3, *[3.1 / 3 - 0.4] * 3])
    assert found.detail.endswith(f"WRN {np.std([1.0, 1.0, 1.1], ddof=1) / length:.2g}")


def test_the_highest_minimum_is_followed_over_sizes() -> None:
    found = saddle_over_sizes(results(wrn(), robustness=of_sets({0: 0.1, 1: 0.4, 2: 0.2, 3: 0.3})))
    assert found.obtained.startswith("WRN: minimum 1, by size of the set 2: 1.167 ± 0.15 (n = 3 sets), 3: ")


@pytest.mark.parametrize("finding", [saddles_over_sets, saddle_over_sizes])
def test_without_subsets_nothing_is_measured(finding: Any) -> None:
    assert finding(results(wrn())).verdict == "not measured"
    alone = of_sets({0: 0.1, 1: 0.2}).assign(death=math.inf)
    assert finding(results(wrn(), robustness=alone)).verdict == "not measured"


# Transformers ------------------------------------------------------------------------------------

TEXT = {"data": {"kind": "text", "path": "a.txt", "context": 8}}
GPT = {
    "language": {"network": {"kind": "gpt"}, "label": "GPT"},
    "other": {"network": {"kind": "lstm"}, "label": "LSTM"},
}


def gpt(losses: list[float], climbs: dict[tuple[int, int], float] | None = None) -> Results:
    """Minima of a transformer, and curves that climb so far above their higher ends."""
    rows = pd.DataFrame({"model": "language", "seed": range(len(losses)), "objective": losses})
    points = [
        ("language", a, b, "curve", t, loss, "curves")
        for (a, b), climb in (climbs or {}).items()
        for t, loss in ((0.0, losses[a]), (0.5, max(losses[a], losses[b]) + climb), (1.0, losses[b]))
    ]
    curves = pd.DataFrame(points, columns=["model", "a", "b", "kind", "t", "objective", "by"])
    return results(GPT, changes=TEXT, minima=rows, curves=curves)


@pytest.mark.parametrize(("share", "spacings"), [(0.6, 2), (0.4, 3), (0.7, 3), (0.5, 5)])
def test_the_chance_of_a_gap_is_that_of_random_points(share: float, spacings: int) -> None:
    random = np.random.default_rng(0).random((200_000, spacings - 1))
    ends = np.pad(np.sort(random, axis=1), ((0, 0), (1, 1)), constant_values=(0.0, 1.0))
    assert gap_chance(share, spacings) == pytest.approx((np.diff(ends).max(axis=1) > share).mean(), abs=0.005)


@pytest.mark.parametrize(
    ("losses", "verdict"),
    [
        ([5.02, 5.60, 5.00, 5.61], "holds"),
        ([5.00, 5.10, 5.50, 5.60], UNDECIDED),
        ([5.00, 5.20, 5.40, 5.60], "does not hold"),
        ([5.0, 5.0, 5.0, 5.0], "does not hold"),
        ([5.0, 5.6], "not measured"),
    ],
)
def test_two_levels_by_the_largest_gap(losses: list[float], verdict: str) -> None:
    assert two_levels(gpt(losses)).verdict == verdict


def test_levels_are_told_with_their_spans() -> None:
    text = "GPT: 5.000 to 5.020 (n = 2, spread 0.020) and 5.600 to 5.610 (n = 2, spread 0.010), gap 0.580, chance "
    assert two_levels(gpt([5.02, 5.60, 5.00, 5.61])).obtained == f"{text}{3 * (0.03 / 0.61) ** 2:.2g}"


PAIRS = list(itertools.combinations(range(4), 2))


@pytest.mark.parametrize(
    ("climbs", "verdict"),
    [(dict.fromkeys(PAIRS, 0.7), "holds"), (dict.fromkeys(PAIRS, 0.5), "does not hold"),
     (dict.fromkeys(PAIRS, 0.7) | {(0, 1): 0.5}, UNDECIDED), (None, "not measured")],
)  # fmt: skip
def test_barriers_are_large_beside_the_range_of_the_minima(climbs: Any, verdict: str) -> None:
    assert barriers_remain(gpt([5.02, 5.60, 5.00, 5.61], climbs)).verdict == verdict


def test_barriers_within_the_levels_and_across() -> None:
    climbs = dict.fromkeys(PAIRS, 1.0) | {(0, 2): 0.25, (1, 3): 0.5}  # 0 and 2 are low, 1 and 3 high
    found = barriers_remain(gpt([5.02, 5.60, 5.00, 5.61], climbs))
    assert found.obtained == (
        "GPT: across 1.000 ± 0.0 (n = 4 pairs), within the lower level 0.2500 (n = 1 pairs), "
        "within the upper level 0.5000 (n = 1 pairs); range of the minima's losses 0.610"
    )
    assert found.detail.endswith("GPT: 4 of 6 pairs climb more than that range")


def test_other_networks_have_no_levels() -> None:
    own = gpt([5.0, 5.0, 5.6, 5.6])
    assert two_levels(results({"language": GPT["other"]}, changes=TEXT, minima=own.minima)).verdict == "not measured"
