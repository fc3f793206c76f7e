"""The settings of the rules on functions. Loads no torch."""

from typing import Any

from lossbars.experiments.functions.config import Cloud, Functions, Optimised
from lossbars.landscapes.specs import LandscapeSpec
from lossbars.workflow.landscape_rules import LandscapeSettings
from lossbars.workflow.settings import FigureSettings


class CloudSettings(LandscapeSettings):
    """Which points, their graph, and which bars are kept."""

    cloud: Cloud


class OptimisedSettings(LandscapeSettings):
    """How minima and curves are found."""

    optimised: Optimised


class ComponentsFigure(FigureSettings):
    """The figure of components of level sets."""

    axis: str  # what values are called
    comparable: bool  # whether all models have one range of values, as losses have


class LandscapesFigure(FigureSettings):
    """A figure that depends on the landscapes: published numbers are of networks of certain sizes."""

    landscapes: dict[str, LandscapeSpec]


def plain_figure(config: Functions, figure: str, module: str) -> FigureSettings:
    """The models that a figure can show."""
    return FigureSettings(**_common(config, figure, module))


def components_figure(config: Functions, figure: str, module: str) -> ComponentsFigure:
    """What values are called, and whether they may be compared."""
    losses = {model.landscape.kind for model in config.models.values()} <= {"regression", "perceptron"}
    return ComponentsFigure(**_common(config, figure, module), axis="loss" if losses else "value", comparable=losses)


def landscapes_figure(config: Functions, figure: str, module: str) -> LandscapesFigure:
    """The landscape of each model."""
    landscapes = {key: model.landscape for key, model in config.models.items()}
    return LandscapesFigure(**_common(config, figure, module), landscapes=landscapes)


def _common(config: Functions, figure: str, module: str) -> dict[str, Any]:
    shown = {key: config.models[key].label or key for key in config.shown(figure)}
    return {"figure": figure, "module": module, "title": config.title, "labels": shown}
