"""Every path optimiser against saddles that are known: errors fall as points and steps grow; where a climber lands."""

import itertools
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from lossbars.barcodes.complex import FilteredComplex, merged_barcode
from lossbars.functions import Function, bent_double_well, mueller_brown, six_hump_camel
from lossbars.optimise.connect import connect
from lossbars.optimise.flow import flow, path_profiles
from lossbars.recipes import Curves, Grid, PathGrid, Paths
from lossbars.seeding import generator
from lossbars.simplices import Bezier, Chain, Family
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Profile, Simplices

FUNCTIONS: dict[str, Function] = {"camel": six_hump_camel, "mueller-brown": mueller_brown, "bent": bent_double_well(20)}
ENDING = {"camel": 5, "mueller-brown": 2, "bent": 1}  # the first so many saddles end bars
RATES = {"camel": 0.01, "mueller-brown": 0.0003, "bent": 0.03}
NOISE = 1e-6  # of the places of the profiles, which are float32


def pairs_of(function: Function) -> list[tuple[int, ...]]:
    return list(itertools.combinations(range(len(function.minima)), 2))


def corners_of(function: Function) -> Tensor:
    minima = torch.tensor([place for place, _ in function.minima], dtype=torch.float64)
    return torch.stack([minima[list(pair)] for pair in pairs_of(function)])


def error(name: str, found: list[Profile]) -> float:
    """The largest error of a death of the merged barcode; curves between all pairs of minima."""
    function = FUNCTIONS[name]
    values = {(i,): value for i, (_, value) in enumerate(function.minima)}
    values |= {pair: profile.value for pair, profile in zip(pairs_of(function), found, strict=True)}
    bars = merged_barcode(FilteredComplex.of(values)).bars
    deaths = sorted(bar.death for bar in bars if math.isfinite(bar.death))
    truth = [value for _, value in function.saddles[: ENDING[name]]]
    assert all(a > b - NOISE for a, b in zip(deaths, truth, strict=True))  # no path passes below a saddle
    return max(abs(a - b) for a, b in zip(deaths, truth, strict=True))


def ramp(steps: int, lr: float, least: float) -> dict[str, Any]:
    return {"kind": "ramp", "m1": steps / 2, "m2": float(steps), "lr_max": lr, "lr_min": lr * least}


def flowed(name: str, points: int, steps: int, least: float = 0.01, **family: Any) -> list[Tensor]:
    recipe = Paths(
        optimiser="sgd",
        momentum=0.0,
        schedule=ramp(steps, RATES[name], least),
        epochs=steps,
        family={"kind": "path", "points": points} | family,
    )
    return flow(FUNCTIONS[name], corners_of(FUNCTIONS[name]), recipe, generator("order")).paths


def flow_error(name: str, points: int, steps: int, **family: Any) -> float:
    paths = flowed(name, points, steps, **family)
    return error(name, path_profiles(FUNCTIONS[name], paths, PathGrid(refinements=8)))


FLOW: dict[str, dict[str, Any]] = {
    "flow": {},
    "redistributed": {"redistribute": 10},
    "climbing": {"redistribute": 10, "climb": 0.5},
    "inserting": {"insertion": {"every": 25}},
}
SIZES = {"camel": [(4, 10), (6, 40), (12, 160)], "other": [(10, 50), (20, 100), (40, 200)]}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("how", FLOW)
def test_deaths_of_the_flow_converge_to_the_saddles(how: str, name: str) -> None:
    """Even numbers of points: none lies at the middle, where the saddle of a symmetric path is."""
    errors = [flow_error(name, *size, **FLOW[how]) for size in SIZES.get(name, SIZES["other"])]
    assert all(b < max(a, NOISE) for a, b in itertools.pairwise(errors))
    assert errors[-1] < min(2e-4, errors[0] / 100)


def test_the_flow_alone_slides_off_a_saddle_where_the_path_bends() -> None:
    """Points leave it along the path, as the text says, and the segment over it gets long."""
    once, longer = (flow_error("bent", 10, steps) for steps in (50, 250))
    assert longer > 10 * once
    assert flow_error("bent", 10, 250, redistribute=10) < once
    assert flow_error("bent", 10, 250, insertion={"every": 25}) < NOISE


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_climbing_point_lands_on_a_saddle(name: str) -> None:
    """Where neither its gradient nor its value is left to chance, and one direction goes down."""
    function, points = FUNCTIONS[name], 14
    paths = torch.stack(flowed(name, points, 600, least=1.0, redistribute=10, climb=0.8))
    losses = function.loss(paths.flatten(0, 1)).view(-1, points)
    highest = losses.argmax(1)
    saddles = [torch.tensor(place, dtype=torch.float64) for place, _ in function.saddles]
    for path, loss, i in zip(paths, losses, highest.tolist(), strict=True):
        top = path[i]
        _, gradient = function.value_and_gradient(top.unsqueeze(0), None)
        curvature = torch.autograd.functional.hessian(lambda x: function.loss(x.unsqueeze(0))[0], top)
        assert isinstance(curvature, Tensor)
        scale = float(curvature.abs().max())
        assert float(gradient.norm()) < 1e-6 * scale
        assert int((torch.linalg.eigvalsh(curvature) < 0).sum()) == 1
        nearest = min(range(len(saddles)), key=lambda s: float((saddles[s] - top).norm()))
        assert float((saddles[nearest] - top).norm()) < 1e-5
        assert float(loss[i]) == pytest.approx(function.saddles[nearest][1], abs=1e-9 * scale)


STAGES = {  # tilt, learning rate, points a step, steps
    "camel": ((20.0, 0.05, 16, 250),),
    "mueller-brown": ((2.0, 0.003, 32, 400), (20.0, 0.001, 32, 400)),
    "bent": ((20.0, 0.02, 16, 300), (200.0, 0.005, 32, 150)),
}
CURVES = [Chain(1), Chain(3), Chain(7), Bezier(3)]
TOLERANCE = {"camel": 1e-4, "mueller-brown": 0.2, "bent": 5e-3}


def curve_error(name: str, family: Family, share: float = 1.0) -> float:
    """Random-t optimisation, a share of the steps."""
    function = FUNCTIONS[name]
    curves = Simplices(family, family.start(corners_of(function)))
    places = [generator("places", *pair) for pair in pairs_of(function)]
    for tilt, lr, points, steps in STAGES[name]:
        epochs = round(share * steps)
        recipe = Curves(
            optimiser="adam",
            schedule=ramp(epochs, lr, 0.001),
            epochs=epochs,
            family={"kind": "chain"},
            points=points,
            tilt=tilt,
        )
        curves = connect(function, curves, recipe, generator("order"), places)
    return error(name, profiles(function, curves, Grid(points=121, refinements=8)))


@pytest.mark.parametrize("family", CURVES, ids=["chain-1", "chain-3", "chain-7", "bezier"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_deaths_of_curves_converge_to_the_saddles(name: str, family: Family) -> None:
    errors = [curve_error(name, family, share) for share in (0.02, 1.0)]
    assert errors[1] < errors[0] / 20
    if name == "bent" and family.size == 3:  # two straight pieces cannot follow that valley
        assert errors[1] > 0.03
    else:
        assert errors[1] < TOLERANCE[name]
