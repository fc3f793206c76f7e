"""What the steps on escape share: the family of polynomials of a job."""

from typing import Any

import numpy as np
from pydantic import TypeAdapter

from lossbars.experiments.escape.config import OnePoint, TwoPoint
from lossbars.experiments.escape.polynomials import Family, one_point, two_point


def make_family(recipe: dict[str, Any]) -> Family:
    """The family that a job's recipe states."""
    spec: TwoPoint | OnePoint = TypeAdapter(TwoPoint | OnePoint).validate_python(recipe)
    match spec:
        case TwoPoint():
            return two_point(spec.curvature, spec.distance, spec.depth, spec.far_curvature)
        case OnePoint():
            return one_point(np.array(spec.derivatives))
