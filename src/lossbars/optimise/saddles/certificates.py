"""What certified saddles say of a complex of minima and curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from lossbars.barcodes.complex import FilteredComplex, Simplex

Failure = Literal["at a minimum", "outside the box", "gradient", "index", "above its top", "descent", "flat end"]


@dataclass(frozen=True)
class Certifying:
    """How saddles are searched and what passes.

    ``tolerance`` is the gradient's norm over its scale: the largest absolute eigenvalue at the saddle, times the
    distance from the top to the nearest given minimum. ``slack`` is by how much a saddle may exceed the top, as a share
    of its height above the higher given minimum at its ends: the highest of measured places misses a curve's maximum.
    ``same`` is the distance up to which minima are one, in distances of the top to the nearest minimum. Hessians of up
    to ``exact_up_to`` parameters are whole matrices; those of more are known by ``products`` H v a step.
    """

    tolerance: float = 1e-8
    slack: float = 1e-5
    same: float = 1e-3
    climb_steps: int = 200
    descent_steps: int = 3000
    exact_up_to: int = 400
    products: int = 60


DEFAULT = Certifying()


@dataclass(frozen=True)
class Certificate:
    """What is known of the critical point that the search from one top ended at. It passes if nothing fails.

    A ``flat end`` is a descent that ends at none of the known minima, at a place with a flat direction: it may lie in
    the same set of minima as one of them, so it is no new minimum.
    """

    saddle: Float[Tensor, " d"]  # float64
    value: float
    gradient: float  # norm
    scale: float  # what the gradient is compared with, a gradient too
    index: int  # number of negative eigenvalues
    eigenvalues: tuple[float, ...]  # the lowest, ascending
    top: float  # value where the search began
    approach: float  # highest value on the straight segment from the top to the saddle
    ends: tuple[int, int] | None  # minima at which the descents end, ascending; None where one does not end in any
    failures: tuple[Failure, ...]

    @property
    def passes(self) -> bool:
        """Whether all conditions hold."""
        return not self.failures

    @property
    def separates(self) -> bool:
        """Whether it passes, and the descents end in two different minima."""
        return self.passes and self.ends is not None and self.ends[0] != self.ends[1]


@dataclass(frozen=True)
class Certified:
    """A certificate for each top, and all minima: those given, as they were given, then those found.

    ``found_by`` names, for each found minimum, the top from whose saddle a descent ended in it first.
    """

    certificates: tuple[Certificate, ...]
    minima: Float[Tensor, "k d"]
    values: Float[Tensor, " k"]
    given: int
    found_by: tuple[int, ...]


@dataclass(frozen=True)
class ClosedComplex:
    """A complex to which certified saddles and the minima found from them have been added.

    Vertices are numbered as in :class:`Certified`. ``certificates`` names, for each edge whose value is a certified
    saddle, the number of its top; ``curves`` names, for each other edge, the curve whose maximum its value is.
    """

    complex: FilteredComplex
    certificates: Mapping[Simplex, int]
    curves: Mapping[Simplex, int]
    given: int  # minima of ``complex`` that were given, the first ones


def closed_complex(curves: Sequence[Simplex], heights: Sequence[float], certified: Certified) -> ClosedComplex:
    """Of c curves between given minima, with their maxima, whose highest places were the c tops.

    A curve joins its two minima at its maximum. A saddle that passes joins the two minima at which its descents end, at
    its own value; and each of these to the curve's minima no higher than where one goes from the curve's top straight
    to the saddle. A minimum found from a saddle that does not pass is left out: nothing says how it is joined. Raises
    ValueError where there are not as many curves as certificates.
    """
    if not len(curves) == len(heights) == len(certified.certificates):
        raise ValueError(f"{len(curves)} curves, {len(heights)} maxima and {len(certified.certificates)} certificates")
    edges: dict[Simplex, tuple[float, bool, int]] = {}  # value, whether it is that of a curve, number

    def join(one: int, other: int, value: float, of_curve: bool, number: int) -> None:
        if one != other:
            edge = (min(one, other), max(one, other))
            known = (value, of_curve, number)
            edges[edge] = min(known, edges.get(edge, known))

    for i, ((p, q), height, certificate) in enumerate(zip(curves, heights, certified.certificates, strict=True)):
        if certificate.passes:
            height = max(height, certificate.value)  # the highest of measured places misses the curve's maximum
        join(p, q, height, True, i)
        if certificate.passes and certificate.ends:
            a, b = certificate.ends
            join(a, b, certificate.value, False, i)
            join(p, a, max(height, certificate.approach), True, i)
    joined = {i for edge in edges for i in edge}.union(range(certified.given))
    values: dict[Simplex, float] = {(i,): v for i, v in enumerate(certified.values.tolist()) if i in joined}
    values |= {edge: value for edge, (value, _, _) in edges.items()}
    numbers = [{edge: i for edge, (_, kind, i) in edges.items() if kind is of_curve} for of_curve in (False, True)]
    return ClosedComplex(FilteredComplex.of(values), numbers[0], numbers[1], certified.given)


def among_given(complex_: FilteredComplex, given: int) -> tuple[FilteredComplex, Mapping[Simplex, Simplex]]:
    """The complex whose minima are the first ``given`` ones, the others being stations on the way between them.

    Its edges are those at which two parts of the complex meet that each have a given minimum, named by the lowest given
    minimum of each part. Returns also the edge of ``complex_`` that each of them is. Raises ValueError where a given
    minimum is not in ``complex_``.
    """
    minima = complex_.minima
    if given < 1 or not minima.keys() >= set(range(given)):
        raise ValueError(f"given: minima 0 to {given - 1} are not all in the complex")
    part = {i: i for i in minima}
    lowest: dict[int, int | None] = {i: i if i < given else None for i in minima}

    def root(i: int) -> int:
        while part[i] != i:
            i = part[i]
        return i

    values: dict[Simplex, float] = {(i,): minima[i] for i in range(given)}
    edges: dict[Simplex, Simplex] = {}
    ordered = sorted((value, edge) for edge, value in complex_.values.items() if len(edge) == 2)
    for value, edge in ordered:
        one, other = root(edge[0]), root(edge[1])
        if one == other:
            continue
        ends = [end for end in (lowest[one], lowest[other]) if end is not None]
        if len(ends) == 2:
            joined = (min(ends), max(ends))
            values[joined], edges[joined] = value, edge
        part[other] = one
        lowest[one] = min(ends, key=lambda i: (minima[i], i), default=None)
    return FilteredComplex.of(values), edges
