"""Barcodes of subsets of the minima, against the barcodes of sub-complexes one by one."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossbars.barcodes.complex import FilteredComplex, Simplex, direct_barcode, merged_barcode
from lossbars.barcodes.subsets import curve_matrix, deaths, robustness, subsets

Values = dict[Simplex, float]
COLUMNS = ["convention", "size", "subset", "rank", "minimum", "birth", "death"]
BARCODES = {"direct": direct_barcode, "merged": merged_barcode}
NUMBERS = st.one_of(st.integers(0, 3).map(float), st.floats(-10, 10, allow_nan=False))  # ties, and none


@st.composite
def complexes(draw: st.DrawFn) -> Values:
    """Two to six minima with any numbers for names, and most of their curves."""
    names = draw(st.lists(st.integers(0, 30), min_size=2, max_size=6, unique=True))
    losses: Values = {(name,): draw(NUMBERS) for name in names}
    pairs = itertools.combinations(sorted(names), 2)
    curves = {pair: draw(NUMBERS) for pair in pairs if draw(st.integers(0, 5)) > 0}
    return losses | curves


def part(whole: FilteredComplex, minima: set[int]) -> FilteredComplex:
    return FilteredComplex.of({s: value for s, value in whole.values.items() if set(s) <= minima})


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def bars(table: pd.DataFrame) -> list[tuple[int, float, float]]:
    return list(zip(table.minimum, table.birth, table.death, strict=True))


@settings(deadline=None, max_examples=60)
@given(complexes(), st.data())
def test_every_subset_has_the_barcode_of_its_own_complex(values: Values, data: st.DataObject) -> None:
    size = data.draw(st.integers(2, sum(len(simplex) == 1 for simplex in values)))
    whole = FilteredComplex.of(values)
    table = robustness(whole, [size], 10_000, generator())
    assert list(table.columns) == COLUMNS
    for convention, barcode in BARCODES.items():
        own = table[table.convention == convention]
        found = {frozenset(rows.minimum): rows for _, rows in own.groupby("subset")}
        assert set(found) == {frozenset(c) for c in itertools.combinations(whole.minima, size)}
        for minima, rows in found.items():
            expected = barcode(part(whole, set(minima)))
            wanted = {bar.born_at[0]: (bar.birth, bar.death) for bar in expected.of_dim(0)}
            assert {m: (birth, death) for m, birth, death in bars(rows)} == wanted


@settings(deadline=None, max_examples=60)
@given(complexes())
def test_ranks_count_by_loss_then_by_number(values: Values) -> None:
    whole = FilteredComplex.of(values)
    table = robustness(whole, sorted({2, len(whole.minima)}), 10_000, generator())
    for (_, size, _), rows in table.groupby(["convention", "size", "subset"]):
        assert list(rows["rank"]) == list(range(size)) and len(rows) == size
        order = [(whole.minima[m], m) for m in rows.minimum]
        assert order == sorted(order) and list(rows.birth) == [loss for loss, _ in order]
        assert rows.death.iloc[0] == math.inf and (rows.death >= rows.birth).all()


@settings(deadline=None, max_examples=60)
@given(complexes())
def test_merged_deaths_are_never_above_direct_ones(values: Values) -> None:
    whole = FilteredComplex.of(values)
    table = robustness(whole, [len(whole.minima)], 1, generator())
    direct, merged = (table[table.convention == name].death.to_numpy() for name in BARCODES)
    assert (merged <= direct).all()


def test_the_example_where_the_conventions_differ() -> None:
    """Minima 0, 1, 2 and curves of 10, 3 and 3: 1 reaches 0 through 2."""
    values = {(0,): 0.0, (1,): 1.0, (2,): 2.0, (0, 1): 10.0, (0, 2): 3.0, (1, 2): 3.0}
    table = robustness(FilteredComplex.of(values), [2, 3], 10, generator())
    whole = table[table["size"] == 3]
    assert bars(whole[whole.convention == "direct"]) == [(0, 0, math.inf), (1, 1, 10), (2, 2, 3)]
    assert bars(whole[whole.convention == "merged"]) == [(0, 0, math.inf), (1, 1, 3), (2, 2, 3)]
    pairs = table[(table["size"] == 2) & (table.convention == "merged")]  # without 2 there is no way round
    assert bars(pairs[pairs.subset == 0]) == [(0, 0, math.inf), (1, 1, 10)]
    assert list(pairs.subset) == [0, 0, 1, 1, 2, 2]


def test_the_matrix_of_curves() -> None:
    values = {(4,): 0.5, (7,): 0.25, (9,): 0.0, (4, 7): 2.0, (7, 9): 3.0, (4, 9): 9.0, (4, 7, 9): 9.5}
    del values[4, 9], values[4, 7, 9]
    minima, losses, matrix = curve_matrix(FilteredComplex.of(values))
    assert minima == [4, 7, 9] and losses.tolist() == [0.5, 0.25, 0.0]
    inf = math.inf
    assert matrix.tolist() == [[inf, 2, inf], [2, inf, 3], [inf, 3, inf]]


def test_many_sets_at_once_are_each_their_own() -> None:
    losses = np.array([[0.0, 1.0], [1.0, 1.0], [3.0, 2.0]])
    values = np.array([[[np.inf, height], [height, np.inf]] for height in (5.0, 6.0, 7.0)])
    for ends in deaths(losses, values).values():
        assert ends.tolist() == [[math.inf, 5.0], [math.inf, 6.0], [7.0, math.inf]]


@pytest.mark.parametrize(("n", "size"), [(5, 2), (6, 6), (7, 3), (4, 1)])
def test_few_subsets_are_all_taken(n: int, size: int) -> None:
    every = [list(c) for c in itertools.combinations(range(n), size)]
    assert subsets(n, size, len(every), generator()).tolist() == every
    assert subsets(n, size, 1000, generator()).tolist() == every


@pytest.mark.parametrize("most", [1, 17, 34])
def test_of_many_subsets_different_random_ones_are_taken(most: int) -> None:
    """34 of 35, too: sampling without repeats ends."""
    found = subsets(7, 3, most, generator())
    assert found.shape == (most, 3) and len({tuple(row) for row in found.tolist()}) == most
    assert (np.diff(found, axis=1) > 0).all() and found.min() >= 0 and found.max() < 7
    assert subsets(7, 3, most, generator()).tolist() == found.tolist()
    assert subsets(7, 3, most, np.random.default_rng(1)).tolist() != found.tolist()


def test_random_subsets_prefer_no_minimum() -> None:
    found = np.concatenate([subsets(6, 3, 5, np.random.default_rng(seed)) for seed in range(400)])
    share = np.bincount(found.ravel(), minlength=6) / len(found)
    assert np.abs(share - 0.5).max() < 0.05  # standard error .011


def test_sampled_subsets_have_right_barcodes_too() -> None:
    rng = np.random.default_rng(3)
    values = {(i,): float(rng.integers(3)) for i in range(8)}
    values |= {pair: float(rng.integers(3, 9)) for pair in itertools.combinations(range(8), 2)}
    whole = FilteredComplex.of(values)
    table = robustness(whole, [4, 5], 20, generator())
    assert table.groupby(["convention", "size"]).subset.nunique().tolist() == [20] * 4
    for (convention, _, _), rows in table.groupby(["convention", "size", "subset"]):
        bars_ = BARCODES[convention](part(whole, set(rows.minimum))).of_dim(0)
        assert sorted(bars(rows)) == sorted((b.born_at[0], b.birth, b.death) for b in bars_)
