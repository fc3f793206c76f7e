"""Time of optimised curves. Loads no torch."""

from lossbars.experiments.functions.config import Optimised
from lossbars.landscapes.specs import AnyLandscape
from lossbars.workflow.landscape_costs import GRADIENT, STEP, evaluation

MINIMA = 60  # that descents find, as a guess


def optimised_seconds(landscape: AnyLandscape, recipe: Optimised) -> float:
    """Seconds of descents and curves, if the landscape has ``MINIMA`` minima."""
    minima, curves = recipe.minima, recipe.curves
    gradient = GRADIENT * evaluation(landscape)
    joined = min(MINIMA * MINIMA // 2, MINIMA * recipe.neighbours)
    return minima.epochs * (STEP + recipe.starts * gradient) + curves.epochs * (
        STEP + joined * curves.points * gradient
    )
