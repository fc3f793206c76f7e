"""Recipes: how minima, curves and triangles are trained and measured."""

from lossbars.recipes.base import Amount, Rate, Recipe, Share, yaml_number
from lossbars.recipes.convergence import Certificates, Curvature, Descents, Polish, Settle
from lossbars.recipes.descent import Constant, Cyclical, Descent, Garipov, Minima, Ramp, Schedule, Steps
from lossbars.recipes.inputs import Normalisation
from lossbars.recipes.paths import AnyCurves, Beads, Insertion, Path, PathGrid, Paths, String, Strings
from lossbars.recipes.simplices import (
    ALIGNED,
    Align,
    Bends,
    Bezier,
    Chain,
    CurveFamily,
    Curves,
    Grid,
    Robustness,
    Simplices,
    Triangles,
)

__all__ = [
    "ALIGNED",
    "Align",
    "Amount",
    "AnyCurves",
    "Beads",
    "Bends",
    "Bezier",
    "Certificates",
    "Chain",
    "Constant",
    "Curvature",
    "CurveFamily",
    "Curves",
    "Cyclical",
    "Descent",
    "Descents",
    "Garipov",
    "Grid",
    "Insertion",
    "Minima",
    "Normalisation",
    "Path",
    "PathGrid",
    "Paths",
    "Polish",
    "Ramp",
    "Rate",
    "Recipe",
    "Robustness",
    "Schedule",
    "Settle",
    "Share",
    "Simplices",
    "Steps",
    "String",
    "Strings",
    "Triangles",
    "yaml_number",
]
