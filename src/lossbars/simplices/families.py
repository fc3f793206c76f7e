"""The families of curves that a recipe may ask for: a new one is a file beside this one, and a line here."""

from lossbars.recipes import Curves
from lossbars.simplices import Bezier, Chain, Curve

FAMILIES: dict[str, type[Curve]] = {"chain": Chain, "bezier": Bezier}  # kind of recipe → class
POLYGONAL = ("chain", "path", "string")  # kinds of curves that consist of straight pieces between their control points


def curve_family(recipe: Curves) -> Curve:
    """The family of a recipe, with as many bends as the recipe says."""
    return FAMILIES[recipe.family.kind](recipe.family.bends)
