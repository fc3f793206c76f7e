"""What all recipes share: frozen records of settings, and the numbers in them.

Every recipe is built as ``Recipe(**mapping)``. An unknown key or a value of the wrong type is an error that names the
key and its place. This package loads no torch, so that the workflow can use it while it plans.
"""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, NonNegativeFloat, PositiveFloat


def yaml_number(value: Any) -> Any:
    """YAML 1.1 reads ``1e-3`` as text; a person means the number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


Rate = Annotated[PositiveFloat, BeforeValidator(yaml_number)]
Amount = Annotated[NonNegativeFloat, BeforeValidator(yaml_number)]
Share = Annotated[float, Field(gt=0, le=1), BeforeValidator(yaml_number)]


class Recipe(BaseModel):
    """Base of all recipes: frozen, strict, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
