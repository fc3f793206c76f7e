"""Recipes of what brings minima and curves to convergence after their training, and of what looks at them then."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt

from lossbars.recipes.base import Amount, Rate, Recipe, Share


class Polish(Recipe):
    """How trained minima are brought to convergence on the objective: quasi-Newton, on the whole training set.

    A pass is one gradient of the objective over the whole training set.
    """

    passes: PositiveInt = 3000  # most, for each minimum
    precision: Literal["float32", "float64"] = "float64"  # of θ and its gradients
    gradient: Rate | None = None  # norm at which a minimum has converged; None: 1e-8 in float64, 1e-5 in float32
    fall: Amount = 1e-8  # as a share of the objective: a fall over the last doubling of passes that is the end; 0: none
    history: PositiveInt = 100  # pairs of L-BFGS; each is 2 d numbers for each minimum
    preconditioner: Literal["auto", "none", "kfac"] = "auto"  # kfac: inverse K-FAC matrix; auto: where units are smooth
    rebuild: PositiveInt = 100  # passes between two K-FAC matrices

    @property
    def tolerance(self) -> float:
        """Norm of the gradient at which a minimum has converged."""
        return self.gradient or {"float32": 1e-5, "float64": 1e-8}[self.precision]

    def scaled(self, factor: float) -> "Polish":
        """With a share of the passes, one at least."""
        return self.model_copy(update={"passes": max(1, round(self.passes * factor))})


class Curvature(Recipe):
    """How the least eigenvalue of the Hessian of the objective is found at each minimum.

    A product of the Hessian with a vector, over the whole training set, costs two to four gradients: about two where
    the gradients of all samples can be kept with their graphs. Where they cannot, a quarter of the products is made.
    """

    products: PositiveInt = 100  # most, at each minimum; with as many as there are parameters all eigenvalues are found

    def scaled(self, factor: float) -> "Curvature":
        """With a share of the products, one at least."""
        return self.model_copy(update={"products": max(1, round(self.products * factor))})


class Settle(Recipe):
    """How curves are brought to convergence: quasi-Newton on their control points, over the whole training set.

    A pass is one gradient of the objective over the whole training set at one place of a curve.
    """

    passes: PositiveInt = 2400  # of each curve
    places: Annotated[int, Field(ge=3)] = 12  # of each curve, at fixed equal distances
    tilt: Rate = 5.0  # β of the smooth maximum, times the distance from a curve's mean to its maximum
    history: PositiveInt = 20  # pairs of L-BFGS
    precision: Literal["float32", "float64"] = "float64"

    def round(self, rounds: int) -> "Polish":
        """The descent of one of so many rounds."""
        steps = max(1, self.passes // (rounds * self.places))
        return Polish(
            passes=steps,
            precision=self.precision,
            history=self.history,
            preconditioner="none",
            fall=0.0,
            gradient=1e-12,
        )

    def scaled(self, factor: float) -> "Settle":
        """With a share of the passes."""
        return self.model_copy(update={"passes": max(1, round(self.passes * factor))})


class Descents(Recipe):
    """Descents from places on optimised curves, which find minima that were not given: the ``closed`` barcode.

    ``lowest``: from the lowest place of every curve that is somewhere below both of its ends. ``dips``: from every
    local minimum along the lowest curve of each pair.
    """

    places: Literal["lowest", "dips"] = "lowest"
    depth: Share = 0.02  # of a dip below the humps beside it, as a share of the curve's climb
    passes: PositiveInt = 100  # of each descent: gradients of the objective over the whole training set
    precision: Literal["float32", "float64"] = "float32"
    rounds: PositiveInt = 1  # of descents; before each further one, the pieces of curves are optimised
    pieces: PositiveInt = 600  # passes of each piece in such an optimisation

    @property
    def settling(self) -> Settle:
        """How pieces of curves are optimised."""
        return Settle(passes=self.pieces, places=24, precision=self.precision)

    @property
    def descent(self) -> Polish:
        """One descent."""
        return Polish(passes=self.passes, precision=self.precision, history=20)

    def scaled(self, factor: float) -> "Descents":
        """With a share of the passes, one at least."""
        fewer = {name: max(1, round(getattr(self, name) * factor)) for name in ("passes", "pieces")}
        return self.model_copy(update=fewer)


class Certificates(Recipe):
    """How saddles are looked for that join the minima of a network, and which of them pass: ``-certified`` barcodes.

    The minima are polished in float64 first. From all humps of curves saddles are climbed to, then further curves are
    made until saddles join all minima, and then lower ways are looked for. What converges is stated by tolerances, so
    that none of it shrinks with the scale.
    """

    polish: PositiveInt = 5000  # most passes of each minimum
    rounds: NonNegativeInt = 40  # of curves between parts that no saddles join
    lowering: NonNegativeInt = 8  # rounds that look for lower ways
    curves: PositiveInt = 24  # of a round, at most
    passes: PositiveInt = 600  # of each of these curves, as of ``settle``
    tolerance: Rate = 1e-8  # of a saddle's gradient, over its largest curvature times its distance to a minimum
    exact_up_to: PositiveInt = 400  # parameters; Hessians of more are known by products with vectors
