"""Curves that are split at their dips, and pieces that are optimised again, until every piece has one hump.

A curve that passes through a valley is held up by the humps on both sides of it, so that its maximum says little of
either saddle. Each dip relaxes to a minimum (:mod:`lossbars.optimise.dips`); the pieces between the minima are
optimised as curves, may dip again, and so on. All of it gives upper bounds; a piece that does not come down in its
optimisation is kept as it was.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.landscape import Landscape
from lossbars.optimise.descent import Checkpoint
from lossbars.optimise.dips import ROUNDING, Curve, Found, Piece, descend_from
from lossbars.optimise.settle import settle
from lossbars.optimise.stages import Stages
from lossbars.recipes import Descents, Grid, Settle
from lossbars.simplices import Bezier
from lossbars.simplices.simplex import Simplices

FAMILY = Bezier(3)  # of pieces that are optimised
INSIDE = 9  # places of a piece, beside its ends, to which that curve is fitted
GRID = Grid(points=31, refinements=6)  # where the new curves are measured


def split(
    landscape: Landscape,
    minima: Float[Tensor, "n d"],
    curves: Sequence[Curve],
    recipe: Descents,
    checkpoint: Checkpoint | None = None,
    report: Callable[[str], None] | None = None,
) -> Found:
    """Descend from dips, and for ``recipe.rounds`` − 1 rounds optimise the pieces that climb and descend again.

    As :func:`lossbars.optimise.dips.descend_from`, whose arguments and errors it has. Of pieces between two minima only
    the lowest is optimised, as a Bezier curve that is fitted to it; pieces that do not rise above their higher end are
    at their saddle, which is that end.
    """
    stages = Stages(checkpoint)
    found = descend_from(landscape, minima, curves, recipe, stages.part("descents-0"), report)
    latest = found.pieces
    for number in range(1, recipe.rounds):
        known = torch.cat([minima, found.theta.to(minima)])
        climbing = _climbing(latest, landscape.loss(known).tolist())
        if not climbing:
            break
        again, pieces = _optimised(landscape, known, climbing, recipe.settling, stages.part(f"pieces-{number}"), report)
        later = descend_from(landscape, known, again, recipe, stages.part(f"descents-{number}"), report)
        latest = (*pieces, *later.pieces)
        found = found.and_then(replace(later, pieces=latest))
    return found


def _climbing(pieces: Iterable[Piece], values: Sequence[float]) -> list[Piece]:
    """The lowest piece of each pair, if it rises above its higher end."""
    lowest: dict[tuple[int, ...], Piece] = {}
    for piece in pieces:
        pair = tuple(sorted(piece.ends))
        if pair not in lowest or piece.height < lowest[pair].height:
            lowest[pair] = piece
    higher = {pair: max(values[end] for end in pair) for pair in lowest}
    return [piece for pair, piece in lowest.items() if piece.height > higher[pair] + ROUNDING * abs(higher[pair])]


def _optimised(
    landscape: Landscape,
    minima: Float[Tensor, "n d"],
    pieces: Sequence[Piece],
    recipe: Settle,
    checkpoint: Checkpoint | None,
    report: Callable[[str], None] | None,
) -> tuple[list[Curve], list[Piece]]:
    """Curves that pieces become, and these curves as pieces; of those that rose, the piece stays all there is."""
    start = Simplices(FAMILY, torch.stack([_fitted(piece, minima) for piece in pieces]))
    names = [f"piece {piece.ends[0]}+{piece.ends[1]}" for piece in pieces]
    end = settle(landscape, start, recipe, GRID, names, checkpoint, report)
    curves, lower = [], []
    for i, piece in enumerate(pieces):
        profile, residue = end.profiles[i], float(end.residue[i])
        if profile.value < piece.height:
            at = partial(_places, end.simplices.nodes[i])
            curves.append(Curve(piece.ends, profile, at, piece.curve, piece.span))
            lower.append(Piece(piece.ends, profile.value, piece.curve, piece.span, at, residue))
    return curves, lower


def _places(nodes: Float[Tensor, "k d"], t: Float[Tensor, " m"]) -> Float[Tensor, "m d"]:
    return Simplices(FAMILY, nodes[None]).at(t[None, :, None])[0]


def _fitted(piece: Piece, minima: Float[Tensor, "n d"]) -> Float[Tensor, "k d"]:
    """Control points of the curve between a piece's minima that is nearest to it at equal shares of t."""
    share = torch.linspace(0, 1, INSIDE + 2, dtype=torch.float64)[1:-1]
    weights = FAMILY.blend(share[:, None]).to(minima)
    ends = minima[list(piece.ends)]
    free = list(FAMILY.free)
    held = [i for i in range(FAMILY.size) if i not in free]
    away = piece.at(share.to(minima)).to(minima) - weights[:, held] @ ends
    nodes = minima.new_empty(FAMILY.size, minima.shape[1])
    nodes[held], nodes[free] = ends, torch.linalg.lstsq(weights[:, free], away).solution
    return nodes
