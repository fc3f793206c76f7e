"""Filtered complexes and their barcodes, against oracles written here."""

import itertools
import math
from collections import Counter

import gudhi
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossbars.barcodes.barcode import ArrayBarcode, Bar, Barcode
from lossbars.barcodes.bottleneck import bottleneck_distance
from lossbars.barcodes.complex import FilteredComplex, Simplex, direct_barcode, faces, merged_barcode

Values = dict[Simplex, float]

SLOW_START = settings(deadline=None, max_examples=300)
TIED = st.integers(-4, 4).map(float)  # few values, so that many are equal
FREE = st.floats(-100, 100, allow_nan=False, allow_subnormal=False)  # halving a subnormal number rounds it


@st.composite
def complexes(draw: st.DrawFn) -> Values:
    """Up to 6 minima, some curves, some triangles, in any order; values need not be monotone."""
    number = st.one_of(st.just(TIED), st.just(FREE))
    losses = draw(number)
    n = draw(st.integers(1, 6))
    labels = draw(st.lists(st.integers(0, 20), min_size=n, max_size=n, unique=True))
    values: Values = {(v,): draw(losses) for v in labels}
    for size in (2, 3):
        for simplex in itertools.combinations(labels, size):
            if draw(st.booleans()):
                values[simplex] = draw(losses)
    return dict(draw(st.permutations(list(values.items()))))


def subsets(simplex: Simplex) -> list[Simplex]:
    return [face for size in range(1, len(simplex) + 1) for face in itertools.combinations(sorted(simplex), size)]


def closure(values: Values) -> Values:
    """Every face, at the least value of what contains it; not raised yet."""
    given_ = {tuple(sorted(simplex)): value for simplex, value in values.items()}
    every = {face for simplex in given_ for face in subsets(simplex)}
    return {
        face: given_[face] if face in given_ else min(v for s, v in given_.items() if set(face) <= set(s))
        for face in every
    }


def minimax(complex_: FilteredComplex) -> dict[tuple[int, int], float]:
    """Height of the lowest path between any two minima (Floyd and Warshall)."""
    vertices = list(complex_.minima)
    height = {(p, q): math.inf for p in vertices for q in vertices}
    for simplex, value in complex_.values.items():
        if len(simplex) == 2:
            p, q = simplex
            height[p, q] = height[q, p] = value
    for k, i, j in itertools.product(vertices, repeat=3):
        height[i, j] = min(height[i, j], max(height[i, k], height[k, j]))
    return height


def components(complex_: FilteredComplex) -> int:
    height = minimax(complex_)
    return len({min(q for q in complex_.minima if q == p or height[p, q] < math.inf) for p in complex_.minima})


def deaths(barcode: Barcode) -> dict[Simplex, float]:
    bars = barcode.of_dim(0)
    assert len({bar.born_at for bar in bars}) == len(bars)
    return {bar.born_at: bar.death for bar in bars}


@SLOW_START
@given(complexes())
def test_closed_monotone_and_not_lowered(values: Values) -> None:
    complex_ = FilteredComplex.of(values)
    base = closure(values)
    assert complex_.values == {s: max(base[face] for face in subsets(s)) for s in base}
    for simplex, value in complex_.values.items():
        for face in faces(simplex):
            assert complex_.values[face] <= value
    assert all(complex_.values[tuple(sorted(s))] >= v for s, v in values.items())
    assert complex_.minima == {s[0]: v for s, v in values.items() if len(s) == 1}
    assert complex_.dim == max(map(len, values)) - 1
    assert FilteredComplex.of(complex_.values) == complex_


@SLOW_START
@given(complexes())
def test_merged_barcode_is_that_of_an_independent_simplex_tree(values: Values) -> None:
    barcode = merged_barcode(FilteredComplex.of(values))
    tree = gudhi.SimplexTree()
    for simplex, value in closure(values).items():
        tree.insert(list(simplex), filtration=math.inf)
        tree.assign_filtration(list(simplex), value)
    tree.make_filtration_non_decreasing()
    tree.compute_persistence(homology_coeff_field=3, min_persistence=-1.0, persistence_dim_max=True)
    top = max(map(len, values)) - 1
    for dim in range(3):
        bars = Counter(map(tuple, tree.persistence_intervals_in_dimension(dim))) if dim < max(top, 1) else Counter()
        if dim > 0:
            bars = Counter({bar: n for bar, n in bars.items() if bar[0] < bar[1]})
        assert Counter((bar.birth, bar.death) for bar in barcode.of_dim(dim)) == bars


@SLOW_START
@given(complexes())
def test_merged_h0_is_the_lowest_path_to_a_lower_minimum(values: Values) -> None:
    complex_ = FilteredComplex.of(values)
    height, losses = minimax(complex_), complex_.minima
    expected = {
        (p,): min((height[p, q] for q in losses if (losses[q], q) < (losses[p], p)), default=math.inf) for p in losses
    }
    assert deaths(merged_barcode(complex_)) == expected


@SLOW_START
@given(complexes())
def test_direct_is_never_below_merged(values: Values) -> None:
    complex_ = FilteredComplex.of(values)
    direct, merged = deaths(direct_barcode(complex_)), deaths(merged_barcode(complex_))
    assert direct.keys() == merged.keys() == {(p,) for p in complex_.minima}
    assert all(direct[p] >= merged[p] for p in merged)


@SLOW_START
@given(complexes())
def test_direct_is_the_lowest_curve_to_a_lower_minimum(values: Values) -> None:
    complex_ = FilteredComplex.of(values)
    order = sorted(complex_.minima, key=lambda p: (complex_.minima[p], p))
    for bar in direct_barcode(complex_).bars:
        lower = order[: order.index(bar.born_at[0])]
        heights = [complex_.values.get(tuple(sorted((q, bar.born_at[0]))), math.inf) for q in lower]
        assert bar.death == min(heights, default=math.inf)


@SLOW_START
@given(complexes())
def test_every_bar_names_the_simplices_that_bear_and_end_it(values: Values) -> None:
    complex_ = FilteredComplex.of(values)
    for barcode in (merged_barcode(complex_), direct_barcode(complex_)):
        for bar in barcode.bars:
            assert len(bar.born_at) == bar.dim + 1
            assert complex_.values[bar.born_at] == bar.birth
            if bar.dies_at is None:
                assert bar.death == math.inf
            else:
                assert len(bar.dies_at) == bar.dim + 2
                assert complex_.values[bar.dies_at] == bar.death
    for bar in direct_barcode(complex_).bars:
        assert bar.dies_at is None or bar.born_at[0] in bar.dies_at


@SLOW_START
@given(complexes())
def test_one_half_line_for_each_component(values: Values) -> None:
    complex_ = FilteredComplex.of(values)
    half_lines = [bar for bar in merged_barcode(complex_).of_dim(0) if bar.dies_at is None]
    assert len(half_lines) == components(complex_)
    assert half_lines[0].birth == min(complex_.minima.values())


@SLOW_START
@given(complexes())
def test_to_score_is_the_distance_to_a_barcode_without_obstructions(values: Values) -> None:
    for barcode in (merged_barcode(FilteredComplex.of(values)), direct_barcode(FilteredComplex.of(values))):
        for dim in (0, 1):
            ideal = Barcode([bar for bar in barcode.of_dim(dim) if bar.dies_at is None], barcode.convention)
            if dim > barcode.measured:
                assert barcode.to_score("linf", dim) is None and barcode.to_score("sqrt2", dim) is None
                continue
            if len(ideal.bars) > (dim == 0):
                assert barcode.to_score("linf", dim) == barcode.to_score("sqrt2", dim) == math.inf
                continue
            linf = gudhi.bottleneck_distance(barcode.diagram(dim), ideal.diagram(dim))
            assert barcode.to_score("linf", dim) == pytest.approx(linf, rel=1e-12, abs=1e-12)
            assert bottleneck_distance(barcode, ideal, dim) == barcode.to_score("linf", dim)
            finite = [(bar.birth, bar.death) for bar in barcode.of_dim(dim) if bar.dies_at]
            euclid = max((math.dist(point, [sum(point) / 2] * 2) for point in finite), default=0.0)
            assert barcode.to_score("sqrt2", dim) == pytest.approx(euclid, rel=1e-12, abs=1e-12)


def test_where_nothing_was_measured_there_is_no_score() -> None:
    none = np.empty(0)
    for nothing in (Barcode([], "merged"), ArrayBarcode(none, none, none, none, "merged")):
        assert nothing.to_score("linf") is None and nothing.to_score("sqrt2") is None
    assert Barcode([], "merged", measured=0).to_score("linf") == 0.0


@given(complexes(), st.permutations(range(21)))
@SLOW_START
def test_renaming_minima_changes_no_bar(values: Values, name: list[int]) -> None:
    renamed = {tuple(name[p] for p in simplex): value for simplex, value in values.items()}
    one, other = FilteredComplex.of(values), FilteredComplex.of(renamed)
    for dim in (0, 1):
        bars, same = merged_barcode(one).diagram(dim), merged_barcode(other).diagram(dim)
        assert np.array_equal(np.sort(bars.view("f8,f8"), axis=0), np.sort(same.view("f8,f8"), axis=0))


THREE = {(0,): 0.0, (1,): 0.5, (2,): 1.0, (0, 1): 10.0, (0, 2): 3.0, (1, 2): 3.0}


def test_a_path_through_another_minimum_is_merged_and_not_direct() -> None:
    complex_ = FilteredComplex.of({(0,): 0.0, (1,): 1.0, (2,): 2.0, (0, 1): 10.0, (0, 2): 3.0, (1, 2): 3.0})
    assert direct_barcode(complex_).of_dim(0) == (
        Bar(0.0, math.inf, 0, (0,), None),
        Bar(1.0, 10.0, 0, (1,), (0, 1)),
        Bar(2.0, 3.0, 0, (2,), (0, 2)),
    )
    merged = merged_barcode(complex_)
    assert deaths(merged) == {(0,): math.inf, (1,): 3.0, (2,): 3.0}
    assert {bar.dies_at for bar in merged.bars} == {None, (0, 2), (1, 2)}
    assert (direct_barcode(complex_).convention, merged.convention) == ("direct", "merged")
    assert direct_barcode(complex_).to_score("linf") == 4.5
    assert merged.to_score("linf") == 1.0
    assert merged.to_score("sqrt2") == pytest.approx(2 / math.sqrt(2))


def test_of_equal_minima_the_smaller_number_is_lower() -> None:
    complex_ = FilteredComplex.of({(7,): 1.0, (4,): 1.0, (5,): 1.0, (4, 5): 2.0, (5, 7): 2.0, (4, 7): 6.0})
    assert deaths(merged_barcode(complex_)) == {(4,): math.inf, (5,): 2.0, (7,): 2.0}
    direct = direct_barcode(complex_)
    assert deaths(direct) == {(4,): math.inf, (5,): 2.0, (7,): 2.0}
    assert [bar.dies_at for bar in direct.bars] == [None, (4, 5), (5, 7)]


def test_a_curve_as_low_as_its_minimum_gives_a_bar_of_length_zero() -> None:
    complex_ = FilteredComplex.of({(0,): 0.0, (1,): 2.0, (0, 1): 1.5})
    assert complex_.values[0, 1] == 2.0
    for barcode in (merged_barcode(complex_), direct_barcode(complex_)):
        assert [(bar.birth, bar.death) for bar in barcode.bars] == [(0.0, math.inf), (2.0, 2.0)]
        assert barcode.to_score("linf") == 0.0


def test_minima_that_no_curve_joins_have_an_infinite_score() -> None:
    apart = FilteredComplex.of({(0,): 0.0, (1,): 5.0})
    for barcode in (merged_barcode(apart), direct_barcode(apart)):
        assert barcode.to_score("linf") == barcode.to_score("sqrt2") == math.inf
        joined = Barcode([Bar(0.0, math.inf, 0, (0,), None)], barcode.convention)
        assert bottleneck_distance(barcode, joined) == math.inf
    alone = merged_barcode(FilteredComplex.of({(0,): 0.0}))
    assert alone.to_score("linf") == 0.0, "one minimum has nothing to climb to"


def test_an_index_that_was_not_measured_has_no_score() -> None:
    without = FilteredComplex.of(THREE)
    filled = FilteredComplex.of({**THREE, (0, 1, 2): 4.0})
    assert merged_barcode(without).to_score("sqrt2", 1) is None
    assert merged_barcode(filled).to_score("sqrt2", 1) == 0.0, "measured: the triangle is no higher than its sides"
    assert merged_barcode(filled).to_score("sqrt2", 2) is direct_barcode(filled).to_score("sqrt2", 1) is None
    open_loop = dict.fromkeys(itertools.combinations(range(4), 2), 3.0) | {(i,): 0.0 for i in range(4)}
    partly = merged_barcode(FilteredComplex.of(open_loop | {(0, 1, 2): 4.0}))
    assert partly.to_score("sqrt2", 1) == math.inf, "some loops are filled by no triangle"


def test_one_triangle_has_the_bar_from_its_sides_to_itself() -> None:
    barcode = merged_barcode(FilteredComplex.of({**THREE, (0, 1, 2): 12.0}))
    assert barcode.of_dim(1) == (Bar(10.0, 12.0, 1, (0, 1), (0, 1, 2)),)
    assert barcode.of_dim(2) == ()
    assert barcode.dims == (0, 1)
    assert barcode.to_score("linf", 1) == 1.0
    assert merged_barcode(FilteredComplex.of(THREE)).dims == (0,)  # no triangle was optimised: no H1


def test_a_triangle_as_low_as_its_sides_has_no_bar() -> None:
    complex_ = FilteredComplex.of({**THREE, (0, 1, 2): 4.0})
    assert complex_.values[0, 1, 2] == 10.0
    assert merged_barcode(complex_).of_dim(1) == ()


def test_a_missing_curve_is_as_high_as_its_lowest_triangle() -> None:
    values: Values = {(p,): float(p) for p in range(4)}
    complex_ = FilteredComplex.of({**values, (2, 1, 0): 9.0, (0, 1, 3): 8.0, (1, 2): 5.0})
    assert complex_.values[0, 1] == 8.0 and complex_.values[0, 2] == 9.0 and complex_.values[1, 2] == 5.0


def test_apart_minima_have_a_half_line_each() -> None:
    complex_ = FilteredComplex.of({(0,): 0.0, (1,): 1.0, (2,): 2.0, (1, 2): 4.0})
    assert deaths(merged_barcode(complex_)) == {(0,): math.inf, (1,): math.inf, (2,): 4.0}
    single = FilteredComplex.of({(3,): 5.0})
    assert merged_barcode(single).bars == direct_barcode(single).bars == (Bar(5.0, math.inf, 0, (3,), None),)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "at least one minimum"),
        ({(0,): 1.0, (0, 1): 2.0}, "needs the loss of minimum 1"),
        ({(0,): 1.0, (1,): 1.0, (0, 1, 2): 2.0}, "needs the loss of minimum 2"),
        ({(0,): math.nan}, "must be finite"),
        ({(0,): 1.0, (1,): 0.0, (0, 1): math.nan}, "must be finite"),
        ({(0,): 1.0, (1,): 0.0, (0, 1): math.inf}, "must be finite"),
        ({(0,): -math.inf}, "must be finite"),
        ({(0,): 1.0, (1,): 0.0, (0, 1): 2.0, (1, 0): 3.0}, "given twice"),
        ({(0,): 1.0, (0, 0): 2.0}, "must be distinct"),
        ({(): 1.0}, "one at least"),
    ],
)
def test_wrong_values_are_refused(values: Values, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FilteredComplex.of(values)


def test_wrong_bars_are_refused() -> None:
    for birth, death, dies_at, message in (
        (math.nan, 1.0, (0, 1), "NaN"),
        (0.0, math.nan, (0, 1), "NaN"),
        (1.0, 0.5, (0, 1), "before its birth"),
        (0.0, math.inf, (0, 1), "half-lines"),
        (0.0, 1.0, None, "half-lines"),
    ):
        with pytest.raises(ValueError, match=message):
            Bar(birth, death, 0, (0,), dies_at)


def test_faces() -> None:
    assert faces((4,)) == []
    assert faces((1, 4)) == [(1,), (4,)]
    assert sorted(faces((1, 4, 6))) == [(1, 4), (1, 6), (4, 6)]
