"""Families of simplices: how control points are blended into a point.

θ(t) = blend(t) @ nodes. A minimum, a polygonal chain, a Bezier curve and the seven-point triangle differ
in ``blend`` alone.
"""

from lossbars.simplices.base import Curve as Curve
from lossbars.simplices.base import Family as Family
from lossbars.simplices.bezier import Bezier as Bezier
from lossbars.simplices.chain import Chain as Chain
from lossbars.simplices.triangle import Triangle as Triangle
