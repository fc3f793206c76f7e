"""The settings of the steps on strings. Loads no torch."""

from typing import Literal

from lossbars.experiments.strings.config import Level
from lossbars.recipes import Beads, Recipe
from lossbars.workflow.landscape_rules import LandscapeSettings
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.training_settings import TrainingSettings


class StringsSettings(Recipe):
    """How the pairs of a model are connected: of a landscape, or of a network on data."""

    ends: Literal["random", "swapped"]
    thresholds: list[float]
    reuse: bool
    level: Level
    strings: Beads
    landscape: LandscapeSettings | None
    training: TrainingSettings | None


class StringsFigure(FigureSettings):
    """A figure of strings."""

    metrics: dict[str, str]  # model → what its thresholds are on
