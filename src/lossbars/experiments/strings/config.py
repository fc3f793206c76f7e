"""Experiments on level sets by Dynamic String Sampling: what config.yaml may say. Loads no torch."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from lossbars.datasets.specs import DATASETS, AnyData, TextData, is_text
from lossbars.landscapes.specs import LandscapeSpec, PerceptronSpec
from lossbars.networks.specs import NetworkSpec, check_fit
from lossbars.recipes import Beads, Normalisation, Rate, Recipe
from lossbars.seeding import SEEDS
from lossbars.workflow.experiment import Count, ExperimentConfig, ModelConfig, Scale, share_of
from lossbars.workflow.landscape_rules import LandscapeSettings
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.training_settings import TrainingSettings

FEWEST_PAIRS = 2  # that a small scale leaves


class Level(Recipe):
    """The measure that thresholds bound (Freeman & Bruna 2017, §4: losses and accuracies on a test set)."""

    metric: Literal["loss", "error", "perplexity"] = "loss"
    of: Literal["train", "test"] = "train"
    samples: PositiveInt | None = None  # the first so many; all where null


class Connecting(Recipe):
    """How the pairs of a model are connected."""

    ends: Literal["random", "swapped"] = "random"
    """Both ends random starts, or a start and its copy with the first two hidden units swapped.

    Freeman & Bruna 2017, appendix E.
    """
    level: Level = Level()
    thresholds: Annotated[list[Rate], Field(min_length=1)]
    reuse: bool = True  # false: new ends and strings at each threshold (Freeman & Bruna 2017, §4)
    strings: Beads


class StringsModel(Connecting, ModelConfig):
    """One landscape, or one network on the experiment's data, and how its pairs are connected."""

    landscape: LandscapeSpec | None = None
    network: NetworkSpec | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "StringsModel":
        if (self.landscape is None) == (self.network is None):
            raise ValueError("either a landscape, or a network on the experiment's data, is needed")
        if self.landscape and self.level != Level():
            raise ValueError("level: thresholds on a landscape are on its loss: leave it out")
        two_units = isinstance(self.landscape, PerceptronSpec) and self.landscape.hidden[0] > 1
        if self.ends == "swapped" and not two_units:
            raise ValueError("ends: 'swapped' needs a landscape of the kind perceptron with two hidden units")
        if self.thresholds != sorted(set(self.thresholds), reverse=True):
            raise ValueError(f"thresholds: they must fall, not {self.thresholds}")
        return self


class StringSampling(ExperimentConfig):
    """Strings between pairs of models at falling thresholds: are they connected, and how far around is it?"""

    shrinks: ClassVar[tuple[str, ...]] = ("epochs", "pairs", "samples")
    shared: ClassVar[tuple[str, ...]] = ("strings", "ends", "thresholds", "reuse", "level")

    kind: Literal["strings"]
    data: AnyData | None = None
    augment: Literal["none", "crop-flip"] = "none"  # as of experiments on networks
    normalise: Normalisation | None = None
    precision: Literal["float32", "tf32", "bfloat16", "auto"] = "float32"
    micro_batch: PositiveInt | None = None
    samples: PositiveInt | None = None  # the first so many training samples; all where null
    pairs: Annotated[Count, Field(le=SEEDS)]  # of each model
    pairs_per_job: PositiveInt = 1
    device: Literal["cpu", "cuda", "auto"] = "auto"
    figures: list[str] = ["string-lengths", "string-answers", "string-views"]
    models: dict[str, StringsModel]

    @property
    def data_set(self) -> str | TextData | None:
        """The data set of its networks."""
        return self.data

    @model_validator(mode="after")
    def _consistent(self) -> "StringSampling":
        for key, model in self.models.items():
            if model.network and self.data is None:
                raise ValueError(f"models.{key}: a network needs the experiment's data")
            if model.network and (isinstance(self.data, TextData) or self.data in DATASETS):
                try:
                    check_fit(model.network, is_text(self.data))
                except ValueError as error:
                    raise ValueError(f"models.{key}.network: {error}") from None
        if self.data is not None and not any(model.network for model in self.models.values()):
            raise ValueError("data: no model has a network that reads it")
        return self

    def scaled(self, scale: Scale) -> "StringSampling":
        """With a share of the pairs, and of the epochs that a bead may take; samples shrink when the data are read."""
        pairs = share_of(self.pairs, scale.pairs, FEWEST_PAIRS)
        models = {
            key: model.model_copy(update={"strings": model.strings.scaled(scale.epochs)})
            for key, model in self.models.items()
        }
        return self.model_copy(update={"pairs": pairs, "models": models})


class StringsSettings(Connecting):
    """How the pairs of a model are connected: of a landscape, or of a network on data."""

    landscape: LandscapeSettings | None
    training: TrainingSettings | None


class StringsFigure(FigureSettings):
    """A figure of strings."""

    metrics: dict[str, str]  # model → what its thresholds are on
