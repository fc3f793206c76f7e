"""Curves split at dips, whose pieces are optimised: known saddles from above, and resuming."""

import math

import pytest
import torch
from torch import Tensor

from lossbars.barcodes.complex import FilteredComplex, merged_barcode
from lossbars.functions import Function, mueller_brown
from lossbars.optimise.dips import Curve, Found
from lossbars.optimise.splitting import split
from lossbars.recipes import Descents, Grid
from lossbars.simplices import Chain
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Simplices
from support.small_landscapes import Interrupted, Saved

ROUNDS = Descents(places="dips", passes=300, precision="float64", rounds=3, pieces=4000)


def points(known: tuple[tuple[tuple[float, ...], float], ...]) -> Tensor:
    return torch.tensor([place for place, _ in known], dtype=torch.float64)


def chain(function: Function, *through: Tensor) -> Curve:
    """The polygonal chain through these points, from minimum 0 to minimum 1, measured."""
    simplices = Simplices(Chain(len(through) - 2), torch.stack(through)[None])
    (measured,) = profiles(function, simplices, Grid(points=61, refinements=2))
    return Curve((0, 1), measured, lambda t: simplices.at(t[None, :, None])[0], 0)


def heights(values: Tensor, found: Found, curve: Curve) -> FilteredComplex:
    simplices: dict[tuple[int, ...], float] = {(i,): float(v) for i, v in enumerate([*values, *found.value])}
    for ends, height in [(curve.ends, curve.profile.value), *((p.ends, p.height) for p in found.pieces)]:
        pair = tuple(sorted(ends))
        simplices[pair] = min(height, simplices.get(pair, math.inf))
    return FilteredComplex.of(simplices)


def test_pieces_come_down_to_the_known_saddles_and_no_lower() -> None:
    minima = points(mueller_brown.minima)
    deep, second, third = minima[mueller_brown.loss(minima).argsort()]
    given = torch.stack([deep, second])
    curve = chain(mueller_brown, deep, third + 0.1, second)
    found = split(mueller_brown, given, [curve], ROUNDS)
    torch.testing.assert_close(found.theta, third[None], atol=1e-6, rtol=0)
    barcode = merged_barcode(heights(mueller_brown.loss(given), found, curve))
    saddles = sorted(mueller_brown.loss(points(mueller_brown.saddles)).tolist())
    deaths = sorted(bar.death for bar in barcode.bars if bar.death < math.inf)
    for death, saddle in zip(deaths, saddles, strict=True):
        assert saddle - 1e-4 <= death <= saddle + 1.5  # the chain is at 8.9


def test_a_split_goes_on_to_the_same_bits_from_every_save() -> None:
    minima = points(mueller_brown.minima)
    deep, second, third = minima[mueller_brown.loss(minima).argsort()]
    given, curve = torch.stack([deep, second]), chain(mueller_brown, deep, third + 0.1, second)
    few = ROUNDS.model_copy(update={"rounds": 2, "passes": 20, "pieces": 240})
    expected = split(mueller_brown, given, [curve], few)
    for saves in (1, 4, 9):
        memory = Saved(saves)
        with pytest.raises(Interrupted):
            split(mueller_brown, given, [curve], few, memory)
        memory.saves = -1
        again = split(mueller_brown, given, [curve], few, memory)
        assert torch.equal(again.theta, expected.theta)
        assert [piece.height for piece in again.pieces] == [piece.height for piece in expected.pieces]
