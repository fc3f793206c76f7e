"""What every experiment of a configuration has, whatever its kind. Loads no torch."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, PositiveInt

from lossbars.recipes import AnyCurves, Recipe, Share, yaml_number

if TYPE_CHECKING:
    from lossbars.datasets.specs import TextData

KEY = re.compile(r"[a-z][a-z0-9-]*")
RESERVED = (  # targets and folders of the workflow, and rules of all kinds; load_config adds the rules of each kind
    *("paper", "all", "task", "datasets", "figures", "embeddings", "logs", "benchmarks"),
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


class ExperimentConfig(Recipe):
    """Base of the experiments of each kind; ``kind`` is the literal that a configuration chooses it by."""

    shrinks: ClassVar[tuple[str, ...]] = ()  # parts of a scale that the kind knows
    shared: ClassVar[tuple[str, ...]] = ()  # recipes that an experiment may state once for all of its models
    undecided: ClassVar[tuple[str, ...]] = ("device", "resources")  # keys that decide no result

    kind: str
    title: str
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    resources: Resources = Resources()
    figures: list[Any]
    models: dict[str, Any]

    def scaled(self, scale: Scale) -> "ExperimentConfig":
        """The experiment at a fraction of its budget."""
        raise TypeError(f"{type(self).__name__} does not say how it is scaled by {scale}")

    @property
    def data_set(self) -> "str | TextData | None":
        """The data set that the experiment's networks are trained on; None where it has none."""
        return None

    @classmethod
    def prepared(cls, stated: dict[str, Any]) -> dict[str, Any]:
        """A configuration as it was read, after the shared recipes were copied into its models."""
        return stated


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


def check_unaligned(recipes: Mapping[str, AnyCurves]) -> None:
    """Raise ValueError where curves on a function are to be aligned."""
    if wrong := [name for name, recipe in recipes.items() if recipe.align != "none"]:
        raise ValueError(f"{wrong[0]}.align: a function has no units to permute: leave it out")


def check_models(models: Mapping[str, Any]) -> None:
    """Raise ValueError where there is none, or where a key cannot name a folder."""
    if not models:
        raise ValueError("models: at least one is needed")
    for key in models:
        check_key(key, "model")


def check_labels(what: str, named: Mapping[str, Any]) -> None:
    """Raise ValueError where figures would call two things by one name."""
    owners: dict[str, str] = {}
    for key, one in named.items():
        label = one.label or key
        if label in owners:
            raise ValueError(f"{what}: {owners[label]} and {key} have one label, {label!r}: give each its own")
        owners[label] = key
