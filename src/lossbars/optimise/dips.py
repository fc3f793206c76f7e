"""Minima that are found below curves, and the pieces into which they cut the curves.

A place on a curve from p to q where the loss has a local minimum, a *dip*, lies below the largest losses on both sides
of it. A descent from the dip ends in a minimum m. The curve from p to the dip, and then the straight segment from the
dip to m, is a path from p to m, and its largest loss is measured: so m is joined to p, and likewise to q, no higher
than that, and no curve has to be optimised for it. Several dips cut a curve into several such *pieces*.

Where a descent leads to a minimum that is known, the piece is a shortcut: it joins two known minima over a part of the
curve. An end is a known minimum if the straight segment between the two nowhere rises above the end and the known
minimum is not higher; if it is lower than a known minimum, that one is no minimum, and both stay.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from scipy.signal import find_peaks
from torch import Tensor

from lossbars.landscape import Landscape
from lossbars.optimise.descent import Checkpoint, State
from lossbars.optimise.polish import polish
from lossbars.optimise.quasi_newton import REASONS
from lossbars.optimise.stages import Stages
from lossbars.recipes import Descents
from lossbars.simplices.simplex import Profile

TOGETHER = 16  # descents at a time, since each keeps its history
ALONG = 17  # places on a straight segment at which its largest loss is looked for
VECTORS = ("theta", "value", "gradient_norm", "residue", "passes", "stopped")  # what is kept of each descent
TINY = 1e-300  # depth that is no dip
ROUNDING = 1e-7  # relative to a loss: of losses of networks in float32


@dataclass(frozen=True)
class Curve:
    """A measured curve between two minima, by their numbers; ``at`` (m,) → θ (m, d) gives its places.

    It may be a piece, from t = ``span[0]`` to ``span[1]``, of the curve that has the number ``origin``.
    """

    ends: tuple[int, int]
    profile: Profile
    at: Callable[[Float[Tensor, " m"]], Float[Tensor, "m d"]]
    origin: int
    span: tuple[float, float] = (0.0, 1.0)

    def t(self, place: int) -> float:
        """Where a place of the profile, by number, is on the curve of origin."""
        low, high = self.span
        return low + float(self.profile.t[place, 0]) * (high - low)


@dataclass(frozen=True)
class Piece:
    """A path between two minima along a part of a curve."""

    ends: tuple[int, int]  # from the beginning of the curve to its end
    height: float  # largest loss measured on it
    curve: int  # number of the curve
    span: tuple[float, float]  # the part of it, in t
    at: Callable[
        [Float[Tensor, " m"]], Float[Tensor, "m d"]
    ]  # from 0 to 1 along that part; its ends need not be minima
    residue: float = math.nan  # by how much the second half of its optimisation lowered its height, if known


@dataclass(frozen=True)
class Found:
    """f minima that were found, numbered after the known ones, and the pieces of all curves with dips."""

    theta: Float[Tensor, "f d"]
    value: Float[Tensor, " f"]  # float64
    gradient_norm: Float[Tensor, " f"]
    residue: Float[Tensor, " f"]
    passes: Int[Tensor, " f"]
    stopped: Int[Tensor, " f"]  # why the descent ended: number among REASONS of lossbars.optimise.quasi_newton
    curve: tuple[int, ...]  # number of the curve from which each was reached
    t: tuple[float, ...]  # the place of the dip on it
    pieces: tuple[Piece, ...]

    def and_then(self, later: "Found") -> "Found":
        """What was found with what a later search found, whose numbers go on from these."""
        vectors = {name: torch.cat([getattr(self, name), getattr(later, name)]) for name in VECTORS}
        return Found(**vectors, curve=self.curve + later.curve, t=self.t + later.t, pieces=self.pieces + later.pieces)


def dips(profile: Profile, depth: float) -> list[int]:
    """Local minima inside a profile, by number: those that are ``depth`` times its climb below a hump on either side.

    The climb is the distance from the lowest to the largest loss of the profile. A hump counts as far as the next lower
    place: depths are prominences of peaks of −loss.
    """
    loss = profile.loss.numpy()
    climb = float(loss.max() - loss.min())
    return find_peaks(-loss, prominence=max(depth * climb, TINY))[0].tolist()


def below(profile: Profile) -> list[int]:
    """The lowest place inside a profile, by number, if it lies below both ends; else none."""
    loss = profile.loss
    i = int(loss.argmin())
    return [i] if float(loss[i]) < min(float(loss[0]), float(loss[-1])) else []


def descend_from(
    landscape: Landscape,
    minima: Float[Tensor, "n d"],
    curves: Sequence[Curve],
    recipe: Descents,
    checkpoint: Checkpoint | None = None,
    report: Callable[[str], None] | None = None,
) -> Found:
    """Descend from the dips of curves, or only from places below their ends, and cut the curves into pieces.

    ``minima`` are the known ones; the ends of ``curves`` are rows of it. Raises ValueError for ends that are no rows,
    and Diverged and Stopped as :func:`lossbars.optimise.polish.polish`.
    """
    for number, curve in enumerate(curves):
        if not all(0 <= end < len(minima) for end in curve.ends):
            raise ValueError(f"curve {number} joins {curve.ends}, and there are {len(minima)} minima, from 0 on")
    values = landscape.loss(minima).double()
    look = below if recipe.places == "lowest" else partial(dips, depth=recipe.depth)
    places = [(number, i) for number, curve in enumerate(curves) for i in look(curve.profile)]
    starts = [curves[number].at(curves[number].profile.t[[i], 0])[0] for number, i in places]
    start = torch.stack(starts).to(minima) if starts else minima[:0]
    ends = _polished(landscape, start, recipe, checkpoint, report)
    names = _Names(landscape, minima, values)
    stations: dict[int, list[tuple[int, int, float]]] = {}  # curve → place, minimum, largest loss from one to the other
    for row in ends["value"].argsort().tolist():  # the lowest first, so that others are found to be one with it
        number, i = places[row]
        way = _highest(landscape, start[row], ends["theta"][row])
        minimum, further = names.of(ends["theta"][row], float(ends["value"][row]), row)
        stations.setdefault(number, []).append((i, minimum, max(way, further)))
    rows = names.rows
    reached = [(curves[number], i) for number, i in (places[row] for row in rows)]
    return Found(
        **{name: ends[name][rows] for name in VECTORS},
        curve=tuple(curve.origin for curve, _ in reached),
        t=tuple(curve.t(i) for curve, i in reached),
        pieces=tuple(piece for number, on in stations.items() for piece in _pieces(curves[number], sorted(on))),
    )


def _polished(
    landscape: Landscape,
    start: Float[Tensor, "n d"],
    recipe: Descents,
    checkpoint: Checkpoint | None,
    report: Callable[[str], None] | None,
) -> State:
    """Where the descents end: a few at a time, each of which is a stage of the checkpoint."""
    stages = Stages(checkpoint)
    parts = []
    for number, rows in enumerate(start.split(TOGETHER) if len(start) else ()):

        def descend(saved: Checkpoint | None, rows: Tensor = rows) -> State:
            end = polish(landscape, rows, recipe.descent, [f"dip {i}" for i in range(len(rows))], saved, report)
            stopped = torch.tensor([REASONS.index(reason) for reason in end.stopped])
            return {name: getattr(end, name).cpu() for name in VECTORS[:-1]} | {"stopped": stopped}

        parts.append(stages.run(f"descents-{number}", descend))
    if not parts:
        none = torch.zeros(0, dtype=torch.float64)
        return dict.fromkeys(VECTORS, none) | {"theta": start, "passes": none.long(), "stopped": none.long()}
    ended = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    return ended | {"theta": ended["theta"].to(start.device)}


class _Names:
    """Minima by number: the known ones are the rows of ``minima``; others are numbered as they are found."""

    def __init__(self, landscape: Landscape, minima: Tensor, values: Tensor) -> None:
        self.landscape = landscape
        self.theta, self.values = minima, values
        self.rows: list[int] = []  # of the descents that found a new one

    def of(self, theta: Float[Tensor, " d"], value: float, row: int) -> tuple[int, float]:
        """The number of an end, and the largest loss on the segment to the minimum that it is."""
        nearest = int((self.theta - theta.to(self.theta)).norm(dim=1).argmin())
        level = value + ROUNDING * abs(value)
        if float(self.values[nearest]) <= level:
            highest = _highest(self.landscape, theta, self.theta[nearest])
            if highest <= level:
                return nearest, highest
        self.theta = torch.cat([self.theta, theta[None].to(self.theta)])
        self.values = torch.cat([self.values, self.values.new_tensor([value])])
        self.rows.append(row)
        return len(self.theta) - 1, value


def _highest(landscape: Landscape, one: Float[Tensor, " d"], other: Float[Tensor, " d"]) -> float:
    """The largest loss at places of a straight segment, its ends included, in the wider precision of the two."""
    wider = torch.promote_types(one.dtype, other.dtype)
    one, other = one.to(wider), other.to(wider)
    share = torch.linspace(0, 1, ALONG, dtype=one.dtype, device=one.device)[:, None]
    return float(landscape.loss(torch.lerp(one[None], other[None], share)).max())


def _pieces(curve: Curve, stations: list[tuple[int, int, float]]) -> Iterator[Piece]:
    """The parts of a curve between its ends and the stations on it, but for those that lead back to their beginning."""
    loss = curve.profile.loss
    on = [(0, curve.ends[0], -torch.inf), *stations, (len(loss) - 1, curve.ends[1], -torch.inf)]
    for (i, one, before), (j, other, after) in pairwise(on):
        if one != other:
            height = max(float(loss[i : j + 1].max()), before, after)
            low, high = (float(curve.profile.t[place, 0]) for place in (i, j))
            part = partial(_part, curve.at, low, high)
            yield Piece((one, other), height, curve.origin, (curve.t(i), curve.t(j)), part)


def _part(at: Callable[[Tensor], Tensor], low: float, high: float, share: Tensor) -> Tensor:
    return at(low + share * (high - low))
