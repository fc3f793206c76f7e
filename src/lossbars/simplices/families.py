"""The families that a recipe for curves may choose from. A new one is a file beside this one and a line here."""

from lossbars.recipes import Curves
from lossbars.simplices.base import Family
from lossbars.simplices.bezier import Bezier
from lossbars.simplices.chain import Chain

FAMILIES = {"chain": Chain, "bezier": Bezier}


def curve_family(recipe: Curves) -> Family:
    """The family of curves of a recipe."""
    return FAMILIES[recipe.family.kind](recipe.family.bends)
