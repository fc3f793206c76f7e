"""Critical points of a function near sampled vertices: Newton's method where it is smooth, finer grids where it is not.

Places are measured in spacings of the sample, so that steps and distances mean the same along every axis. A coordinate
on a face of the box that would leave it downhill is held there: minima and saddles on faces count, as they do in a
sample (Barannikov et al. 2020, Barcodes as summary, appendix 6.1).
"""

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lossbars.landscape import Landscape
from lossbars.sublevel.basins import Basins
from lossbars.sublevel.regular_grid import grid_neighbours
from lossbars.sublevel.samples import raw_values

NEWTON = 40  # steps
LONGEST = 1.0  # step, in spacings
STILL = 1e-8  # gradient over largest curvature, in spacings, from which a point is critical
SMOOTH = 0.5  # share of the curvature by which a probe may differ from the quadratic
PROBE = 0.1  # distance of that probe, in spacings
FLAT = 1e-10  # curvatures over the largest one from which they count as 0
CORNERS_UP_TO = 4  # dimensions in which edges to the corners of a cell are looked at
WINDOW = 3.0  # half of the first window around a saddle, in spacings
SIDES = {1: 33, 2: 25, 3: 13, 4: 7}  # points along a side of a window; 5 in more dimensions
ROUNDS = 60  # windows
FINEST = 1e-9  # spacing of the last window, in spacings
TINY = float(np.finfo(np.float64).tiny)
AT_ONCE = 2**18  # points of windows that are evaluated together


@dataclass(frozen=True)
class Frame:
    """A landscape on a box, in spacings (D,) of a sample."""

    landscape: Landscape
    box: np.ndarray
    spacing: np.ndarray

    def values(self, places: np.ndarray) -> np.ndarray:
        """Values (n,) at places (n, D); inf where the function is NaN, which is outside of all sublevel sets."""
        parts = [raw_values(self.landscape, places[i : i + AT_ONCE].copy()) for i in range(0, len(places), AT_ONCE)]
        values = np.concatenate(parts) if parts else np.empty(0)
        return np.where(np.isnan(values), np.inf, values)

    def inside(self, places: np.ndarray) -> np.ndarray:
        """The nearest places in the box."""
        return np.clip(places, self.box[:, 0], self.box[:, 1])

    def distance(self, places: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Largest distance (n,) along an axis, in spacings."""
        return (np.abs(places - others) / self.spacing).max(1)

    def steepest_edges(self, places: np.ndarray) -> np.ndarray:
        """Largest difference of values (n,) to the ends and middles of edges: by how much a sampled value may be off.

        Middles, since on both sides of a kink the ends may be as high as the place itself.
        Up to four dimensions these are the points around a point of a grid, corners too; in more those on the axes.
        """
        dim = len(self.spacing)
        if dim <= CORNERS_UP_TO:
            steps = [np.array(step, float) for step in itertools.product((-1, 0, 1), repeat=dim) if any(step)]
        else:
            steps = [sign * axis for axis in np.eye(dim) for sign in (-1.0, 1.0)]
        own = self.values(places)
        edges = np.zeros(len(places))
        for share, step in itertools.product((0.5, 1.0), steps):
            beside = self.inside(places + share * step * self.spacing)
            values = self.values(beside)
            edges = np.maximum(edges, np.abs(np.where(values < np.inf, values, own) - own))  # walls are no vertices
        return edges


@dataclass(frozen=True)
class Critical:
    """Where n searches ended."""

    places: np.ndarray  # (n, D)
    values: np.ndarray  # (n,)
    gradient: np.ndarray  # (n,) norm over the coordinates that no face holds
    index: np.ndarray  # (n,) negative curvatures
    error: np.ndarray  # (n,) estimate of the value's
    converged: np.ndarray  # (n,) bool: a smooth critical point with no flat direction


# Newton's method ---------------------------------------------------------------------------------


def newton(frame: Frame, places: np.ndarray, index: int) -> Critical:
    """Towards critical points with ``index`` negative curvatures: up along as many directions, down along others."""
    theta = torch.from_numpy(places.copy())
    spacing = torch.from_numpy(frame.spacing)
    low, high = torch.from_numpy(frame.box.copy()).unbind(1)
    for _ in range(NEWTON):
        gradient, curvature, axes = _derivatives(frame.landscape, theta, spacing, low, high)
        largest = curvature.abs().amax(1, keepdim=True)
        size = torch.maximum(curvature.abs(), FLAT * largest + TINY)
        along = (axes.mT @ gradient.unsqueeze(2)).squeeze(2) / size
        along[:, :index] *= -1
        step = -(axes @ along.unsqueeze(2)).squeeze(2)
        length = torch.linalg.vector_norm(step, dim=1, keepdim=True)
        step = step * (LONGEST / length.clamp_min(TINY)).clamp_max(1.0)
        step = torch.where(step.isfinite().all(1, keepdim=True), step, 0.0)
        following = torch.minimum(torch.maximum(theta + step * spacing, low), high)
        if bool((following == theta).all()):
            break
        theta = following
    return _examined(frame, theta, *_derivatives(frame.landscape, theta, spacing, low, high))


def _derivatives(
    landscape: Landscape, theta: Tensor, spacing: Tensor, low: Tensor, high: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradient, curvatures (ascending) and their axes, per spacing, without held coordinates; these come last."""
    gradient, matrix = _first_and_second(landscape, theta)
    gradient, matrix = gradient * spacing, matrix * spacing * spacing[:, None]
    finite = gradient.isfinite().all(1) & matrix.isfinite().flatten(1).all(1)
    gradient = torch.where(finite[:, None], gradient, torch.inf)
    matrix = torch.where(finite[:, None, None], (matrix + matrix.mT) / 2, 0.0)
    held = ((theta <= low) & (gradient > 0)) | ((theta >= high) & (gradient < 0))
    gradient = gradient.masked_fill(held, 0.0)
    matrix = matrix.masked_fill(held.unsqueeze(1) | held.unsqueeze(2), 0.0)
    last = 2 * matrix.abs().sum((1, 2)) + 1e-300
    curvature, axes = torch.linalg.eigh(matrix + torch.diag_embed(torch.where(held, last.unsqueeze(1), 0.0)))
    return gradient, curvature, axes


def _first_and_second(landscape: Landscape, theta: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients (n, D) and Hessians (n, D, D); NaN where the landscape cannot be differentiated."""
    place = theta.detach().to(getattr(landscape, "device", theta.device)).requires_grad_()
    with torch.enable_grad():
        loss = landscape.loss(place).double().sum()
        if not loss.requires_grad:
            return torch.full_like(theta, torch.nan), theta.new_zeros(*theta.shape, theta.shape[1])
        (slope,) = torch.autograd.grad(loss, place, create_graph=True)
        rows = [_row(slope[:, i], place) for i in range(theta.shape[1])]
    return slope.detach().to(theta), torch.stack(rows, dim=1).to(theta)


def _row(slope: Tensor, place: Tensor) -> Tensor:
    """Derivatives of one coordinate of every row's gradient; 0 where the function is linear."""
    if not slope.requires_grad:
        return torch.zeros_like(place)
    (row,) = torch.autograd.grad(slope.sum(), place, retain_graph=True, allow_unused=True)
    return torch.zeros_like(place) if row is None else row.detach()


def _examined(frame: Frame, theta: Tensor, gradient: Tensor, curvature: Tensor, axes: Tensor) -> Critical:
    places = theta.detach().numpy().copy()
    values = frame.values(places)
    largest = curvature.abs().amax(1)
    along = (axes.mT @ gradient.unsqueeze(2)).squeeze(2)
    definite = (curvature.abs() > FLAT * largest.unsqueeze(1)).all(1) & (largest > 0)
    still = (gradient.abs().amax(1) <= STILL * largest) & definite
    error = (along.square() / curvature.abs().clamp_min(1e-300)).sum(1) / 2
    rounding = 16 * np.finfo(np.float64).eps * np.maximum(np.abs(values), 1e-300)
    converged = still.numpy() & _smooth(frame, places, values, curvature, axes)
    norm = torch.linalg.vector_norm(gradient / torch.from_numpy(frame.spacing), dim=1).numpy()
    return Critical(places, values, norm, (curvature < 0).sum(1).numpy(), error.numpy() + rounding, converged)


def _smooth(frame: Frame, places: np.ndarray, values: np.ndarray, curvature: Tensor, axes: Tensor) -> np.ndarray:
    """Whether values on both sides along the axis of largest curvature are those of the quadratic: not so at a kink."""
    row = np.arange(len(places))
    strongest = curvature.abs().argmax(1).numpy()
    direction = axes.numpy()[row, :, strongest]
    wanted = curvature.numpy()[row, strongest] * PROBE**2
    beside = [frame.inside(places + sign * PROBE * direction * frame.spacing) for sign in (-1, 1)]
    bent = np.nan_to_num(sum(frame.values(place) for place in beside) - 2 * np.minimum(values, 1e300), posinf=1e300)
    on_face = frame.distance(beside[0], places) + frame.distance(beside[1], places) < 1.9 * PROBE * np.abs(
        direction
    ).max(1)
    rounding = 64 * np.finfo(np.float64).eps * np.abs(values)
    return on_face | (np.abs(bent - wanted) <= SMOOTH * np.abs(wanted) + rounding)


# Finer grids -------------------------------------------------------------------------------------


def zoom_to_minima(frame: Frame, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places, values and largest differences to the points around, of the lowest points of ever finer grids.

    The grid of each row begins with one spacing to every side, moves to its lowest point, and is halved where that does
    not lie on its edge. It needs no derivative.
    """
    n, dim = places.shape
    axis = np.linspace(-1, 1, 9 if dim <= 2 else 5 if dim <= CORNERS_UP_TO else 3)
    steps = np.stack(np.meshgrid(*[axis] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
    on_edge = (np.abs(steps) == 1).any(1)
    centre, width = places.copy(), np.ones(n)
    lowest = frame.values(centre)
    spread = np.full(n, np.inf)
    for _ in range(2 * ROUNDS):
        going = np.flatnonzero(width > FINEST)
        if not len(going):
            break
        around = centre[going, None] + width[going, None, None] * steps * frame.spacing
        around = frame.inside(around.reshape(-1, dim)).reshape(len(going), len(steps), dim)
        values = frame.values(around.reshape(-1, dim)).reshape(len(going), len(steps))
        best = values.argmin(1)
        row = np.arange(len(going))
        lower = values[row, best] < lowest[going]
        centre[going[lower]] = around[row, best][lower]
        lowest[going[lower]] = values[row, best][lower]
        spread[going] = values.max(1) - lowest[going]
        width[going[~(lower & on_edge[best])]] /= 2
    return centre, lowest, spread


def zoom_to_saddle(frame: Frame, place: np.ndarray) -> tuple[np.ndarray, float, float] | None:
    """Place, value and steepest edge of the saddle of ever finer grids around a sampled saddle (D,); None: none there.

    In each window the saddle is the point at which the two deepest parts of its own sublevel sets meet.
    """
    dim = len(place)
    side = SIDES.get(dim, 5)
    shape = (side,) * dim
    neighbours = grid_neighbours(shape, 0, side**dim)
    starts = np.array([neighbours.shape[1]])
    axis = np.linspace(-1, 1, side)
    steps = np.stack(np.meshgrid(*[axis] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
    shrink = 1 / 3 if dim <= 2 else 0.6
    width, found = WINDOW, None
    for _ in range(ROUNDS):
        window = frame.inside(place + width * steps * frame.spacing)
        values = frame.values(window)
        basins = Basins(values)
        basins.add(0, len(values), starts, neighbours.ravel())
        pairs = basins.pairs()
        ended = pairs.saddles >= 0
        lengths = values[pairs.saddles[ended]] - values[pairs.minima[ended]]
        if not len(lengths) or lengths.max() <= 0:
            break
        saddle = int(pairs.saddles[ended][lengths.argmax()])
        beside = neighbours[saddle][neighbours[saddle] >= 0]
        back = np.nonzero(neighbours == saddle)[0]
        edge = float(np.abs(values[np.concatenate([beside, back])] - values[saddle]).max())
        place = window[saddle]
        found = (place, float(values[saddle]), edge)
        width *= shrink
        if 2 * width / (side - 1) < FINEST:
            break
    return found
