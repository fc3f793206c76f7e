"""The settings of the steps on known saddles. Loads no torch."""

from lossbars.experiments.saddles.config import Stages
from lossbars.recipes import AnyCurves
from lossbars.workflow.landscape_rules import LandscapeSettings


class DeathsSettings(LandscapeSettings):
    """The optimisers, each at every size."""

    optimisers: dict[str, dict[str, AnyCurves]]  # name → size → recipe


class InsertionSettings(LandscapeSettings):
    """A path before and after points are inserted."""

    insertion: Stages
