"""The settings of the steps that all kinds of experiments share. Loads no torch."""

from typing import Generic, TypeVar

from pydantic import SerializeAsAny

from lossbars.recipes import Recipe

C = TypeVar("C", bound=Recipe)


class FigureSettings(Recipe):
    """What a figure shows beside numbers; figures that need more derive from it."""

    figure: str
    module: str  # its function ``draw`` makes the figure
    title: str
    labels: dict[str, str]  # model → what the figure calls it, in the order of drawing


class ClaimsSettings(Recipe, Generic[C]):
    """What the claims of one experiment depend on beside numbers."""

    module: str  # its functions ``results``, ``claims`` and ``budget`` judge the experiment
    scale: dict[str, float]  # share of each part of the budget that the kind knows
    config: SerializeAsAny[C]  # the experiment, without what decides no result

    @property
    def full_budget(self) -> bool:
        """Whether numbers may be compared with published ones."""
        return all(share == 1 for share in self.scale.values())


class GatherSettings(Recipe):
    """How the tables of an experiment's models are put together."""

    module: str = ""  # its function ``gather(work) -> DataFrame``; where empty, tables follow each other
