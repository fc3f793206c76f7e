"""Bars of functions whose minima and saddles are known: exact ones, and those of curves between the known minima."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lossbars.barcodes.barcode import Barcode
from lossbars.barcodes.complex import FilteredComplex, direct_barcode, merged_barcode
from lossbars.functions.benchmarks import Function
from lossbars.hessian.derivatives import hessian
from lossbars.optimise.connect import connect
from lossbars.optimise.flow import flow, path_profiles
from lossbars.optimise.strings.lowest import lowest
from lossbars.recipes import AnyCurves, Curves, Paths, Strings
from lossbars.seeding import generator
from lossbars.simplices import Chain
from lossbars.simplices.families import curve_family
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Profile, Simplices

STEP, NEAR, STILL = 0.01, 0.1, 1e-8  # of a descent: longest step, what is there, what stands; in least distances
MOST_STEPS = 20_000

Pair = tuple[int, ...]  # numbers of two minima


@dataclass(frozen=True)
class Critical:
    """Gradient and curvature of a function at n places: they tell how near a saddle is."""

    gradient: Float[Tensor, " n"]  # norm
    curvature: Float[Tensor, " n"]  # largest absolute eigenvalue of the Hessian
    negative: Int[Tensor, " n"]  # number of negative eigenvalues


@dataclass(frozen=True)
class Connected:
    """Barcodes of curves between all pairs of a function's known minima, and where each curve is highest."""

    direct: Barcode
    merged: Barcode
    tops: Mapping[Pair, Float[Tensor, " d"]]  # a path's highest point, or a curve's or string's highest place
    gradients: float  # that a curve took, a mean where that is by need


# What is known -----------------------------------------------------------------------------------


def known_bars(function: Function) -> Barcode:
    """The exact merged barcode: each known saddle joins the two minima that one comes down to from it.

    Raises ValueError where there is no known minimum or saddle, and for a saddle from which one comes down elsewhere.
    """
    if not function.minima or not function.saddles:
        raise ValueError(f"{function.name}: its minima and saddles are not known, so there is no exact barcode")
    values: dict[Pair, float] = {(i,): value for i, (_, value) in enumerate(function.minima)}
    for (_, value), pair in zip(function.saddles, _joined(function), strict=True):
        if pair[0] != pair[1]:
            values[pair] = min(value, values.get(pair, value))
    return merged_barcode(FilteredComplex.of(values))


def _joined(function: Function) -> list[tuple[int, int]]:
    """The two minima at the ends of the gradient lines down from each known saddle, in order."""
    minima, saddles = _places(function.minima), _places(function.saddles)
    every = torch.cat([minima, saddles])
    least = float(torch.pdist(every).min())
    _, vectors = torch.linalg.eigh(hessian(function, saddles))
    place = torch.cat([saddles + sign * STEP * least * vectors[:, :, 0] for sign in (-1, 1)])
    ends = _down(function, place, minima, least)
    if far := [i % len(saddles) for i, end in enumerate(ends) if end < 0]:
        raise ValueError(f"{function.name}: from its saddle {far[0]} one comes down to none of its known minima")
    return [(min(pair), max(pair)) for pair in zip(ends[: len(saddles)], ends[len(saddles) :], strict=True)]


def _down(function: Function, place: Tensor, minima: Tensor, least: float) -> list[int]:
    """Numbers of the minima that n gradient lines end at; −1 where they end elsewhere."""
    scale = torch.full((len(place), 1), torch.inf, dtype=place.dtype)
    value, gradient = function.value_and_gradient(place, None)
    for _ in range(MOST_STEPS):
        slope = torch.linalg.vector_norm(gradient, dim=1, keepdim=True).clamp_min(1e-300)
        scale = torch.minimum(1.5 * scale, STEP * least / slope)
        there = torch.cdist(place, minima).amin(1, keepdim=True) < NEAR * least
        if bool((there | (scale * slope < STILL * least)).all()):
            break
        trial = place - scale * gradient
        lower, next_gradient = function.value_and_gradient(trial, None)
        better = (lower < value).unsqueeze(1)
        place, gradient = torch.where(better, trial, place), torch.where(better, next_gradient, gradient)
        value, scale = torch.minimum(value, lower), torch.where(better, scale, scale / 3)
    distance = torch.cdist(place, minima)
    return torch.where(distance.amin(1) < NEAR * least, distance.argmin(1), -1).tolist()


def _places(points: tuple[tuple[tuple[float, ...], float], ...]) -> Float[Tensor, "n d"]:
    return torch.tensor([place for place, _ in points], dtype=torch.float64)


def critical(function: Function, places: Float[Tensor, "n d"]) -> Critical:
    """Gradient and eigenvalues of the Hessian at each place."""
    _, gradient = function.value_and_gradient(places, None)
    eigenvalues = torch.linalg.eigvalsh(hessian(function, places))
    norm = torch.linalg.vector_norm(gradient, dim=1)
    return Critical(norm, eigenvalues.abs().amax(1), (eigenvalues < 0).sum(1))


# What is optimised -------------------------------------------------------------------------------


def connected(function: Function, recipe: AnyCurves, *names: str | int) -> Connected:
    """Curves or paths between all pairs of known minima, by one recipe; ``names`` name its random numbers.

    Raises :class:`lossbars.optimise.descent.Diverged`.
    """
    minima = _places(function.minima)
    pairs: list[Pair] = list(itertools.combinations(range(len(minima)), 2))
    corners = minima[torch.tensor(pairs)]
    match recipe:
        case Curves():
            measured, tops, gradients = _curves(function, corners, recipe, pairs, names)
        case Paths():
            measured, tops, gradients = _paths(function, corners, recipe, pairs, names)
        case Strings():
            measured, tops, gradients = _strings(function, corners, recipe, pairs, names)
    values: dict[Pair, float] = {(i,): value for i, (_, value) in enumerate(function.minima)}
    values |= {pair: profile.value for pair, profile in zip(pairs, measured, strict=True)}
    complex_ = FilteredComplex.of(values)
    return Connected(direct_barcode(complex_), merged_barcode(complex_), dict(zip(pairs, tops, strict=True)), gradients)


Measured = tuple[list[Profile], list[Tensor], float]


def _curves(
    function: Function, corners: Tensor, recipe: Curves, pairs: list[Pair], names: tuple[str | int, ...]
) -> Measured:
    family = curve_family(recipe)
    draws = [generator(*names, "places", *pair) for pair in pairs]
    titles = [f"curve {a}+{b}" for a, b in pairs]
    start = Simplices(family, family.start(corners))
    curves = connect(function, start, recipe, generator(*names, "order"), draws, titles)
    measured = profiles(function, curves, recipe.grid, names=titles)
    highest = torch.stack([profile.t[profile.loss.argmax()] for profile in measured])
    return measured, list(curves.at(highest)), float(recipe.epochs * recipe.points)


def _paths(
    function: Function, corners: Tensor, recipe: Paths, pairs: list[Pair], names: tuple[str | int, ...]
) -> Measured:
    titles = [f"path {a}+{b}" for a, b in pairs]
    paths = flow(function, corners, recipe, generator(*names, "order"), titles).paths
    measured = path_profiles(function, paths, recipe.grid, names=titles)
    tops = [path[function.loss(path).argmax()] for path in paths]
    return measured, tops, float(recipe.epochs * (recipe.family.points - 2))


def _strings(
    function: Function, corners: Tensor, recipe: Strings, pairs: list[Pair], names: tuple[str | int, ...]
) -> Measured:
    titles = [f"string {a}+{b}" for a, b in pairs]
    strings = lowest(function, corners, recipe, lambda *place: generator(*names, "order", *place))
    measured = path_profiles(function, [string.beads for string in strings], recipe.grid, names=titles)
    tops = []
    for string, profile in zip(strings, measured, strict=True):
        chain = Simplices(Chain(len(string.beads) - 2), string.beads[None])
        tops.append(chain.at(profile.t[profile.loss.argmax()][None])[0])
    return measured, tops, sum(string.gradients for string in strings) / len(strings)
