"""The settings of pairs of clouds. Loads no torch."""

from lossbars.experiments.convergence.config import PairedCloud
from lossbars.workflow.landscape_rules import LandscapeSettings


class PairsSettings(LandscapeSettings):
    """How many pairs of clouds, and their graph; their size is the name of a part."""

    pairs: int
    cloud: PairedCloud
