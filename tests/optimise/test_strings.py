"""Dynamic String Sampling where the answer is known, its bookkeeping, and what it does when it is cut off."""

import itertools
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor

from lossbars.barcodes.complex import FilteredComplex, merged_barcode
from lossbars.experiments.saddles.known_bars import known_bars
from lossbars.functions import Function, bent_double_well, himmelblau, mueller_brown
from lossbars.optimise.descent import Diverged, State
from lossbars.optimise.stopping import Stopped
from lossbars.optimise.strings.lowest import Lowered, lowest
from lossbars.optimise.strings.sampler import BeadString, Sampler
from lossbars.optimise.strings.state import copied, packed, unpacked
from lossbars.optimise.strings.sweep import sweep
from lossbars.recipes import Beads, Strings
from lossbars.seeding import generator
from support.small_landscapes import Points

ADAM: dict[str, Any] = {"optimiser": "adam", "schedule": {"kind": "constant", "lr": 1e-2}, "epochs": 300}
FINE: dict[str, Any] = {"grid": {"between": 20, "refinements": 6}}


def order(*place: int) -> Generator:
    return generator("strings", *place)


def recipe(family: dict[str, Any] | None = None, **settings: Any) -> Beads:
    return Beads(**(ADAM | FINE | settings), family={"kind": "string"} | (family or {}))


def minima(function: Function) -> Tensor:
    return torch.tensor([place for place, _ in function.minima], dtype=torch.float64)


def pairs_of(function: Function) -> tuple[list[tuple[int, int]], Tensor]:
    places = minima(function)
    pairs = list(itertools.combinations(range(len(places)), 2))
    return pairs, places[torch.tensor(pairs)]


def connect(function: Function, ends: Tensor, threshold: float, made: Beads) -> BeadString:
    """One string; its floor is the higher of its ends."""
    own = BeadString.of(ends.clone())
    floor = float(function.loss(ends).max())
    Sampler(function, function, made).connect([own], [threshold], [floor], order)
    return own


# Where the answer is known -----------------------------------------------------------------------


@pytest.mark.parametrize("function", [mueller_brown, himmelblau, bent_double_well(20)], ids=lambda f: f"{f.name}")
def test_lowest_thresholds_are_the_saddles(function: Function) -> None:
    pairs, corners = pairs_of(function)
    made = Strings(**ADAM, **FINE, halvings=20, family={"kind": "string", "rounds": 12})
    found = lowest(function, corners, made, order)
    values = {(i,): value for i, (_, value) in enumerate(function.minima)}
    values |= {pair: own.highest for pair, own in zip(pairs, found, strict=True)}
    deaths = [bar.death for bar in merged_barcode(FilteredComplex.of(values)).bars if bar.dies_at]
    truth = [bar.death for bar in known_bars(function).bars if bar.dies_at]
    assert deaths == pytest.approx(truth, abs=1e-3)
    for own in found:  # above what connects, a threshold may fail for want of epochs, but near the saddle only
        assert own.failed < own.highest + 1e-3 or math.isnan(own.failed)
    for own, ends in zip(found, corners, strict=True):
        assert torch.equal(own.beads[[0, -1]], ends)


def test_strings_of_a_known_landscape_are_below_their_threshold_everywhere() -> None:
    own = connect(mueller_brown, minima(mueller_brown)[[0, 1]], -40.0, recipe())
    assert own.connects(-40.0)
    t = torch.linspace(0, 1, 1001, dtype=torch.float64)[:, None]
    dense = torch.cat([torch.lerp(a, b, t) for a, b in itertools.pairwise(own.beads)])
    assert float(mueller_brown.loss(dense).max()) <= -40.0 + 1e-3
    assert own.highest == pytest.approx(float(mueller_brown.loss(dense).max()), abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(
    threshold=st.floats(0.02, 0.995),
    dim=st.integers(1, 5),
    insertion=st.sampled_from(["maximum", "middle"]),
    lr=st.sampled_from([3e-3, 3e-2]),
    spring=st.sampled_from([0.0, 0.1]),
)
def test_a_double_well_is_never_connected_below_its_saddle(
    threshold: float, dim: int, insertion: str, lr: float, spring: float
) -> None:
    function = bent_double_well(dim)
    made = recipe(
        {"insertion": insertion, "rounds": 5, "spring": spring},
        schedule={"kind": "constant", "lr": lr},
        epochs=40,
        grid={"between": 20, "refinements": 3},
    )
    own = connect(function, minima(function), threshold, made)
    assert not own.connects(threshold)
    assert own.highest > threshold or own.highest != own.highest


def test_a_double_well_is_connected_above_its_saddle_by_either_insertion() -> None:
    function = bent_double_well(4)
    for insertion in ("maximum", "middle"):
        own = connect(function, minima(function), 1.02, recipe({"insertion": insertion, "rounds": 20}))
        assert own.connects(1.02) and own.length > 1.01


def test_a_convex_landscape_needs_no_bead() -> None:
    own = connect(mueller_brown, torch.tensor([[0.6, 0.0], [0.65, 0.05]], dtype=torch.float64), -90.0, recipe())
    assert own.connects(-90.0) and len(own.beads) == 2 and own.length == 1.0 and own.gradients == 0


# Beads --------------------------------------------------------------------------------------------


def test_the_constraint_is_the_gradient_of_its_terms() -> None:
    """Of a bead between two neighbours: ζ/2 of squared distances, κ/2 of that from the middle hyperplane."""

    class Flat(Points):
        def loss(self, theta: Tensor, batch: Any = None) -> Tensor:
            return 0 * super().loss(theta, batch) + 1.0

    flat, zeta, kappa = Flat(dim=5), 0.3, 0.7
    beads = torch.randn(3, 5, generator=Generator().manual_seed(4), dtype=torch.float64)
    own = BeadString.of(beads.clone())
    made = recipe(
        {"spring": zeta, "hyperplane": kappa, "rounds": 1}, optimiser="sgd", momentum=0.0, epochs=1, check_every=4
    )
    made = made.model_copy(update={"schedule": type(made.schedule)(kind="constant", lr=0.1)})
    own.values[:] = torch.tensor([0.0, 1.0, 0.0])
    Sampler(flat, flat, made)._train([own], [0.5], [0.4], order(0))
    bead = beads[1].clone().requires_grad_()
    for _ in range(flat.steps_per_epoch):
        along = (beads[2] - beads[0]) / (beads[2] - beads[0]).norm()
        off = (bead - (beads[0] + beads[2]) / 2) @ along
        spring = (bead - beads[0]).square().sum() + (bead - beads[2]).square().sum()
        (slope,) = torch.autograd.grad(zeta / 2 * spring + kappa / 2 * off.square(), bead)
        bead = (bead - 0.1 * slope).detach().requires_grad_()
    torch.testing.assert_close(own.beads[1], bead.detach(), rtol=1e-12, atol=1e-14)
    assert torch.equal(own.beads[[0, 2]], beads[[0, 2]])


def test_the_hyperplane_keeps_beads_between_their_neighbours() -> None:
    function, ends = bent_double_well(6), minima(bent_double_well(6))
    free, held = (
        connect(function, ends, 1.05, recipe({"hyperplane": kappa, "rounds": 1}, optimiser="sgd", momentum=0.0))
        for kappa in (0.0, 50.0)
    )
    for own in (free, held):
        assert len(own.beads) == 2  # one round trains the ends alone
    free, held = (
        connect(function, ends, 1.05, recipe({"hyperplane": kappa, "rounds": 2}, optimiser="sgd", momentum=0.0))
        for kappa in (0.0, 50.0)
    )
    distances = [own.beads.diff(dim=0).norm(dim=1) for own in (free, held)]
    assert abs(float(distances[1].diff())) < 0.1 * abs(float(distances[0].diff()))


def test_beads_stop_at_their_targets_and_count_their_work() -> None:
    function = bent_double_well(3)
    made = recipe({"margin": 0.1, "tighten": 1.0, "rounds": 2}, check_every=5)
    own = connect(function, minima(function), 1.2, made)
    assert len(own.beads) == 3 and float(own.values[1]) <= 1.2 - 0.1 * 1.2
    assert own.gradients % 5 == 0 and 0 < own.gradients < 300


def test_a_margin_tightens_from_round_to_round() -> None:
    function = mueller_brown
    loose, tight = (
        connect(function, minima(function)[[0, 1]], -40.6, recipe({"tighten": factor, "rounds": 12}, epochs=300))
        for factor in (1.0, 0.5)
    )
    assert loose.connects(-40.6) and tight.connects(-40.6)
    assert float(tight.values[1:-1].max()) > float(loose.values[1:-1].max())


def test_no_more_beads_than_are_allowed() -> None:
    own = connect(himmelblau, minima(himmelblau)[[0, 1]], 60.0, recipe({"most": 4}, epochs=50))
    assert len(own.beads) <= 4 and not own.connects(60.0)


def test_a_bead_that_is_lost_is_put_back_and_counted() -> None:
    function = bent_double_well(2)
    made = recipe({"rounds": 3}, optimiser="sgd", momentum=0.0, schedule={"kind": "constant", "lr": 1e6}, epochs=20)
    own = connect(function, minima(function), 0.5, made)
    assert not own.connects(0.5) and own.diverged == 2  # once in each round that trains
    straight = torch.lerp(*minima(function), 0.5)
    assert torch.equal(own.beads[1], straight) and bool(own.values.isfinite().all())


def test_an_end_that_is_not_finite_is_said() -> None:
    ends = torch.tensor([[float("nan"), 0.0], [0.6, 0.0]], dtype=torch.float64)
    with pytest.raises(Diverged, match="before it is trained"):
        Sampler(mueller_brown, mueller_brown, recipe()).connect([BeadString.of(ends)], [-40.0], [-100.0], order)


# Sweeps -------------------------------------------------------------------------------------------

LEVELS = [3.0, 1.5, 1.1, 0.9]


def ends_of(n: int, level: int = 0) -> Tensor:
    """Ends on the two sides of the bent double well."""
    signs = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    noise = 0.3 * torch.randn(3, 2, 3, generator=order(9, level), dtype=torch.float64)
    noise[..., 0] += signs
    return noise[:n]


def swept(n: int = 3, reuse: bool = True, checkpoint: Any = None, **settings: Any):
    made = recipe({"rounds": 8}, **({"epochs": 100} | settings))
    function = bent_double_well(3)
    return sweep(function, function, lambda level: ends_of(n, level), LEVELS, made, order, reuse, checkpoint)


def test_a_sweep_connects_down_to_the_saddle_and_no_further() -> None:
    answers, found = swept()
    by_level = {level: [one for one in answers if one.threshold == level] for level in LEVELS}
    assert [sum(one.connected for one in by_level[level]) for level in LEVELS] == [3, 3, 3, 0]
    assert all(one.above == "segment" and one.highest > 0.9 for one in by_level[0.9])
    function = bent_double_well(3)
    for beads in found:
        assert float(function.loss(beads).max()) <= 1.1
    lengths = [sum(one.length for one in by_level[level]) for level in LEVELS[:3]]
    assert lengths == sorted(lengths) and lengths[0] >= 3.0
    assert all(one.gradients <= later.gradients for one, later in zip(by_level[3.0], by_level[1.1], strict=True))


def test_without_reuse_each_threshold_begins_anew() -> None:
    answers, _ = swept(reuse=False)
    assert len(answers) == 3 * len(LEVELS)  # a pair that failed is tried again
    distances = {(one.pair, one.threshold): one.distance for one in answers}
    assert len({round(value, 6) for value in distances.values()}) == len(distances)


def test_a_pair_is_what_it_is_alone() -> None:
    together, _ = swept(n=3)
    alone, _ = swept(n=1)
    own = [one for one in together if one.pair == 0]
    assert [(one.above, one.beads) for one in own] == [(one.above, one.beads) for one in alone]
    assert [one.length for one in own] == pytest.approx([one.length for one in alone], rel=1e-6)


class Cut:
    """A checkpoint in memory that asks the run to stop after some saves, or some steps of training."""

    def __init__(self, stop_after: int) -> None:
        self.kept: State | None = None
        self.left, self.stopping = stop_after, False

    def due(self) -> bool:
        self.left -= 1
        self.stopping = self.left < 0
        return True

    def load(self) -> State | None:
        return self.kept

    def save(self, state: State) -> None:
        self.kept = {name: value.clone() for name, value in state.items()}


@pytest.mark.parametrize("reuse", [True, False])
def test_a_sweep_that_is_stopped_goes_on_to_the_same_bits(reuse: bool) -> None:
    whole, expected = swept(reuse=reuse)
    checkpoint, stops = Cut(2), 0
    while True:
        try:
            answers, found = swept(reuse=reuse, checkpoint=checkpoint)
            break
        except Stopped:
            stops += 1
            checkpoint.left, checkpoint.stopping = 2, False
    assert stops > 2 and answers == whole
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_the_lowest_threshold_is_found_after_stops_too() -> None:
    function = bent_double_well(3)
    _, corners = pairs_of(function)
    made = Strings(**(ADAM | {"epochs": 50}), halvings=6, family={"kind": "string", "rounds": 6})

    def run(checkpoint: Any = None) -> list[Lowered]:
        return lowest(function, corners, made, order, checkpoint)

    (whole,) = run()
    checkpoint, stops = Cut(1), 0
    while True:
        try:
            (found,) = run(checkpoint)
            break
        except Stopped:
            stops += 1
            checkpoint.left, checkpoint.stopping = 1, False
    assert stops > 2 and torch.equal(found.beads, whole.beads)
    assert (found.highest, found.gradients) == (whole.highest, whole.gradients)


def test_strings_are_packed_and_unpacked() -> None:
    one, other = BeadString.of(torch.rand(2, 3)), BeadString.of(torch.rand(4, 3))
    other.values[:], other.gradients = 1.0, 7
    back = unpacked("x", packed("x", [one, other]))
    for own, found in zip((one, other), back, strict=True):
        assert torch.equal(own.beads, found.beads) and own.gradients == found.gradients
        assert torch.equal(own.values.nan_to_num(-1), found.values.nan_to_num(-1)) and len(own.tops) == len(found.tops)
    apart = copied(one)
    apart.beads += 1
    assert not torch.equal(apart.beads, one.beads)


def test_thresholds_that_rise_are_refused() -> None:
    with pytest.raises(ValueError, match="thresholds must fall"):
        sweep(mueller_brown, mueller_brown, lambda _: ends_of(1), [1.0, 2.0], recipe(), order)
