"""Claims about functions on made-up tables: each verdict for a reason that can be read off the table."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossbars.claims.claim import AT_BUDGET, FAILS, HOLDS, IN_INTERVAL, INCOMPARABLE, UNDECIDED, UNMEASURED
from lossbars.experiments.convergence.claims import CLAIMS as CONVERGENCE_CLAIMS
from lossbars.experiments.functions.bar_tables import large, matched, places, side_by_side, significant
from lossbars.experiments.functions.claims.benchmarks import DIHEDRAL, FUNCTION_CLAIMS, known_camel
from lossbars.experiments.functions.claims.level_sets import LEVEL_SET_CLAIMS
from lossbars.experiments.functions.claims.tiny_networks import TINY_CLAIMS, published_tops
from lossbars.functions.critical_points import SIX_HUMP_CAMEL_MINIMA, SIX_HUMP_CAMEL_SADDLES
from lossbars.plots.bars import lengths
from support.function_tables import CHECKS, function_results, obtained


def bars(
    ends: Any, model: str = "f", source: str = "cloud", seed: int = 0, x: Any = None, s: Any = None, **others: Any
):
    """A row per (birth, death), with places x and s."""
    ends = np.array(ends, dtype=float).reshape(-1, 2)
    nowhere = np.full((len(ends), 2), np.nan)
    x, s = (nowhere if place is None else np.array(place, dtype=float) for place in (x, s))
    columns = {"birth": ends[:, 0], "death": ends[:, 1], "x0": x[:, 0], "x1": x[:, 1], "s0": s[:, 0], "s1": s[:, 1]}
    constants = {"size": 10, "n": 1000, "components": 1, "low": ends.min(), "high": 200.0, "dropped": 0}
    return pd.DataFrame(columns).assign(model=model, source=source, seed=seed, **(constants | others))


def function(name: str) -> dict[str, Any]:
    return {"kind": "function", "name": name}  # of two variables


def net(*hidden: int) -> dict[str, Any]:
    ends = {"activation": "tanh", "biases": False, "weight_decay": 0.0, "box": 2.0}
    return {"kind": "regression", "hidden": list(hidden)} | ends


class TestReadings:
    def test_noise_is_relative_to_the_longest_finite_bar(self):
        table = bars([(0, math.inf), (0, 10), (0, 0.11), (0, 0.09), (3, math.inf)])
        assert significant(table)["death"].tolist() == [math.inf, 10, 0.11, math.inf]
        assert lengths(significant(bars([(0, math.inf)]))).tolist() == [math.inf]

    def test_large_clusters_of_clouds(self):
        table = bars([(0, math.inf), (0, 1), (0, 1)]).assign(n=1000, size=[0, 1, 0])
        assert len(large(table)) == 2
        assert len(large(table.assign(source="merged", size=-1))) == 3

    def test_as_many_coordinates_as_the_model_has(self):
        table = bars([(0, 1), (0, math.inf)], x=[(1, np.nan), (2, np.nan)], s=[(5, np.nan), (np.nan, np.nan)])
        assert places(table).tolist() == [[1], [2]]
        np.testing.assert_array_equal(places(table, "s"), [[5], [np.nan]])

    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.tuples(st.floats(-9, 9), st.floats(0.1, 9)), min_size=1, max_size=12), st.randoms())
    def test_a_barcode_is_matched_with_itself_in_any_order(self, rows, random):
        table = bars([(b, b + length) for b, length in rows] + [(-9, math.inf), (2, math.inf)])
        order = random.sample(range(len(table)), len(table))
        pairs = matched(table, table.iloc[order].reset_index(drop=True))
        ends = table[["birth", "death"]].to_numpy()
        np.testing.assert_array_equal(ends[pairs[:, 0]], ends[order][pairs[:, 1]])
        assert len(pairs) == len(table)

    def test_one_large_error_rather_than_two_small_ones(self):
        one, other = bars([(0, 1.0), (0, 2.0)]), bars([(0, 2.0), (0, 3.0)])
        assert matched(one, other).tolist() == [[0, 1], [1, 0]]

    def test_bars_alone_and_the_direct_death(self):
        cloud = bars([(0, math.inf), (1, 5), (2, 4), (3, 3.01)], x=[(0, 0), (1, 0), (2, 0), (3, 0)])
        merged = bars([(0, math.inf), (1, 5.05), (7, 7.5)], source="merged", x=[(0, 0), (1, 0), (7, 0)])
        direct = merged.assign(source="direct", death=[math.inf, 6, 9]).iloc[::-1]
        rows = side_by_side(cloud, merged, direct)
        assert rows["birth"].tolist()[:3] == [0, 1, 2] and rows["birth_curves"].tolist()[3] == 7
        assert rows["agrees"].tolist() == [True, True, False, False], ".05 is within 2 % of 4; the noise is no row"
        np.testing.assert_array_equal(rows["death_direct"], [math.inf, 6, np.nan, 9])


class TestFunctions:
    def test_camel(self):
        found = obtained("camel-bars", bars(known_camel().to_numpy() + 0.003), f=function("six_hump_camel"))
        assert found.verdict == HOLDS and "largest error 0.0030; 6 of 6 agree" in found.detail
        assert found.obtained.count("[") == 6 and "∞" in found.obtained
        minima, saddles = SIX_HUMP_CAMEL_MINIMA, SIX_HUMP_CAMEL_SADDLES
        assert known_camel()["death"].tolist()[1:] == [value for _, value in saddles[:5]] and len(minima) == 6

    def test_camel_with_an_error_a_missing_and_a_further_bar(self):
        right = known_camel().to_numpy()
        for wrong in (right + np.array([0, 0.03]), right[:-1], np.vstack([right, [0, 0.5]])):
            found = obtained("camel-bars", bars(wrong), f=function("six_hump_camel"))
            assert found.verdict == FAILS

    def test_count_of_minima_without_noise(self):
        table = bars([*known_camel().to_numpy(), (0, 0.001)])
        assert obtained("camel-minima", table, f=function("six_hump_camel")).verdict == HOLDS
        assert obtained("camel-minima", table.head(5), f=function("six_hump_camel")).verdict == FAILS

    def test_deaths_of_holder_table(self):
        table = bars([(-19, math.inf), (-19, -0.1), (-10, 0), (-5, 0), (-1, -0.95)])
        found = obtained("holder-table-deaths", table, f=function("holder_table"))
        assert (found.obtained, found.verdict) == ("3 of 3 finite bars", HOLDS)
        table.loc[2, "death"] = -3
        assert obtained("holder-table-deaths", table, f=function("holder_table")).verdict == FAILS

    def test_nearest_saddle(self):
        x, s = [(0, 0), (1, 0), (5, 0)], [(np.nan, np.nan), (2, 0), (4, 0)]
        table = bars([(0, math.inf), (1, 5), (1, 5)], x=x, s=s)
        assert obtained("langermann-nearest", table, f=function("langermann")).verdict == FAILS
        table.loc[1, ["s0", "s1"]] = (9, 0)
        found = obtained("langermann-nearest", table, f=function("langermann"))
        assert (found.obtained, found.verdict) == ("1 of 2 minima", HOLDS), "4 is nearer to 1 than 9"

    def multiplets(self, *generators: tuple[float, float]) -> pd.DataFrame:
        """The centre, and all images of each point, with bars that depend on the generator only."""
        x = [(0.0, 0.0)]
        ends = [(0.0, math.inf)]
        for number, point in enumerate(generators, 1):
            images = {tuple((image @ point).tolist()) for image in DIHEDRAL}
            x += sorted(images)
            ends += [(0.1 * number, 0.1 * number + 1)] * len(images)
        return bars(ends, x=x)

    def test_multiplets(self):
        table = self.multiplets((1, 0), (1, 1), (2, 1))
        assert len(DIHEDRAL) == 8 and len(np.unique(DIHEDRAL, axis=0)) == 8
        found = obtained("wavy-multiplets", table, f=function("wavy"))
        assert (found.obtained, found.verdict) == ("17 of 17 bars", HOLDS)
        assert "1 of 1, 2 of 4, 1 of 8" in found.detail

    def test_broken_multiplets(self):
        table = self.multiplets((1, 0), (2, 1))
        table.loc[1, "death"] += 0.1  # one of the orbit of four
        found = obtained("wavy-multiplets", table, f=function("wavy"))
        assert (found.obtained, found.verdict) == ("9 of 13 bars", FAILS)
        without = self.multiplets((1, 0), (2, 1)).drop(index=12)  # one of eight
        assert obtained("wavy-multiplets", without, f=function("wavy")).obtained == "5 of 12 bars"

    def test_components_of_every_cloud(self):
        table = pd.concat([bars([(0, math.inf)]), bars([(0, math.inf)], seed=1)])
        assert obtained("one-component", table).verdict == HOLDS
        table.loc[table["seed"] == 1, "components"] = 3
        found = obtained("one-component", table)
        assert (found.obtained, found.verdict) == ("F: 1, 3", FAILS)

    def test_two_ways(self):
        cloud = bars([(0, math.inf), (1, 5), (2, 4)])
        merged = bars([(0, math.inf), (1, 5.05), (2, 4)], source="merged")
        found = obtained("two-ways", pd.concat([cloud, merged]))
        assert (found.obtained, found.verdict) == ("F: 3 of 3", HOLDS)
        found = obtained("two-ways", pd.concat([cloud, merged.head(2).assign(birth=[0, 1.5])]))
        assert (found.obtained, found.verdict) == ("F: 1 of 3 (1 by the cloud only, 0 by the curves only)", FAILS)

    def test_noise_counts_what_the_table_leaves_out(self):
        table = bars([(0, math.inf), (0, 10), (0, 0.1)], n=200, dropped=3)
        assert obtained("noise", table).obtained == "F: 4 of 6 bars, 2.0 % of the points"

    def test_a_small_budget_is_said(self):
        small, full = (function_results(bars([(0, math.inf)]), scale) for scale in (0.1, 1.0))
        assert CHECKS["one-component"](small).verdict == HOLDS + AT_BUDGET
        assert CHECKS["one-component"](full).verdict == HOLDS
        assert small.qualified(UNDECIDED) == UNDECIDED and small.qualified(FAILS) == FAILS + AT_BUDGET


class TestTiny:
    NETS = {"a": net(2), "b": net(2, 2), "c": net(2, 2, 2), "d": net(3)}

    def table(self, *tops: float, source: str = "cloud", seed: int = 0) -> pd.DataFrame:
        ends = [
            (model, [(0.05, math.inf), (0.06, top), (0.055, top - 0.02)])
            for model, top in zip("abcd", tops, strict=False)
        ]
        return pd.concat([bars(own, model, source, seed) for model, own in ends])

    def test_tops_against_the_published_interval(self):
        table = self.table(0.6, 0.5, 0.2)
        assert obtained("tops-2", table, **self.NETS).verdict == IN_INTERVAL
        assert obtained("tops-2x2", table, **self.NETS).verdict == "differs"
        found = obtained("tops-2x2x2", table, **self.NETS)
        assert found.verdict == IN_INTERVAL and "C: 0.200 (ends from 0.180, n = 2 bars, cloud)" in found.obtained
        assert obtained("tops-2", table, d=net(3)).verdict == UNMEASURED

    def test_small_clusters_do_not_count_and_curves_come_first(self):
        table = pd.concat([self.table(0.6), bars([(1, 30)], "a", size=0)])
        assert obtained("tops-2", table, **self.NETS).verdict == IN_INTERVAL
        both = pd.concat([table, self.table(0.9, source="merged")])
        found = obtained("tops-2", both, **self.NETS)
        assert found.verdict == "differs" and "optimised curves" in found.obtained and "cloud" in found.obtained

    def test_tops_of_a_small_budget_are_not_compared(self):
        assert obtained("tops-2", self.table(0.6), 0.1, a=net(2)).verdict == INCOMPARABLE

    def test_lowest_part_of_the_range(self):
        found = obtained("lowest-part", self.table(0.6, 1.9), **self.NETS)
        assert found.verdict == HOLDS and "A: 0.600 of 200" in found.obtained
        assert obtained("lowest-part", self.table(0.6, 3.0), **self.NETS).verdict == FAILS

    def test_descent_with_depth(self):
        assert obtained("descend", self.table(0.6, 0.4, 0.2, 9.0), **self.NETS).verdict == HOLDS
        assert obtained("descend", self.table(0.6, 0.4, 0.5), **self.NETS).verdict == FAILS
        clouds = [self.table(0.6, 0.58, 0.55), self.table(0.5, 0.48, 0.45, seed=1)]
        found = obtained("descend", pd.concat(clouds), **self.NETS)
        assert found.verdict == UNDECIDED and "A: 0.550 ± 0.071, n = 2 (cloud)" in found.obtained
        assert obtained("descend", self.table(0.6), **self.NETS).verdict == UNMEASURED

    def test_published_intervals_by_model(self):
        models = function_results(bars([(0, 1)]), **self.NETS, f=function("wavy")).models
        assert published_tops({key: model.landscape for key, model in models.items()}) == {
            "a": (0.55, 0.65),
            "b": (0.35, 0.45),
            "c": (0.1, 0.3),
        }


@pytest.mark.parametrize("claim", CHECKS)
def test_without_tables_nothing_is_measured(claim):
    assert obtained(claim).verdict == UNMEASURED


def test_claims_have_names_of_their_own():
    for claims in (FUNCTION_CLAIMS, CONVERGENCE_CLAIMS, TINY_CLAIMS, LEVEL_SET_CLAIMS):
        names = [claim.id for claim, _ in claims]
        assert len(names) == len(set(names)) and all(claim.claim and claim.source for claim, _ in claims)
