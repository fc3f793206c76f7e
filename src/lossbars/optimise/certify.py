"""Certified saddles: from the highest places of curves to saddles of index 1, and from these down to minima.

A curve's maximum is an upper bound of the saddle between its ends. It is certified when a critical point with exactly
one negative eigenvalue is found from it that is not higher, and when both descents from there end in minima. Where a
descent ends in a minimum that was not given, that minimum is found. All of it is computed in float64.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.sparse.linalg import ArpackNoConvergence, eigsh
from torch import Tensor

from lossbars.hessian.critical_search import follow
from lossbars.hessian.derivatives import FLAT, RECORD, Batches, index, operator
from lossbars.hessian.krylov_search import follow_by_products
from lossbars.landscape import Landscape
from lossbars.optimise.certificates import DEFAULT, Certificate, Certified, Certifying, Failure
from lossbars.optimise.certified_descent import Descended, LossInBox, descend, newton

Box = Sequence[tuple[float, float]]

LOWEST = 4  # eigenvalues that a certificate keeps
FIRST, LARGEST = 0.05, 0.2  # radius of a climbing step, in distances of the top to the nearest minimum
STAGE = 25  # steps of a climb after which rows that have arrived are left alone
SHORT = 0.05  # longest step down, in the same distances
BESIDE = 0.01  # how far from the saddle a descent begins, in the same distances
ROUNDING = 1e-12  # relative, of values
FINER = 1e-3  # share of the tolerance that searches aim at
SAME_VALLEY = 0.1  # distance, in the same distances, up to which minima joined by a flat segment are one
ALONG = 33  # places on a segment where its highest value is looked for


def certify(
    landscape: Landscape,
    tops: Float[Tensor, "n d"],
    minima: Float[Tensor, "m d"],
    *,
    batches: Batches = RECORD,
    box: Box | None = None,
    settings: Certifying = DEFAULT,
    report: Callable[[str], None] | None = None,
) -> Certified:
    """Climb from each top to a saddle, examine it, and descend from it on both sides.

    ``tops`` are places near saddles, such as the maxima of curves between the m ≥ 1 given ``minima``. The function is
    the mean loss over all samples of ``batches``, which a network needs (its loss of record has no second derivatives),
    or the loss of record. With a ``box`` descents stay inside, and minima on its faces count; a saddle must lie inside.
    Each given minimum is followed down as well, so that an end is known by the minimum that both lead to. Raises
    ValueError where no minimum is given.
    """
    if not len(minima):
        raise ValueError("certify: at least one minimum is needed, for distances to be measured in")
    tops, given = tops.double(), minima.double()
    search = _Search(_objective(landscape, given, batches, box), settings, tops, given)
    saddles = search.saddles(report)
    if report:
        report(f"climbed from {len(tops)} tops")
    ends = search.descents(saddles)
    if report:
        report(f"descended from {len(tops)} saddles")
    return search.examined(saddles, ends)


def _objective(landscape: Landscape, like: Tensor, batches: Batches, box: Box | None) -> LossInBox:
    sides = like.new_tensor(box) if box is not None else like.new_tensor([[-torch.inf, torch.inf]] * like.shape[1])
    return LossInBox(landscape, sides[:, 0], sides[:, 1], batches)


@dataclass(frozen=True)
class _Saddles:
    """n critical points; those of tops that are minima are the tops themselves."""

    theta: Tensor
    value: Tensor
    gradient: Tensor  # norms
    index: Tensor
    lowest: Tensor  # eigenvalues (n, c)
    largest: Tensor  # largest absolute eigenvalue (n,)
    direction: Tensor  # unit eigenvectors of the lowest eigenvalue (n, d)


class _Search:
    """The stages of one call of :func:`certify`."""

    def __init__(self, objective: LossInBox, settings: Certifying, tops: Tensor, given: Tensor) -> None:
        self.objective, self.settings, self.tops, self.given = objective, settings, tops, given
        self.exact = tops.shape[1] <= settings.exact_up_to
        self.top_values = objective.value(tops)
        nearest = torch.cdist(tops, given).amin(1)
        self.at_minimum = nearest <= settings.same * max(_spread(tops, given), 1e-300)
        self.reach = torch.where(self.at_minimum, 1.0, nearest)

    # Saddles ---------------------------------------------------------------------------------

    def saddles(self, report: Callable[[str], None] | None) -> _Saddles:
        """Climb from the tops, as many together as memory allows."""
        parts = []
        for rows in torch.arange(len(self.tops)).split(self.objective.at_once(self.exact)):
            parts.append(self._climbed(rows))
            if report:
                report(f"climbing: {int(rows[-1]) + 1}/{len(self.tops)} tops")
        if not parts:
            parts = [self._climbed(torch.arange(0))]
        return _Saddles(*(torch.cat([getattr(p, name) for p in parts]) for name in _Saddles.__dataclass_fields__))

    def _climbed(self, rows: Tensor) -> _Saddles:
        start, reach = self.tops[rows], self.reach[rows]
        still = self.at_minimum[rows]
        objective, settings = self.objective, self.settings
        if self.exact:
            theta = self._followed(start, still, reach)
            eigenvalues, vectors = torch.linalg.eigh(_bare(objective, theta))
            lowest, largest, direction = eigenvalues[:, :LOWEST], eigenvalues.abs().amax(1), vectors[:, :, 0]
            negative = index(eigenvalues)
        else:
            enough = FINER * settings.tolerance * reach * _scale_of(objective, start)
            ritz = follow_by_products(
                objective.landscape,
                start,
                1,
                settings.climb_steps,
                size=settings.products,
                first=FIRST * reach,
                largest=LARGEST * reach,
                enough=enough,
                batches=objective.batches,
            )
            theta = torch.where(still.unsqueeze(1), start, ritz.theta)
            lowest, largest, direction, negative = _spectra(objective, theta, ritz.lowest)
        value, gradient = objective.value_and_gradient(theta)
        norms = torch.linalg.vector_norm(gradient, dim=1)
        return _Saddles(theta, value, norms, negative, lowest, largest, direction)

    def _followed(self, theta: Tensor, still: Tensor, reach: Tensor) -> Tensor:
        """Climb by whole Hessians, without the rows that have arrived."""
        landscape, batches = self.objective.landscape, self.objective.batches
        enough = FINER * self.settings.tolerance * _curvature(self.objective, theta) * reach
        theta, going = theta.clone(), ~still
        for _ in range(-(-self.settings.climb_steps // STAGE)):
            rows = going.nonzero().flatten()
            if not len(rows):
                break
            found = follow(
                landscape,
                theta[rows],
                torch.ones(len(rows), dtype=torch.long),
                STAGE,
                batches=batches,
                first=FIRST * reach[rows],
                largest=LARGEST * reach[rows],
                enough=enough[rows],
            )
            theta[rows] = found.theta
            going[rows] = found.gradient > enough[rows]
        return theta

    # Descents --------------------------------------------------------------------------------

    def descents(self, saddles: _Saddles) -> Descended:
        """From both sides of each saddle: rows 0 to n − 1 on one, n to 2n − 1 on the other; then from given minima."""
        n = len(self.tops)
        level = saddles.value + ROUNDING * saddles.value.abs().clamp_min(1.0)
        beside = BESIDE * self.reach
        for _ in range(4):  # nearer, where the curvature turns so soon that the start lies above the saddle
            pair = [saddles.theta + sign * beside.unsqueeze(1) * saddles.direction for sign in (-1, 1)]
            above = torch.maximum(*(self.objective.value(side) for side in pair)) > level
            beside = torch.where(above, beside / 10, beside)
        spread = torch.full((len(self.given),), _spread(self.tops, self.given), dtype=self.tops.dtype)
        start = self.objective.inside(torch.cat([*pair, self.given]))
        longest = SHORT * torch.cat([self.reach, self.reach, spread])
        given_values = self.objective.value(self.given)
        ceiling = torch.cat([level, level, given_values + ROUNDING * given_values.abs().clamp_min(1.0)])
        scale = self.scale(saddles)
        typical = scale.median().expand(len(self.given)) if n else torch.ones_like(spread)
        enough = FINER * self.settings.tolerance * torch.cat([scale, scale, typical])
        parts = [self._down(rows, start, longest, ceiling, enough) for rows in self._pieces(len(start))]
        return Descended(*(torch.cat([getattr(p, name) for p in parts]) for name in Descended.__dataclass_fields__))

    def _pieces(self, count: int) -> tuple[Tensor, ...]:
        return torch.arange(count).split(self.objective.at_once(self.exact))

    def _down(self, rows: Tensor, start: Tensor, longest: Tensor, ceiling: Tensor, enough: Tensor) -> Descended:
        steps, limits = self.settings.descent_steps, (longest[rows], ceiling[rows], enough[rows])
        ended = descend(self.objective, start[rows], *limits, steps)
        if not self.exact:
            return ended
        theta = newton(self.objective, ended.theta, longest[rows])
        lower = self.objective.value(theta) <= ended.value + ROUNDING * ended.value.abs().clamp_min(1.0)
        theta = torch.where(lower.unsqueeze(1), theta, ended.theta)
        value, gradient = self.objective.value_and_gradient(theta)
        return Descended(theta, value, torch.linalg.vector_norm(gradient, dim=1))

    def scale(self, saddles: _Saddles) -> Float[Tensor, " n"]:
        """What gradients are compared with."""
        return saddles.largest * self.reach

    def _settled(self, ends: Descended, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Which ends are minima (small gradients, no negative eigenvalue), and which of these have a flat direction."""
        small = ends.gradient <= self.settings.tolerance * scale
        settled, flat = torch.zeros_like(small), torch.zeros_like(small)
        for rows in small.nonzero().flatten().split(self.objective.at_once(self.exact)):
            if self.exact:
                matrix = self.objective.hessian(ends.theta[rows])
                held = (matrix == 0).all(2).sum(1)
                eigenvalues = torch.linalg.eigvalsh(matrix)
                negative, positive = index(eigenvalues), index(-eigenvalues)
                flat[rows] = positive + held < matrix.shape[1]
            else:
                lowest, largest, _, negative = _spectra(
                    self.objective, ends.theta[rows], torch.ones_like(ends.theta[rows])
                )
                flat[rows] = lowest[:, 0] <= FLAT * largest
            settled[rows] = negative == 0
        return settled, flat

    # Certificates ----------------------------------------------------------------------------

    def examined(self, saddles: _Saddles, ends: Descended) -> Certified:
        """Name the ends, and state of each saddle what it fails."""
        n, m = len(self.tops), len(self.given)
        scale = self.scale(saddles)
        typical = scale.median().expand(m) if n else torch.ones(m, dtype=self.tops.dtype)
        settled, flat = self._settled(ends, torch.cat([scale, scale, typical]))
        settled[2 * n :] = True  # wherever a descent from a given minimum ends, that is its name
        names = _Names(self.objective, self.settings, ends.theta[2 * n :], ends.value[2 * n :])
        certificates = []
        for i in range(n):
            failures = self._failures(i, saddles, float(scale[i]))
            pair = None
            if not failures and bool(settled[i] & settled[n + i]):
                one, other = (names.of(ends, row, float(self.reach[i]), i, bool(flat[row])) for row in (i, n + i))
                if one is None or other is None:
                    failures.append("flat end")
                else:
                    pair = (min(one, other), max(one, other))
            elif not failures:
                failures.append("descent")
            failures += self._above(i, saddles, pair, names)
            certificates.append(self._certificate(i, saddles, float(scale[i]), pair, failures))
        found = names.values[m:]
        places = torch.cat([self.given, names.places[m:]])
        values = torch.cat([self.objective.value(self.given), found])
        return Certified(tuple(certificates), places, values, m, tuple(names.found_by))

    def _failures(self, i: int, saddles: _Saddles, scale: float) -> list[Failure]:
        if self.at_minimum[i]:
            return ["at a minimum"]
        failures: list[Failure] = []
        theta = saddles.theta[i]
        if bool(((theta < self.objective.low) | (theta > self.objective.high)).any()):
            failures.append("outside the box")
        if not float(saddles.gradient[i]) <= self.settings.tolerance * scale:
            failures.append("gradient")
        if int(saddles.index[i]) != 1:
            failures.append("index")
        return failures

    def _above(self, i: int, saddles: _Saddles, pair: tuple[int, int] | None, names: "_Names") -> list[Failure]:
        if self.at_minimum[i]:
            return []
        value, top = float(saddles.value[i]), float(self.top_values[i])
        floor = max(float(names.values[end]) for end in pair) if pair else value
        allowed = ROUNDING * max(1.0, abs(top)) + self.settings.slack * max(0.0, value - floor)
        return ["above its top"] if not value <= top + allowed else []

    def _certificate(
        self, i: int, saddles: _Saddles, scale: float, pair: tuple[int, int] | None, failures: list[Failure]
    ) -> Certificate:
        theta = saddles.theta[i]
        return Certificate(
            saddle=theta,
            value=float(saddles.value[i]),
            gradient=float(saddles.gradient[i]),
            scale=scale,
            index=int(saddles.index[i]),
            eigenvalues=tuple(saddles.lowest[i].tolist()),
            top=float(self.top_values[i]),
            approach=_highest(self.objective, self.tops[i], theta),
            ends=pair,
            failures=tuple(failures),
        )


class _Names:
    """Minima by number: where the descents from the given ones end, then others as they are found."""

    def __init__(self, objective: LossInBox, settings: Certifying, places: Tensor, values: Tensor) -> None:
        self.objective, self.settings = objective, settings
        self.places, self.values = places, values
        self.found_by: list[int] = []

    def of(self, ends: Descended, row: int, reach: float, top: int, flat: bool) -> int | None:
        """The number of an end: of the nearest minimum where the two are one; else a new one, None where it is flat."""
        place, value = ends.theta[row], ends.value[row]
        distance = torch.linalg.vector_norm(self.places - place, dim=1)
        nearest = int(distance.argmin())
        close = float(distance[nearest])
        if close <= self.settings.same * reach or (
            close <= SAME_VALLEY * reach and self._one_valley(place, float(value), nearest)
        ):
            return nearest
        if flat:
            return None
        self.places = torch.cat([self.places, place.unsqueeze(0)])
        self.values = torch.cat([self.values, value.unsqueeze(0)])
        self.found_by.append(top)
        return len(self.places) - 1

    def _one_valley(self, place: Tensor, value: float, number: int) -> bool:
        """Whether the segment between the two is nowhere higher than its ends, but for rounding."""
        level = max(value, float(self.values[number]))
        return _highest(self.objective, place, self.places[number]) <= level + ROUNDING * max(1.0, abs(level))


def _highest(objective: LossInBox, one: Float[Tensor, " d"], other: Float[Tensor, " d"]) -> float:
    """The largest value at places of a straight segment."""
    share = torch.linspace(0, 1, ALONG, dtype=one.dtype, device=one.device).unsqueeze(1)
    return float(objective.value(torch.lerp(one.unsqueeze(0), other.unsqueeze(0), share)).max())


def _spread(tops: Tensor, given: Tensor) -> float:
    """The distance between the farthest given minima, of a single one to the farthest top."""
    between = torch.cdist(given, given) if len(given) > 1 else torch.cdist(tops, given)
    return float(between.max()) if between.numel() and float(between.max()) > 0 else 1.0


def _bare(objective: LossInBox, theta: Tensor) -> Float[Tensor, "n d d"]:
    """Hessians with all coordinates: a saddle lies inside the box."""
    free = torch.full_like(objective.low, torch.inf)
    return LossInBox(objective.landscape, -free, free, objective.batches).hessian(theta)


def _curvature(objective: LossInBox, theta: Tensor) -> Float[Tensor, " n"]:
    """The largest absolute eigenvalue of each row's Hessian."""
    return torch.linalg.eigvalsh(_bare(objective, theta)).abs().amax(1)


def _scale_of(objective: LossInBox, theta: Tensor) -> Float[Tensor, " n"]:
    """As :func:`_curvature`, by products."""
    return _spectra(objective, theta, torch.ones_like(theta), lowest=1)[1]


def _spectra(
    objective: LossInBox, theta: Tensor, start: Tensor, lowest: int = LOWEST
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Lowest eigenvalues, largest modulus, lowest eigenvector and index of each row, by ARPACK."""
    low, large, direction = [], [], []
    for place, vector in zip(theta, start, strict=True):
        matrix = operator(objective.landscape, place, objective.batches)
        count = min(lowest, len(place) - 1)
        (largest,) = eigsh(matrix, k=1, which="LM", v0=vector.cpu().numpy(), tol=1e-2, return_eigenvectors=False)
        try:
            values, vectors = eigsh(matrix, k=count, which="SA", v0=vector.cpu().numpy(), tol=1e-6)
        except ArpackNoConvergence as error:  # what did converge; NaN for the rest
            values = np.append(error.eigenvalues, np.full(count - len(error.eigenvalues), np.nan))
            vectors = error.eigenvectors if error.eigenvectors.size else vector.cpu().numpy()[:, None]
        order = values.argsort()
        low.append(values[order])
        large.append(abs(float(largest)))
        direction.append(vectors[:, order[0]] if vectors.shape[1] > order[0] else vectors[:, 0])
    values = theta.new_tensor(np.array(low).reshape(len(theta), -1))
    modulus = theta.new_tensor(large)
    spectrum = torch.cat([values, modulus.unsqueeze(1)], dim=1)
    return values, modulus, theta.new_tensor(np.array(direction).reshape(theta.shape)), index(spectrum)
