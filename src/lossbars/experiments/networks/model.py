"""One network of an experiment, with the recipes it is trained by. Loads no torch."""

from typing import Any

from pydantic import model_validator

from lossbars.networks.specs import NetworkSpec
from lossbars.recipes import (
    AnyCurves,
    Certificates,
    Curvature,
    Descent,
    Descents,
    Minima,
    Polish,
    Recipe,
    Strings,
    Triangles,
)
from lossbars.workflow.experiment import Resources, check_key, check_labels


class Group(Recipe):
    """Minima of one recipe, among those of a model."""

    label: str = ""  # what figures call it; the group's key where empty
    minima: Minima


class Model(Recipe):
    """One network of an experiment, with the recipes it is trained by."""

    network: NetworkSpec
    label: str = ""  # what figures call it; the model's key where empty
    minima: Minima
    polish: Polish | None = Polish(passes=100, precision="float32")  # on the objective of the training; null: none
    curvature: Curvature | None = Curvature()  # the least eigenvalue of the Hessian at each minimum; null: none
    groups: dict[str, Group] = {}  # each states what differs from ``minima``; as many seeds of each
    curves: AnyCurves
    more_curves: dict[str, AnyCurves] = {}  # further curves of the same pairs; the lowest of a pair counts
    descents: Descents | None = Descents()  # from places on the curves: the closed barcode; null: none
    certificates: Certificates | None = None  # saddles that join the minima: the certified barcodes
    triangles: Triangles | None = None
    more_triangles: dict[str, Triangles] = {}  # as more_curves
    resources: Resources = Resources()  # each goes before the experiment's

    @property
    def kinds(self) -> dict[str, Descent]:
        """What is trained, in order: ``minima``, ``curves``, ``curves-NAME``, ``triangles``, ``triangles-NAME``."""
        kinds: dict[str, Descent] = {"minima": self.minima, "curves": self.curves}
        kinds |= {f"curves-{name}": recipe for name, recipe in self.more_curves.items()}
        kinds |= {"triangles": self.triangles} if self.triangles else {}
        return kinds | {f"triangles-{name}": recipe for name, recipe in self.more_triangles.items()}

    def descent(self, kind: str, groups: str = "0") -> Descent:
        """The recipe by which minima (of one group), curves or triangles are trained."""
        if kind == "minima" and self.groups:
            return list(self.groups.values())[int(groups)].minima
        return self.kinds[kind]

    @property
    def weight_decays(self) -> set[float]:
        """λ of the objectives that the minima are trained on; several where groups differ."""
        return {minima.penalty for minima in self._recipes_of_minima}

    @property
    def has_objective(self) -> bool:
        """Whether training descends on a function; the decay of AdamW is no part of any."""
        return not any(minima.optimiser == "adamw" and minima.weight_decay for minima in self._recipes_of_minima)

    @property
    def _recipes_of_minima(self) -> list[Minima]:
        return [group.minima for group in self.groups.values()] or [self.minima]

    def polish_of(self, groups: str = "0") -> Polish | None:
        """How minima (of one group) are polished; not if AdamW trained them, whose decay is no part of a function."""
        recipe = self.descent("minima", groups)
        return None if recipe.optimiser == "adamw" and recipe.weight_decay else self.polish

    def longest(self, kind: str) -> Descent:
        """The recipe of a kind; of minima in groups, the one with most epochs stands for all."""
        if kind == "minima" and self.groups:
            return max((group.minima for group in self.groups.values()), key=lambda minima: minima.epochs)
        return self.kinds[kind]

    def scaled(self, share: float) -> "Model":
        """The model with a share of the epochs of each recipe."""
        recipes: dict[str, Any] = {
            name: recipe.scaled(share) for name in ("minima", "curves", "triangles") if (recipe := getattr(self, name))
        }
        for name in ("more_curves", "more_triangles"):
            recipes[name] = {key: recipe.scaled(share) for key, recipe in getattr(self, name).items()}
        groups = {
            key: group.model_copy(update={"minima": group.minima.scaled(share)}) for key, group in self.groups.items()
        }
        for name in ("polish", "curvature", "descents"):
            recipes[name] = recipe.scaled(share) if (recipe := getattr(self, name)) else None
        return self.model_copy(update=recipes | {"groups": groups})

    @property
    def recipe_labels(self) -> dict[str, str]:
        """What figures and claims call the recipes for curves and triangles."""
        named = {kind: recipe.label for kind, recipe in self.kinds.items() if kind != "minima"}
        twice = {text for text in named.values() if list(named.values()).count(text) > 1}
        return {
            kind: f"{text} ({kind.partition('-')[2] or 'first'})" if text in twice else text
            for kind, text in named.items()
        }

    @property
    def strings(self) -> str | None:
        """Kind of the first recipe for strings, where there is one beside one for other curves."""
        curves = [self.curves, *self.more_curves.values()]
        strings = [kind for kind, recipe in self.kinds.items() if isinstance(recipe, Strings)]
        return strings[0] if strings and len(strings) < len(curves) else None

    @property
    def aligned(self) -> list[str]:
        """Kinds of the curves whose ends are matched by a permutation of units."""
        return [f"curves-{name}" for name, recipe in self.more_curves.items() if recipe.align != "none"]

    @model_validator(mode="after")
    def _consistent(self) -> "Model":
        if self.curves.align != "none":
            raise ValueError(
                "curves: the first must not be aligned, since the plain barcode and the fixed sides of triangles are "
                "made of it: state the aligned recipe under more_curves"
            )
        every = [self.triangles, *self.more_triangles.values()] if self.triangles else []
        one_bend = self.curves.family.kind == "chain" and self.curves.family.bends == 1
        if any(recipe and recipe.sides == "fixed" for recipe in every) and not one_bend:
            raise ValueError("triangles with fixed sides need curves that are chains with one bend")
        if self.more_triangles and not self.triangles:
            raise ValueError("more_triangles: the first goes under triangles")
        if self.certificates and not (self.has_objective and min(self.weight_decays) > 0):
            raise ValueError(
                "certificates: minima and saddles of a network are isolated points only where its objective has "
                "λ > 0: state minima.weight_decay (not with adamw, whose decay is no part of a function), or "
                "certificates: null"
            )
        if self.certificates and self.network.smooth is False:
            raise ValueError(
                "certificates: a saddle has a gradient and a Hessian only where the network is smooth, and units with "
                "kinks (ReLU, max pool) are not: choose an mlp with activation tanh, sigmoid or gelu, or a network of "
                "your own, or state certificates: null"
            )
        for name in (*self.groups, *self.more_curves, *self.more_triangles):
            check_key(name, "recipe")
        check_labels("groups", self.groups)
        return self
