"""config.yaml → experiments, checked before the first job runs, with errors for a person. Loads no torch."""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BeforeValidator, Field, ValidationError, create_model, model_validator

from lossbars.recipes import Recipe, yaml_number
from lossbars.workflow.experiment import ExperimentConfig, Scale, check_key, reserved

if TYPE_CHECKING:
    from lossbars.workflow.kind import Kind

UNIONS = ("schedule", "family", "network", "landscape", "data", "task")  # keys whose value is one of several classes


def _scale_shorthand(value: Any) -> Any:
    value = yaml_number(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return dict.fromkeys(Scale.model_fields, float(value))
    return value


class Config(Recipe):
    """config.yaml; :func:`config_class` derives the class whose experiments are of given kinds."""

    data_root: str | None = None  # files already on disk, in torchvision's layout
    cache: str | None = None  # folder of finished results that clones and users share
    scale: Annotated[Scale, BeforeValidator(_scale_shorthand)] = Scale()
    experiments: dict[str, Any]

    @model_validator(mode="after")
    def _keys(self) -> "Config":
        for key in self.experiments:
            check_key(key, "experiment")
        return self


@cache
def config_class(*classes: type[ExperimentConfig]) -> type[Config]:
    """The class of a configuration whose experiments are of these classes."""
    experiment: Any = Annotated[Union[classes], Field(discriminator="kind")] if len(classes) > 1 else classes[0]  # noqa: UP007
    return create_model("Config", __base__=Config, experiments=(dict[str, experiment], ...))


class ConfigError(ValueError):
    """The configuration cannot be run; the text says where and why."""


def load_config(raw: Mapping[str, Any], kinds: "Mapping[str, Kind]") -> Config:
    """Check the whole configuration.

    An experiment that names no kind is of the first. The recipes that a kind lets experiments share hold for each of an
    experiment's models; what a model states itself replaces them. Raises ConfigError, naming each wrong key's place.
    """
    classes = {name: kind.config for name, kind in kinds.items()}
    spread = {
        key: _with_shared_recipes(value, classes) if key == "experiments" else value for key, value in raw.items()
    }
    lines = dict.fromkeys(_unknown_figures(spread.get("experiments"), kinds))
    lines |= dict.fromkeys(_names_of_rules(spread.get("experiments"), kinds))
    try:
        config = config_class(*classes.values())(**spread)
    except ValidationError as error:
        lines |= dict.fromkeys(Explanation(raw, kinds).lines(error))
    if lines:
        raise ConfigError("the configuration cannot be run:\n" + "\n".join(lines))
    return config


def _names_of_rules(experiments: Any, kinds: "Mapping[str, Kind]") -> Iterator[str]:
    """A line for each experiment that has the name of a rule, since both are targets."""
    names = {rule.name for kind in kinds.values() for rule in kind.rules}
    for key in names.intersection(experiments) if isinstance(experiments, dict) else ():
        yield f"  (top level): {reserved(key, 'experiment')}"


def _unknown_figures(experiments: Any, kinds: "Mapping[str, Kind]") -> Iterator[str]:
    """A line for each figure that a kind does not have; takes it out, since experiments look up what figures need."""
    for key, experiment in experiments.items() if isinstance(experiments, dict) else ():
        kind = experiment.get("kind") if isinstance(experiment, dict) else None
        figures = experiment.get("figures") if isinstance(experiment, dict) else None
        if not isinstance(kind, str) or kind not in kinds or not isinstance(figures, list):
            continue
        known = kinds[kind].figures
        for i, figure in enumerate(figures):
            if isinstance(figure, str) and figure not in known:
                there = ", ".join(map(repr, known))
                yield f"  experiments.{key}.figures.{i}: no figure {figure!r}; there are {there}"
        experiment["figures"] = [one for one in figures if not isinstance(one, str) or one in known]


# Recipes that an experiment states once for its models -------------------------------------------


def _with_shared_recipes(stated: Any, classes: Mapping[str, type[ExperimentConfig]]) -> Any:
    if not isinstance(stated, Mapping):
        return stated
    first = {"kind": next(iter(classes))}
    kinds = {key: first | value if isinstance(value, dict) else value for key, value in stated.items()}
    return {key: _spread(deepcopy(value), classes) for key, value in kinds.items()}


def _spread(experiment: Any, classes: Mapping[str, type[ExperimentConfig]]) -> Any:
    """Copy the recipes that an experiment shares into each of its models."""
    kind = experiment.get("kind") if isinstance(experiment, dict) else None
    if not isinstance(kind, str) or kind not in classes:
        return experiment
    models = experiment.get("models")
    for name in classes[kind].shared:
        if name not in experiment:
            continue
        shared = experiment.pop(name)
        for model in models.values() if isinstance(models, dict) else ():
            if isinstance(model, dict):
                model[name] = merged(shared, model[name]) if name in model else shared
    return classes[kind].prepared(experiment)


def merged(base: Any, over: Any) -> Any:
    """``over`` on top of ``base``, key by key; a mapping of another ``kind`` replaces instead of mixing."""
    both = isinstance(base, dict) and isinstance(over, dict)
    if not both or base.get("kind") != over.get("kind", base.get("kind")):
        return over
    return base | {key: merged(base[key], value) if key in base else value for key, value in over.items()}


# Errors in words ---------------------------------------------------------------------------------


class Explanation:
    """The errors of one configuration, in words; ``raw`` is what a person wrote."""

    def __init__(self, raw: Mapping[str, Any], kinds: "Mapping[str, Kind]") -> None:
        self.raw, self.kinds = raw, kinds
        self.shared = {name for kind in kinds.values() for name in kind.config.shared}
        self.tags = set(_literals(_classes())) | {"name", "text"}

    def lines(self, error: ValidationError) -> Iterable[str]:
        """A line for each error, with its place."""
        return [f"  {self._place(one['loc'])}: {self._reason(one)}" for one in error.errors()]

    def _place(self, location: tuple[int | str, ...]) -> str:
        # pydantic puts the chosen kind of a union into the path; a person did not write it there
        in_experiments = location[:1] == ("experiments",)
        parts = [p for i, p in enumerate(location) if not (i == 2 and in_experiments and p in self.kinds)]
        kept = [p for i, p in enumerate(parts) if not (p in self.tags and i and parts[i - 1] in UNIONS)]
        tagged = [
            i for i, p in enumerate(kept) if p == "curves" or kept[max(i - 1, 0)] in ("more_curves", "optimisers")
        ]
        kept = [p for i, p in enumerate(kept) if not (p in ("curves", "paths", "strings") and i - 1 in tagged)]
        in_shared = len(kept) > 4 and kept[4] in self.shared
        if in_shared and not self._states(kept) and self._states([*kept[:2], kept[4]]):
            kept = kept[:2] + kept[4:]  # what models share is written once, in their experiment
        return ".".join(str(part) for part in kept) or "(top level)"

    def _states(self, place: Sequence[int | str]) -> bool:
        """Whether the configuration says something there."""
        at: Any = self.raw
        for part in place:
            if not isinstance(at, Mapping) or part not in at:
                return False
            at = at[part]
        return True

    def _reason(self, one: Mapping[str, Any]) -> str:
        if one["type"] == "extra_forbidden":
            key = str(one["loc"][-1])
            close = difflib.get_close_matches(key, self._keys() - {key}, n=1, cutoff=0.7)  # perhaps in a wrong place
            return "unknown key" + (f"; did you mean '{close[0]}'?" if close else "")
        if one["type"] == "missing":
            return "this key is missing"
        message = one["msg"].removeprefix("Value error, ")
        if one["type"] == "union_tag_invalid" and "curves" in one["loc"] and next(iter(self.kinds)) in one["loc"]:
            separate = "'chain', 'bezier', 'path', 'string'"  # the last two have classes of their own
            message = message.replace("'chain', 'bezier'", separate)
        if one["type"] == "value_error" or isinstance(one["input"], Mapping):
            return message
        return f"{message} (it is {one['input']!r})"

    def _keys(self) -> set[str]:
        """All keys that a configuration knows, and all figures."""
        figures = {name for kind in self.kinds.values() for name in kind.figures}
        return {field for one in _classes() for field in one.model_fields} | figures


def _classes(base: type[Recipe] = Recipe) -> Iterator[type[Recipe]]:
    """All classes of recipes that are loaded."""
    for one in base.__subclasses__():
        yield one
        yield from _classes(one)


def _literals(classes: Iterable[type[Recipe]]) -> Iterator[str]:
    """The values of ``kind`` by which a configuration chooses one of several classes."""
    for one in classes:
        kind = one.model_fields.get("kind")
        if kind and get_origin(kind.annotation) is Literal:
            yield from get_args(kind.annotation)
