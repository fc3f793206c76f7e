"""What every experiment of a configuration has, whatever its kind. Loads no torch."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, PositiveInt, model_validator

from lossbars.recipes import AnyCurves, Recipe, Share, yaml_number

if TYPE_CHECKING:
    from lossbars.datasets.specs import TextData

KEY = re.compile(r"[a-z][a-z0-9-]*")
RESERVED = (  # targets and folders of the workflow, and rules of all kinds; load_config adds the rules of each kind
    *("paper", "all", "datasets", "figures", "embeddings", "logs", "benchmarks"),
    *("dataset", "surface", "gather", "figure", "claims", "usage", "report", "provenance"),
)


class Scale(Recipe):
    """Fractions of the full budget; an experiment knows those that its class names in ``shrinks``."""

    epochs: Share = 1.0
    seeds: Share = 1.0
    samples: Share = 1.0
    points: Share = 1.0
    pairs: Share = 1.0


class Resources(Recipe):
    """What jobs that train ask for at their first attempt, in place of what is computed. Decides no result."""

    mem_mb: PositiveInt | None = None
    gpu_mem_mb: PositiveInt | None = None
    runtime: PositiveInt | None = None  # minutes


class ModelConfig(Recipe):
    """What every model of an experiment has."""

    label: str = ""  # what figures call it; the model's key where empty
    resources: Resources = Resources()  # each goes before the experiment's


class ExperimentConfig(Recipe):
    """Base of the experiments of each kind; ``kind`` is the literal that a configuration chooses it by."""

    shrinks: ClassVar[tuple[str, ...]] = ()  # parts of a scale that the kind knows
    shared: ClassVar[tuple[str, ...]] = ()  # recipes that an experiment may state once for all of its models

    kind: str
    title: str
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    resources: Resources = Resources()
    figures: list[Any]
    models: dict[str, Any]

    @model_validator(mode="after")
    def _has_models(self) -> "ExperimentConfig":
        if not self.models:
            raise ValueError("models: at least one is needed")
        for key in self.models:
            check_key(key, "model")
        return self

    def shown(self, figure: str) -> list[str]:  # noqa: ARG002
        """The models that a figure can show, in the order of the configuration; all, unless the kind says otherwise."""
        return list(self.models)

    def scaled(self, scale: Scale) -> "ExperimentConfig":
        """The experiment at a fraction of its budget: each of its models."""
        return self.model_copy(update={"models": {key: model.scaled(scale) for key, model in self.models.items()}})

    @property
    def data_set(self) -> "str | TextData | None":
        """The data set that the experiment's networks are trained on; None where it has none."""
        return None

    @classmethod
    def prepared(cls, stated: dict[str, Any]) -> dict[str, Any]:
        """A configuration as it was read, after the shared recipes were copied into its models."""
        return stated

    @classmethod
    def reworded(cls, message: str, location: Sequence[int | str]) -> str:  # noqa: ARG003
        """A message of pydantic about a place of such an experiment, in words that a person understands."""
        return message


def whole_number(value: Any) -> Any:
    """YAML reads ``1e6`` as text or as a float; a person means the whole number."""
    value = yaml_number(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


Count = Annotated[PositiveInt, BeforeValidator(whole_number)]


def reserved(key: str, what: str) -> str:
    """What is said of a key that the workflow needs for itself."""
    return f"{what} key {key!r} is a name that the workflow itself uses"


def check_key(key: str, what: str) -> None:
    """Raise ValueError unless ``key`` can name a folder and a target."""
    if not KEY.fullmatch(key):
        raise ValueError(f"{what} key {key!r}: lower-case letters, digits and '-', beginning with a letter")
    if key in RESERVED:
        raise ValueError(reserved(key, what))


def share_of(count: int, share: float, fewest: int) -> int:
    """A share of a number, and no fewer than ``fewest`` of it."""
    return min(count, max(fewest, round(count * share)))


def check_rising(sizes: list[int]) -> None:
    """Raise ValueError unless each size is larger than the one before."""
    if any(a >= b for a, b in pairwise(sizes)):
        raise ValueError(f"sizes: each must be larger than the one before, not {sizes}")


def lowest_sizes(sizes: list[int], share: float, fewest: int) -> list[int]:
    """The sizes up to a share of the largest, and no fewer than ``fewest`` of them."""
    kept = [size for size in sizes if size <= share * sizes[-1]]
    return kept if len(kept) >= fewest else sizes[:fewest]


def check_unaligned(recipes: Mapping[str, AnyCurves]) -> None:
    """Raise ValueError where curves on a function are to be aligned."""
    if wrong := [name for name, recipe in recipes.items() if recipe.align != "none"]:
        raise ValueError(f"{wrong[0]}.align: a function has no units to permute: leave it out")


def check_labels(what: str, named: Mapping[str, Any]) -> None:
    """Raise ValueError where figures would call two things by one name."""
    owners: dict[str, str] = {}
    for key, one in named.items():
        label = one.label or key
        if label in owners:
            raise ValueError(f"{what}: {owners[label]} and {key} have one label, {label!r}: give each its own")
        owners[label] = key
