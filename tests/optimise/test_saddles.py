"""Barcodes from optimised curves between known minima, against known saddles and a fine grid's barcode."""

import functools
import itertools
import math

import gudhi
import numpy as np
import pytest
import torch

from lossbars.barcodes.barcode import Barcode
from lossbars.barcodes.complex import FilteredComplex, direct_barcode, merged_barcode
from lossbars.functions import mueller_brown, six_hump_camel
from lossbars.optimise.connect import connect
from lossbars.recipes import Curves, Grid
from lossbars.seeding import generator
from lossbars.simplices import Bezier, Chain, Family
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Simplices

Stage = tuple[float, float, int, int]  # tilt, learning rate, points a step, steps

FUNCTIONS = {function.name: function for function in (six_hump_camel, mueller_brown)}
CHAINS: dict[str, tuple[Family, tuple[Stage, ...]]] = {
    "six_hump_camel": (Chain(7), ((20.0, 0.05, 32, 800),)),
    "mueller_brown": (Chain(3), ((2.0, 0.003, 64, 1500), (20.0, 0.0005, 128, 1500))),
}
SADDLES = {
    "six_hump_camel": [0.0, 0.5437186009781851, 0.5437186009781851, 2.2293571975307147, 2.2293571975307147],
    "mueller_brown": [-72.24894011232522, -40.664843508657405],
}


@functools.cache
def optimised_barcodes(name: str, family: Family, stages: tuple[Stage, ...]) -> tuple[Barcode, Barcode]:
    """Direct and merged barcodes of curves between all pairs of the function's minima."""
    function = FUNCTIONS[name]
    minima = torch.tensor([place for place, _ in function.minima], dtype=torch.float64)
    pairs = list(itertools.combinations(range(len(minima)), 2))
    curves = Simplices(family, family.start(torch.stack([minima[list(pair)] for pair in pairs])))
    for tilt, lr, points, steps in stages:
        recipe = Curves(
            optimiser="adam",
            schedule={"kind": "ramp", "m1": steps / 2, "m2": float(steps), "lr_max": lr, "lr_min": lr / 1000},
            epochs=steps,
            family={"kind": "chain", "bends": family.size - 2},
            points=points,
            tilt=tilt,
        )
        curves = connect(function, curves, recipe, generator("order"), [generator("places", *p) for p in pairs])
    found = profiles(function, curves, Grid(points=301, refinements=8))
    values = {(i,): float(value) for i, value in enumerate(function.loss(minima))}
    values |= {pair: profile.value for pair, profile in zip(pairs, found, strict=True)}
    filtered = FilteredComplex.of(values)
    return direct_barcode(filtered), merged_barcode(filtered)


def finite_deaths(barcode: Barcode) -> list[float]:
    return sorted(bar.death for bar in barcode.bars if math.isfinite(bar.death))


@pytest.mark.parametrize(
    ("name", "family", "stages"),
    [
        ("six_hump_camel", *CHAINS["six_hump_camel"]),
        ("six_hump_camel", Bezier(3), ((20.0, 0.05, 32, 800), (200.0, 0.005, 64, 400))),
        ("mueller_brown", *CHAINS["mueller_brown"]),
    ],
    ids=["camel chain", "camel bezier", "mueller-brown chain"],
)
def test_bars_die_at_the_known_saddles(name: str, family: Family, stages: tuple[Stage, ...]) -> None:
    direct, merged = optimised_barcodes(name, family, stages)
    expected = SADDLES[name]
    assert finite_deaths(merged) == pytest.approx(expected, abs=1e-3)
    # a curve cannot pass below the saddle; its value is read off a grid, which misses the top by second order
    assert all(found >= truth - 1e-4 for found, truth in zip(finite_deaths(merged), expected, strict=True))
    births = sorted(bar.birth for bar in merged.bars)
    assert births == pytest.approx(sorted(value for _, value in FUNCTIONS[name].minima), abs=1e-9)
    # a single chain need not find the way through a third basin, and cannot find a better one
    for one, other in zip(direct.bars, merged.bars, strict=True):
        assert one.born_at == other.born_at
        assert one.death >= other.death


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_bars_are_those_of_a_fine_grid(name: str) -> None:
    function = FUNCTIONS[name]
    _, merged = optimised_barcodes(name, *CHAINS[name])
    axes = [torch.linspace(low, high, 801, dtype=torch.float64) for low, high in function.box]
    places = torch.cartesian_prod(*axes)
    values = function.loss(places).view(801, 801).numpy()
    # top cells: neighbours over a corner are connected, as a slanted valley needs
    grid = gudhi.CubicalComplex(top_dimensional_cells=values)
    grid.compute_persistence()
    found = grid.persistence_intervals_in_dimension(0)
    finite = found[np.isfinite(found[:, 1])]
    kept = finite[finite[:, 1] - finite[:, 0] > 0.01 * (finite[:, 1] - finite[:, 0]).max()]
    error = np.abs(np.diff(values, axis=0)).max() / 50  # the grid misses a critical value by second order only
    assert gudhi.bottleneck_distance(kept, merged.diagram()[np.isfinite(merged.diagram()[:, 1])]) < error
