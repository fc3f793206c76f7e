"""What the configurations of all kinds of experiments share. Loads no torch."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, PositiveInt

from lossbars.recipes import (
    AnyCurves,
    Recipe,
    Share,
    yaml_number,
)

KEY = re.compile(r"[a-z][a-z0-9-]*")


class Resources(Recipe):
    """What jobs that train ask for at their first attempt, in place of what is computed. Decides no result."""

    mem_mb: PositiveInt | None = None
    gpu_mem_mb: PositiveInt | None = None
    runtime: PositiveInt | None = None  # minutes


class Scale(Recipe):
    """Fractions of the full budget; an experiment knows those that its class names in ``shrinks``."""

    epochs: Share = 1.0
    seeds: Share = 1.0
    samples: Share = 1.0
    points: Share = 1.0
    pairs: Share = 1.0


RESERVED = (
    *("paper", "all", "datasets", "figures"),
    *("dataset", "minima", "curves", "triangles", "complex", "barcode", "robustness", "tables", "figure", "claims"),
    *("usage", "report", "provenance", "cloud", "surface", "optimised", "bars", "distances", "embedding", "embeddings"),
)


def check_key(key: str, what: str) -> None:
    """Raise ValueError unless ``key`` can name a folder and a target."""
    if not KEY.fullmatch(key):
        raise ValueError(f"{what} key {key!r}: lower-case letters, digits and '-', beginning with a letter")
    if key in RESERVED:
        raise ValueError(f"{what} key {key!r} is a name that the workflow itself uses")


def _whole(value: Any) -> Any:
    """YAML reads ``1e6`` as text or as a float; a person means the whole number."""
    value = yaml_number(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[PositiveInt, BeforeValidator(_whole)]


def _share(whole: int, share: float, fewest: int) -> int:
    return min(whole, max(fewest, round(whole * share)))


def check_unaligned(recipes: Mapping[str, AnyCurves]) -> None:
    """Raise ValueError where curves on a function are to be aligned."""
    if wrong := [name for name, own in recipes.items() if own.align != "none"]:
        raise ValueError(f"{wrong[0]}.align: a function has no units to permute: leave it out")


def check_models(models: dict[str, Any]) -> None:
    """Raise ValueError where there is none, or where a key cannot name a folder."""
    if not models:
        raise ValueError("models: at least one is needed")
    for key in models:
        check_key(key, "model")
