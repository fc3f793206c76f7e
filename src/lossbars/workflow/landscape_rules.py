"""Rules on a landscape that a configuration states: their settings, and the table of a surface. Loads no torch."""

from typing import TYPE_CHECKING, Any

from lossbars.landscapes.specs import CustomLandscape, LandscapeSpec
from lossbars.recipes import Recipe
from lossbars.workflow.fingerprint import user_file
from lossbars.workflow.tasks import Rule, Task

if TYPE_CHECKING:
    from lossbars.workflow.plan import Plan

SURFACE = Rule("surface", "lossbars.workflow.surface_step", {"table": "{experiment}/{model}/surface.parquet"})


class LandscapeSettings(Recipe):
    """A landscape; rules that depend on more derive from it."""

    landscape: LandscapeSpec
    landscape_file: str | None  # fingerprint of the file of a user's landscape

    @classmethod
    def of(cls, landscape: Any, **more: Any) -> Any:
        """The settings on a landscape; ``more`` are those of a derived class."""
        source = landscape.source if isinstance(landscape, CustomLandscape) else None
        return cls(landscape=landscape, landscape_file=user_file(source, "landscape"), **more)


def landscape_task(
    rule: Rule, plan: "Plan", settings: LandscapeSettings, experiment: str, model: str, part: str = ""
) -> Task:
    """A task on a landscape, which runs the module of its kind."""
    extra_modules = settings.landscape.modules
    return rule.task(plan, settings, experiment=experiment, model=model, part=part, extra_modules=extra_modules)


def surface_task(plan: "Plan", experiment: str, model: str, landscape: Any) -> Task:
    """Values on a regular grid."""
    return landscape_task(SURFACE, plan, LandscapeSettings.of(landscape), experiment=experiment, model=model)
