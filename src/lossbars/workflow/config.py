"""config.yaml → experiments, checked before the first job runs, with errors for a person. Loads no torch."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args

from pydantic import Field, ValidationError, create_model, model_validator

from lossbars.recipes import Recipe, yaml_number
from lossbars.workflow.experiment import ExperimentConfig, Scale, check_key, reserved

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from lossbars.workflow.kind import Kind


MOST_KEYS = 4  # of a recipe, that an error names


class Config(Recipe):
    """config.yaml; :func:`config_class` derives the class whose experiments are of given kinds."""

    data_root: str | None = None  # files already on disk, in torchvision's layout
    cache: str | None = None  # folder of finished results that clones and users share
    scale: Scale = Scale()
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
    spread = dict(raw)
    if "scale" in raw:
        spread["scale"] = _scale_shorthand(raw["scale"])
    if "experiments" in raw:
        spread["experiments"] = _with_shared_recipes(raw["experiments"], classes)
    lines = [*_unknown_figures(spread.get("experiments"), kinds), *_names_of_rules(spread.get("experiments"), kinds)]
    try:
        config = config_class(*classes.values())(**spread)
    except ValidationError as error:
        lines += Explanation(raw, spread, kinds).lines(error)
    if lines:
        raise ConfigError("the configuration cannot be run:\n" + "\n".join(dict.fromkeys(lines)))
    return config


def _scale_shorthand(value: Any) -> Any:
    """One number is the share of every part of the budget."""
    value = yaml_number(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return dict.fromkeys(Scale.model_fields, float(value))
    return value


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
        experiment["figures"] = [figure for figure in figures if not isinstance(figure, str) or figure in known]


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
    """The errors of one configuration, in words.

    ``raw`` is what a person wrote, ``spread`` has the recipes that an experiment shares in each of its models.
    """

    def __init__(self, raw: Mapping[str, Any], spread: Mapping[str, Any], kinds: "Mapping[str, Kind]") -> None:
        self.raw, self.spread, self.kinds = raw, spread, kinds

    def lines(self, error: ValidationError) -> list[str]:
        """A line for each error, with its place."""
        return [f"  {self._place(details)}: {self._reason(details)}" for details in error.errors()]

    def _place(self, details: "ErrorDetails") -> str:
        """The keys that lead to an error; pydantic has the names of the classes that it tried between them."""
        location = list(details["loc"])
        if self._kind(location):
            del location[2]
        place = _stated(location, self.spread)
        if details["type"] == "missing":
            place.append(location[-1])
        shared = {name for kind in self.kinds.values() for name in kind.config.shared}
        if len(place) > 4 and place[4] in shared and _stated(place, self.raw) != place:
            in_experiment = [*place[:2], *place[4:]]  # what models share is written once, in their experiment
            if _stated(in_experiment[:3], self.raw) == in_experiment[:3]:
                place = in_experiment
        return ".".join(str(part) for part in place) or "(top level)"

    def _kind(self, location: Sequence[int | str]) -> "Kind | None":
        """The kind of the experiment in which an error is."""
        return self.kinds.get(str(location[2])) if len(location) > 2 and location[0] == "experiments" else None

    def _reason(self, details: "ErrorDetails") -> str:
        if details["type"] == "extra_forbidden":
            key = str(details["loc"][-1])
            close = difflib.get_close_matches(key, self._keys() - {key}, n=1, cutoff=0.7)  # perhaps in a wrong place
            return "unknown key" + (f"; did you mean '{close[0]}'?" if close else "")
        if details["type"] == "missing":
            return "this key is missing"
        if details["type"] in ("model_type", "model_attributes_type", "dict_type", "list_type"):
            return _expected(details)
        message = details["msg"].removeprefix("Value error, ")
        if kind := self._kind(details["loc"]):
            message = kind.config.reworded(message, details["loc"])
        if details["type"] == "value_error" or isinstance(details["input"], Mapping):
            return message
        return f"{message} (it is {details['input']!r})"

    def _keys(self) -> set[str]:
        """All keys that a configuration knows, and all figures."""
        figures = {name for kind in self.kinds.values() for name in kind.figures}
        return {key for recipe in _subclasses(Recipe) for key in recipe.model_fields} | figures


def _expected(details: "ErrorDetails") -> str:
    """What a mapping or a list should have been in place of, say, ``false``; null where the key may be turned off."""
    if details["type"] == "list_type":
        expected = "a list of values, [] for none"
    else:
        name = details.get("ctx", {}).get("class_name")
        recipe = next((one for one in _subclasses(Recipe) if one.__name__ == name), None)
        keys = list(recipe.model_fields) if recipe else []
        expected = "keys with values"
        expected += f" ({', '.join(keys[:MOST_KEYS])}{', …' * (len(keys) > MOST_KEYS)})" if keys else ""
        expected += ", or null for none" if recipe and _may_be_null(recipe, details["loc"]) else ""
        expected += ", or one number for all of them" if recipe is Scale else ""
    value = details["input"]
    return f"expected {expected} (it is {str(value).lower() if isinstance(value, bool) else repr(value)})"


def _may_be_null(recipe: type[Recipe], location: Sequence[int | str]) -> bool:
    """Whether one of these keys takes this recipe or null."""
    fields = (one.model_fields.get(str(key)) for one in _subclasses(Recipe) for key in location)
    kinds = [get_args(field.annotation) for field in fields if field]
    return any(recipe in several and type(None) in several for several in kinds)


def _stated(location: Sequence[int | str], value: Any) -> list[int | str]:
    """The parts of a location that are keys of a configuration, or numbers of a list, each within the last."""
    place = list[int | str]()
    for part in location:
        if part in value if isinstance(value, Mapping) else isinstance(value, list) and isinstance(part, int):
            place.append(part)
            value = value[part]
    return place


def _subclasses(base: type[Recipe]) -> Iterator[type[Recipe]]:
    """All classes of recipes that are loaded."""
    for derived in base.__subclasses__():
        yield derived
        yield from _subclasses(derived)
