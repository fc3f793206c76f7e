"""Recipes: what config.yaml may say, checked whole before the first job runs.

Every class is a frozen record built as ``Recipe(**mapping)``. An unknown key or a value of the wrong
type is an error that names the key and its place. This module loads no torch, so that the workflow can
use it while it plans.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

KEY = re.compile(r"[a-z][a-z0-9-]*")


def _yaml_number(value: Any) -> Any:
    """YAML 1.1 reads ``1e-3`` as text; a person means the number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


Rate = Annotated[PositiveFloat, BeforeValidator(_yaml_number)]
Amount = Annotated[NonNegativeFloat, BeforeValidator(_yaml_number)]
Share = Annotated[float, Field(gt=0, le=1), BeforeValidator(_yaml_number)]


class Recipe(BaseModel):
    """Base of all recipes: frozen, strict, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


# Learning-rate schedules -------------------------------------------------------------------------


class Constant(Recipe):
    """The same learning rate throughout, S(lr) in loss-barcode.txt, appendix F."""

    kind: Literal["constant"]
    lr: Rate


class Cyclical(Recipe):
    """Smith's triangular cycles: lr_min up to lr_max and back, ``cycles`` times over the training.

    ``decay`` multiplies the amplitude after each cycle (Smith's "triangular2" is 0.5).
    """

    kind: Literal["cyclical"]
    lr_max: Rate
    lr_min: Rate
    cycles: PositiveInt = 1
    decay: Annotated[float, Field(gt=0, le=1)] = 1.0


class Ramp(Recipe):
    """S(m1, m2, lr_max, lr_min) of loss-barcode.txt, appendix F; m1 and m2 are epochs."""

    kind: Literal["ramp"]
    m1: NonNegativeFloat
    m2: NonNegativeFloat
    lr_max: Rate
    lr_min: Rate

    @model_validator(mode="after")
    def _ordered(self) -> "Ramp":
        if self.m2 < self.m1:
            raise ValueError(f"m2 ({self.m2}) must not be below m1 ({self.m1})")
        return self


class Garipov(Recipe):
    """lr to half of the epochs, linear down to lr/100 at 0.9, then flat (experiments of Garipov et al.)."""

    kind: Literal["garipov"]
    lr: Rate


Schedule = Annotated[Constant | Cyclical | Ramp | Garipov, Field(discriminator="kind")]


# Descents ----------------------------------------------------------------------------------------


class Descent(Recipe):
    """How variables are moved downhill; shared by minima, curves and triangles."""

    optimiser: Literal["sgd", "adam"]
    schedule: Schedule
    epochs: PositiveInt  # passes over the data; steps, where the landscape has no data
    batch_size: PositiveInt = 128
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9  # SGD only
    nesterov: bool = False  # SGD only
    weight_decay: Amount = 0.0  # adds weight_decay/2 ‖θ‖² to the training loss, never to the loss of record


class Minima(Descent):
    """Start → minimum."""


class Chain(Recipe):
    """Polygonal chain with ``bends`` free points between its two ends."""

    kind: Literal["chain"]
    bends: PositiveInt = 1


class Bezier(Recipe):
    """Bezier curve with ``bends`` free control points between its two ends."""

    kind: Literal["bezier"]
    bends: PositiveInt = 1


CurveFamily = Annotated[Chain | Bezier, Field(discriminator="kind")]


class Grid(Recipe):
    """Where a simplex is evaluated: a uniform grid including its corners, then finer around the maximum."""

    points: Annotated[int, Field(ge=2)] = 61  # on a curve; along each side of a triangle
    refinements: Annotated[int, Field(ge=0)] = 2  # rounds, each halving the spacing around the maximum


class Simplices(Descent):
    """Random-t optimisation of simplices, after Garipov et al. 2018."""

    points: PositiveInt = 1  # random points of each simplex in one step (1: Garipov et al.)
    tilt: Amount = 0.0  # β of the objective (1/β) log mean exp(β L(t)); 0 is the mean loss of Garipov et al.

    @model_validator(mode="after")
    def _tilt_needs_points(self) -> "Simplices":
        if self.tilt > 0 and self.points == 1:
            raise ValueError("tilt weighs the points of one step against each other: it needs points > 1")
        return self


class Curves(Simplices):
    """A curve for every pair of minima."""

    family: CurveFamily
    grid: Grid = Grid()


class Triangles(Simplices):
    """A seven-point triangle for every triple of minima (topological-obstructions.txt, appendix I)."""

    sides: Literal["trained", "fixed"]  # regime 1: side centres and centre move; regime 2: the centre alone
    grid: Grid = Grid(points=13, refinements=1)


class Robustness(Recipe):
    """Barcodes of subsets of the minima, from the one matrix of curve values."""

    sizes: list[Annotated[int, Field(ge=2)]]
    max_subsets: PositiveInt = 500  # per size; beyond, a random sample of the subsets


# Networks and data -------------------------------------------------------------------------------


class MLPSpec(Recipe):
    """Fully connected: ``depth`` hidden layers of ``width`` units."""

    kind: Literal["mlp"]
    depth: PositiveInt
    width: PositiveInt = 32
    activation: Literal["relu", "tanh", "sigmoid"] = "relu"


class LeNetSpec(Recipe):
    """LeNet of topological-obstructions.txt, appendix I."""

    kind: Literal["lenet"]


class CustomNetwork(Recipe):
    """A user's own module: ``source`` is ``path/to/file.py:Class``, called with ``arguments``."""

    kind: Literal["custom"]
    source: str
    arguments: dict[str, Any] = {}

    @model_validator(mode="after")
    def _file_and_class(self) -> "CustomNetwork":
        split_source(self.source, "network")
        return self


def _network_shorthand(value: Any) -> Any:
    return {"kind": "custom", "source": value} if isinstance(value, str) else value


NetworkSpec = Annotated[
    Annotated[MLPSpec | LeNetSpec | CustomNetwork, Field(discriminator="kind")],
    BeforeValidator(_network_shorthand),
]

DATASETS = ("digits", "mnist", "fmnist")


def split_source(source: str, what: str) -> tuple[Path, str]:
    """``path/to/file.py:name`` → (path, name). Raises ValueError if it has another form or the file is not there."""
    path, colon, name = source.rpartition(":")
    if not colon or not path.endswith(".py") or not name.isidentifier():
        raise ValueError(f"{what} {source!r}: expected path/to/file.py:name")
    if not Path(path).is_file():
        raise ValueError(f"{what} {source!r}: no such file: {path}")
    return Path(path), name


def _known_data(value: Any) -> Any:
    if isinstance(value, str) and value not in DATASETS:
        if ":" not in value:
            raise ValueError(f"unknown data set {value!r}: one of {', '.join(DATASETS)}, or path/to/my_data.py:load")
        split_source(value, "data")
    return value


DataName = Annotated[str, BeforeValidator(_known_data)]


# Experiments -------------------------------------------------------------------------------------

Figure = Literal["barcodes", "to-score", "profiles", "triangle", "robustness", "persistence"]


class Model(Recipe):
    """One network of an experiment, with the recipes it is trained by."""

    network: NetworkSpec
    label: str = ""  # what figures call it; the model's key where empty
    minima: Minima
    curves: Curves
    triangles: Triangles | None = None

    @model_validator(mode="after")
    def _fixed_sides_need_one_bend(self) -> "Model":
        one_bend = self.curves.family.kind == "chain" and self.curves.family.bends == 1
        if self.triangles and self.triangles.sides == "fixed" and not one_bend:
            raise ValueError("triangles with fixed sides need curves that are chains with one bend")
        return self


class Experiment(Recipe):
    """Several networks on one data set."""

    title: str
    data: DataName
    augment: Literal["none", "crop-flip"] = "none"  # of training batches; never of the loss of record
    samples: PositiveInt | None = None  # the first so many training samples; all where null
    seeds: Annotated[int, Field(ge=2)]  # minima per model; pairs need two
    seeds_per_job: PositiveInt = 1
    device: Literal["cpu", "cuda", "auto"] = "auto"
    robustness: Robustness | None = None
    figures: list[Figure] = ["barcodes", "profiles", "persistence"]
    models: dict[str, Model]

    @model_validator(mode="after")
    def _consistent(self) -> "Experiment":
        if not self.models:
            raise ValueError("models: at least one is needed")
        for key in self.models:
            check_key(key, "model")
        if self.robustness and max(self.robustness.sizes, default=2) > self.seeds:
            raise ValueError(f"robustness.sizes: a subset of {max(self.robustness.sizes)} of {self.seeds} minima")
        if "robustness" in self.figures and not self.robustness:
            raise ValueError("figures: 'robustness' needs the experiment's robustness recipe")
        if "triangle" in self.figures and not any(m.triangles for m in self.models.values()):
            raise ValueError("figures: 'triangle' needs a model with a triangles recipe")
        if any(m.triangles for m in self.models.values()) and self.seeds < 3:
            raise ValueError(f"seeds: triangles need three minima, there are {self.seeds}")
        return self


class Scale(Recipe):
    """Fractions of the full budget."""

    epochs: Share = 1.0
    seeds: Share = 1.0
    samples: Share = 1.0


def _scale_shorthand(value: Any) -> Any:
    value = _yaml_number(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"epochs": float(value), "seeds": float(value), "samples": float(value)}
    return value


class Config(Recipe):
    """config.yaml, whole."""

    data_root: str | None = None  # files already on disk, in torchvision's layout
    scale: Annotated[Scale, BeforeValidator(_scale_shorthand)] = Scale()
    experiments: dict[str, Experiment]

    @model_validator(mode="after")
    def _keys(self) -> "Config":
        for key in self.experiments:
            check_key(key, "experiment")
        return self


RESERVED = ("paper", "all", "datasets", "figures", "claims", "report")


def check_key(key: str, what: str) -> None:
    """Raise ValueError unless ``key`` can name a folder and a target."""
    if not KEY.fullmatch(key):
        raise ValueError(f"{what} key {key!r}: lower-case letters, digits and '-', beginning with a letter")
    if key in RESERVED:
        raise ValueError(f"{what} key {key!r} is a name that the workflow itself uses")
