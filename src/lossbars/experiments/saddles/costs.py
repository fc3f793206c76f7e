"""Time of curves between known minima. Loads no torch."""

from lossbars.experiments.saddles.config import Saddles, of_size
from lossbars.recipes import AnyCurves, Paths, Strings
from lossbars.workflow.landscape_costs import GRADIENT, STEP, evaluation
from lossbars.workflow.training_costs import TRAINED_BEADS

KNOWN_PAIRS = 15  # of known minima, of which few functions have more than six


def saddle_seconds(config: Saddles, model: str) -> float:
    """Seconds of the curves between all known minima, by each optimiser at each size."""
    stated = config.models[model]
    gradient = KNOWN_PAIRS * GRADIENT * evaluation(stated.landscape)
    recipes = [of_size(recipe, size) for recipe in stated.optimisers.values() for size in config.sizes]
    return sum(_steps(recipe) * (STEP + _places(recipe) * gradient) for recipe in recipes)


def _steps(recipe: AnyCurves) -> int:
    """Steps of the longest of all curves; strings, at a failing threshold, train until their rounds are over."""
    failing = recipe.halvings * recipe.family.rounds if isinstance(recipe, Strings) else 1
    return failing * recipe.epochs


def _places(recipe: AnyCurves) -> int:
    """Places of a curve that a step evaluates."""
    match recipe:
        case Paths(family=family):
            return family.points
        case Strings():
            return TRAINED_BEADS
    return recipe.points
