"""Experiments: what config.yaml may say, checked whole before the first job runs. Loads no torch."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from lossbars.datasets.specs import DATASETS, AnyData, TextData, is_text
from lossbars.experiments.networks.embeddings.config import Embedding, check_embeddable
from lossbars.networks.specs import NetworkSpec, check_fit
from lossbars.recipes import (
    AnyCurves,
    Descent,
    Minima,
    Normalisation,
    Paths,
    Recipe,
    Robustness,
    Strings,
    Triangles,
)
from lossbars.seeding import SEEDS
from lossbars.workflow.config import merged
from lossbars.workflow.experiment import ExperimentConfig, Resources, Scale, check_key, check_labels

# Experiments -------------------------------------------------------------------------------------


class Group(Recipe):
    """Minima of one recipe, among those of a model."""

    label: str = ""  # what figures call it; the group's key where empty
    minima: Minima


class Model(Recipe):
    """One network of an experiment, with the recipes it is trained by."""

    network: NetworkSpec
    label: str = ""  # what figures call it; the model's key where empty
    minima: Minima
    groups: dict[str, Group] = {}  # each states what differs from ``minima``; as many seeds of each
    curves: AnyCurves
    more_curves: dict[str, AnyCurves] = {}  # further curves of the same pairs; the lowest of a pair counts
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
        for name in (*self.groups, *self.more_curves, *self.more_triangles):
            check_key(name, "recipe")
        check_labels("groups", self.groups)
        return self


class Experiment(ExperimentConfig):
    """Several networks on one data set."""

    shrinks: ClassVar[tuple[str, ...]] = ("epochs", "seeds", "samples")
    shared: ClassVar[tuple[str, ...]] = ("minima", "groups", "curves", "more_curves", "triangles", "more_triangles")

    kind: Annotated[Literal["networks"], Field(exclude=True)] = "networks"
    data: AnyData
    augment: Literal["none", "crop-flip"] = "none"  # of training batches; never of the loss of record
    normalise: Normalisation | None = None  # of images, training, test and record alike
    precision: Literal["float32", "tf32", "bfloat16", "auto"] = "float32"  # of training batches alone
    micro_batch: PositiveInt | None = None  # samples of a batch at a time; null: all, or as many as fit a GPU
    samples: PositiveInt | None = None  # the first so many training samples, windows of text; all where null
    seeds: Annotated[int, Field(ge=2, le=SEEDS)]  # minima per model, or of each of its groups; pairs need two
    seeds_per_job: PositiveInt = 1
    across: bool = True  # whether curves join minima of different groups
    device: Literal["cpu", "cuda", "auto"] = "auto"
    robustness: Robustness | None = None
    figures: list[str] = ["barcodes", "profiles", "persistence"]
    models: dict[str, Model]
    embeddings: dict[str, Embedding] = {}

    @model_validator(mode="after")
    def _consistent(self) -> "Experiment":
        check_labels("models", self.models)
        joined = [self.seeds * (max(1, len(model.groups)) if self.across else 1) for model in self.models.values()]
        if self.robustness and max(self.robustness.sizes, default=2) > min(joined):
            raise ValueError(f"robustness.sizes: a subset of {max(self.robustness.sizes)} of {min(joined)} minima")
        if self.robustness and not self.across and any(model.groups for model in self.models.values()):
            raise ValueError("robustness: subsets of minima of several groups need the curves across them")
        if "robustness" in self.figures and not self.robustness:
            raise ValueError("figures: 'robustness' needs the experiment's robustness recipe")
        of_triangles = [figure for figure in ("triangle", "one-saddles") if figure in self.figures]
        if of_triangles and not any(m.triangles for m in self.models.values()):
            raise ValueError(f"figures: {of_triangles[0]!r} needs a model with a triangles recipe")
        if any(m.triangles for m in self.models.values()) and min(joined) < 3:
            raise ValueError(f"seeds: triangles need three minima, there are {min(joined)}")
        if "optimisers" in self.figures and not any(m.more_curves for m in self.models.values()):
            raise ValueError("figures: 'optimisers' compares curves, and needs a model with more_curves")
        if "modulo" in self.figures and not any(m.aligned for m in self.models.values()):
            raise ValueError("figures: 'modulo' needs a model with more_curves that are aligned (align: weights)")
        if "string-bridge" in self.figures and not any(m.strings for m in self.models.values()):
            raise ValueError("figures: 'string-bridge' needs a model with curves of the family string, and others")
        flows = [recipe for m in self.models.values() for recipe in m.kinds.values() if isinstance(recipe, Paths)]
        if "path-norms" in self.figures and not flows:
            raise ValueError("figures: 'path-norms' needs a model with curves of the family path")
        for flow in flows:
            if (insertion := flow.family.insertion) and insertion.every >= flow.climbs_from:
                before = "the epochs before points climb" if flow.family.climb else "the epochs"
                every = f"{insertion.every} is not below {flow.climbs_from}, {before}"
                raise ValueError(f"insertion.every: {every}: no point is ever put in")
        return self

    @model_validator(mode="after")
    def _networks_read_the_data(self) -> "Experiment":
        text = is_text(self.data)
        for key, model in self.models.items():
            if text or self.data in DATASETS:  # what a user's function returns is seen when it runs
                try:
                    check_fit(model.network, text)
                except ValueError as error:
                    raise ValueError(f"models.{key}.network: {error}") from None
        if text and (self.augment != "none" or self.normalise):
            raise ValueError(f"{'normalise' if self.normalise else 'augment'}: for images, the data is text")
        return self

    @model_validator(mode="after")
    def _embeddings(self) -> "Experiment":
        for key, embedding in self.embeddings.items():
            check_key(key, "embedding")
            for model in (embedding.small, embedding.large):
                if model not in self.models:
                    raise ValueError(f"embeddings.{key}: no model {model!r}: there are {', '.join(self.models)}")
            try:
                check_embeddable(self.models[embedding.small].network, self.models[embedding.large].network)
            except ValueError as error:
                raise ValueError(f"embeddings.{key}: {error}") from None
        if "embeddings" in self.figures and not self.embeddings:
            raise ValueError("figures: 'embeddings' needs the experiment's embeddings")
        return self

    @property
    def data_set(self) -> str | TextData:
        """The data set that the networks are trained on."""
        return self.data

    def scaled(self, scale: Scale) -> "Experiment":
        """The experiment with fewer epochs and seeds.

        At least one epoch and two seeds (three where there are triangles) are left; samples shrink when the landscape
        is made, since only it knows how many there are.
        """
        fewest = 3 if any(model.triangles for model in self.models.values()) else 2
        seeds = max(fewest, round(self.seeds * scale.seeds))
        robustness = self.robustness
        if robustness:
            most = max(2, seeds - 1)  # of all minima there is one set
            sizes = sorted({min(size, most) for size in robustness.sizes})
            robustness = robustness.model_copy(update={"sizes": sizes})
        fewer = {
            "seeds": seeds,
            "robustness": robustness,
            "models": {key: model.scaled(scale.epochs) for key, model in self.models.items()},
            "embeddings": {key: embedding.scaled(scale.epochs) for key, embedding in self.embeddings.items()},
        }
        return self.model_copy(update=fewer)

    @classmethod
    def prepared(cls, stated: dict[str, Any]) -> dict[str, Any]:
        """A model's recipe for minima, copied into each of its groups, which state what differs."""
        models = stated.get("models")
        for model in models.values() if isinstance(models, dict) else ():
            groups = model.get("groups") if isinstance(model, dict) else None
            for group in groups.values() if isinstance(groups, dict) and "minima" in model else ():
                if isinstance(group, dict):
                    group["minima"] = merged(model["minima"], group.get("minima", {}))
        return stated

    @classmethod
    def reworded(cls, message: str, location: Sequence[int | str]) -> str:
        """Paths and strings are families of curves too, which have classes that a message of pydantic leaves out."""
        return (
            message.replace("'chain', 'bezier'", "'chain', 'bezier', 'path', 'string'")
            if "curves" in location
            else message
        )
