"""Recipes of loss-preserving embeddings, and which networks have one. Loads no torch."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PositiveInt

from lossbars.recipes import Minima, PathGrid, Recipe, Simplices, yaml_number

GROWS = {"mlp": ("depth", "width"), "cnn": ("depth", "channels")}  # what of a network may be larger


class Concatenated(Simplices):
    """The path of Theorem 2 optimised as a chain whose points, all but its two ends, move."""

    grid: PathGrid = PathGrid()


class Embedding(Recipe):
    """Minima and curves of one model in the parameters of a larger one (Barannikov et al. 2022, §3.5, §3.6)."""

    small: str  # keys of models
    large: str
    label: str = ""  # what figures call it; the embedding's key where empty
    descent: Minima  # from the embedded minima
    fluctuation: Annotated[float, Field(gt=0), BeforeValidator(yaml_number)] = 1e-3  # std, of each parameter
    snapshots: PositiveInt = 8  # of each descent, which the path goes through
    path: Concatenated

    def scaled(self, factor: float) -> "Embedding":
        """With a share of the epochs."""
        descents = {"descent": self.descent.scaled(factor), "path": self.path.scaled(factor)}
        return self.model_copy(update=descents)


def check_embeddable(small: Recipe, large: Recipe) -> None:
    """Raise ValueError where no embedding of these networks is known; a user's own are looked at when they are made."""
    ours, theirs = small.model_dump(), large.model_dump()
    kind = ours["kind"]
    if kind != theirs["kind"]:
        raise ValueError(f"no embedding of a network of kind {kind!r} into one of kind {theirs['kind']!r} is known")
    if kind == "custom":
        return
    grows = GROWS.get(kind, ())
    if differing := [key for key in ours if key not in grows and ours[key] != theirs[key]]:
        raise ValueError(f"{differing[0]}: the networks must have the same one to be embedded")
    if ours == theirs or any(ours[key] > theirs[key] for key in grows):
        raise ValueError(f"the large network is not larger: {_sizes(ours, grows)}, against {_sizes(theirs, grows)}")
    if ours["depth"] < theirs["depth"] and (ours.get("batch_norm") or ours.get("activation", "relu") != "relu"):
        raise ValueError("depth: a layer more preserves the loss after ReLU alone, and without BatchNorm")


def _sizes(network: dict[str, Any], grows: tuple[str, ...]) -> str:
    return ", ".join(f"{key} {network[key]}" for key in grows) or network["kind"]
