"""Experiments: what config.yaml may say, checked whole before the first job runs. Loads no torch."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from lossbars.datasets.specs import DATASETS, AnyData, TextData, is_text
from lossbars.experiments.networks.embeddings.config import Embedding, check_embeddable
from lossbars.experiments.networks.model import Model
from lossbars.networks.specs import check_fit
from lossbars.recipes import Descent, Descents, Normalisation, Paths, Robustness
from lossbars.seeding import SEEDS
from lossbars.workflow.config import merged
from lossbars.workflow.experiment import ExperimentConfig, Scale, check_key, check_labels


class Experiment(ExperimentConfig):
    """Several networks on one data set."""

    shrinks: ClassVar[tuple[str, ...]] = ("epochs", "seeds", "samples")
    shared: ClassVar[tuple[str, ...]] = (
        *("minima", "polish", "curvature", "groups"),
        *("curves", "more_curves", "descents", "certificates", "triangles", "more_triangles"),
    )

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
    objective: Literal["regularised", "data_loss"] = "regularised"
    """Whose barcode is made: data loss + λ/2 ‖θ‖² with the λ that minima are trained with, or the data loss alone."""
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
        if "closed" in self.figures and not all(self.descents(key) for key in self.models):
            raise ValueError("figures: 'closed' needs descents of every model, from minima of its objective")
        if "certified" in self.figures and not all(m.certificates for m in self.models.values()):
            raise ValueError("figures: 'certified' needs certificates of every model")
        if self.objective == "data_loss" and any(m.certificates for m in self.models.values()):
            raise ValueError(
                "certificates: minima of the data loss are no isolated points: leave objective at regularised, or "
                "state certificates: null"
            )
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
    def _one_objective(self) -> "Experiment":
        """Minima, curves and triangles that are measured on one objective are trained with one weight decay."""
        for key, model in self.models.items() if self.objective == "regularised" else ():
            if len(model.weight_decays) > 1:
                decays = ", ".join(f"{decay:g}" for decay in sorted(model.weight_decays))
                raise ValueError(
                    f"models.{key}.groups: weight decays differ ({decays}), so these are not minima of one objective: "
                    "give all groups the same, or state objective: data_loss"
                )
            for kind, recipe in self._trained_with(key).items():
                if recipe.penalty != self.weight_decay(key):
                    raise ValueError(
                        f"models.{key}: {kind} has weight decay {recipe.penalty:g}, the minima "
                        f"{self.weight_decay(key):g}: leave it out, which is that of the minima, or state "
                        "objective: data_loss"
                    )
        return self

    def _trained_with(self, key: str) -> dict[str, Descent]:
        """What is optimised between the minima of a model, and in embeddings of them."""
        kinds = {kind: recipe for kind, recipe in self.models[key].kinds.items() if kind != "minima"}
        embedded = {name: one for name, one in self.embeddings.items() if one.small == key}
        kinds |= {f"the descent of embedding {name}": one.descent for name, one in embedded.items()}
        return kinds | {f"the path of embedding {name}": one.path for name, one in embedded.items()}

    def weight_decay(self, key: str) -> float:
        """λ of the objective that a model is measured on."""
        return 0.0 if self.objective == "data_loss" else min(self.models[key].weight_decays)

    def descents(self, key: str) -> Descents | None:
        """How a model descends from its curves; not if its minima are no minima of what is measured."""
        model = self.models[key]
        measured = model.has_objective and model.weight_decays == {self.weight_decay(key)}
        return model.descents if measured else None

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
        """A model's recipe for minima, copied into its groups; its weight decay, into what states none."""
        models = stated.get("models")
        models = models if isinstance(models, dict) else {}
        for model in models.values():
            groups = model.get("groups") if isinstance(model, dict) else None
            for group in groups.values() if isinstance(groups, dict) and "minima" in model else ():
                if isinstance(group, dict):
                    group["minima"] = merged(model["minima"], group.get("minima", {}))
            for recipe in _recipes(model, "curves", "triangles"):
                _take_weight_decay(recipe, model.get("minima"))
        embeddings = stated.get("embeddings")
        for one in embeddings.values() if isinstance(embeddings, dict) else ():
            small = models.get(one.get("small")) if isinstance(one, dict) else None
            for recipe in _recipes(one, "descent", "path"):
                _take_weight_decay(recipe, small.get("minima") if isinstance(small, dict) else None)
        return stated

    @classmethod
    def reworded(cls, message: str, location: Sequence[int | str]) -> str:
        """Paths and strings are families of curves too, which have classes that a message of pydantic leaves out."""
        return (
            message.replace("'chain', 'bezier'", "'chain', 'bezier', 'path', 'string'")
            if "curves" in location
            else message
        )


def _recipes(stated: Any, *names: str) -> Iterator[dict[str, Any]]:
    """The mappings under these names as they were read, and those in ``more_`` of them; nothing else."""
    for name in names if isinstance(stated, dict) else ():
        more = stated.get(f"more_{name}")
        for recipe in (stated.get(name), *(more.values() if isinstance(more, dict) else ())):
            if isinstance(recipe, dict):
                yield recipe


def _take_weight_decay(recipe: dict[str, Any], minima: Any) -> None:
    """The weight decay of the recipe for minima, where another recipe states none and has an objective."""
    decays = isinstance(minima, dict) and "weight_decay" in minima
    if decays and "adamw" not in (minima.get("optimiser"), recipe.get("optimiser")):
        recipe.setdefault("weight_decay", minima["weight_decay"])
