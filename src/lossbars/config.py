"""config.yaml → :class:`lossbars.experiments.Config`, with errors that a person can act on."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from lossbars import experiments, recipes
from lossbars.experiments import Config, Experiment, Model, Scale

SHARED = ("minima", "curves", "triangles")  # an experiment may state these once for all of its models


class ConfigError(ValueError):
    """The configuration cannot be run; the text says where and why."""


def load_config(raw: Mapping[str, Any]) -> Config:
    """Check the whole configuration.

    ``minima``, ``curves`` and ``triangles`` of an experiment hold for each of its models; what a model
    states itself goes before. Raises ConfigError, naming every key that is wrong and its place.
    """
    merged = {key: _with_shared_recipes(value) if key == "experiments" else value for key, value in raw.items()}
    try:
        return Config(**merged)
    except ValidationError as error:
        raise ConfigError("the configuration cannot be run:\n" + "\n".join(_explain(error, raw))) from None


def scaled(experiment: Experiment, scale: Scale) -> Experiment:
    """The same experiment at a fraction of its budget: fewer epochs, seeds and training samples.

    Epochs that a schedule names shrink with the epochs. At least one epoch, two seeds (three where there
    are triangles) are left; samples shrink when the landscape is made, since only it knows how many there are.
    """
    if scale == Scale():
        return experiment
    fewest = 3 if any(model.triangles for model in experiment.models.values()) else 2
    seeds = max(fewest, round(experiment.seeds * scale.seeds))
    models = {key: _scaled_model(model, scale.epochs) for key, model in experiment.models.items()}
    robustness = experiment.robustness
    if robustness:
        sizes = sorted({min(size, max(2, seeds - 1)) for size in robustness.sizes})  # of all minima there is one set
        robustness = robustness.model_copy(update={"sizes": sizes})
    return experiment.model_copy(update={"seeds": seeds, "models": models, "robustness": robustness})


def _scaled_model(model: Model, factor: float) -> Model:
    descents = {name: getattr(model, name) for name in SHARED if getattr(model, name) is not None}
    return model.model_copy(update={name: _scaled_descent(descent, factor) for name, descent in descents.items()})


def _scaled_descent(descent: recipes.Descent, factor: float) -> recipes.Descent:
    schedule = descent.schedule
    if isinstance(schedule, recipes.Ramp):
        schedule = schedule.model_copy(update={"m1": schedule.m1 * factor, "m2": schedule.m2 * factor})
    return descent.model_copy(update={"epochs": max(1, round(descent.epochs * factor)), "schedule": schedule})


def _with_shared_recipes(stated: Any) -> Any:
    if not isinstance(stated, Mapping):
        return stated
    return {key: _spread(deepcopy(value)) for key, value in stated.items()}


def _spread(experiment: Any) -> Any:
    """Copy the recipes that an experiment shares into each of its models."""
    if not isinstance(experiment, dict):
        return experiment
    models = experiment.get("models")
    for name in SHARED:
        if name not in experiment:
            continue
        shared = experiment.pop(name)
        for model in models.values() if isinstance(models, dict) else ():
            if isinstance(model, dict):
                model[name] = _merged(shared, model[name]) if name in model else shared
    return experiment


def _merged(base: Any, own: Any) -> Any:
    """``own`` over ``base``; a mapping of another ``kind`` replaces instead of mixing."""
    if not isinstance(base, dict) or not isinstance(own, dict) or base.get("kind") != own.get("kind", base.get("kind")):
        return own
    return base | {key: _merged(base[key], value) if key in base else value for key, value in own.items()}


def _explain(error: ValidationError, raw: Mapping[str, Any]) -> Iterable[str]:
    seen = set()
    for one in error.errors():
        line = f"  {_place(one['loc'], raw)}: {_reason(one)}"
        if line not in seen:
            seen.add(line)
            yield line


def _place(location: tuple[int | str, ...], raw: Mapping[str, Any]) -> str:
    kinds = {"constant", "cyclical", "ramp", "garipov", "chain", "bezier", "mlp", "lenet", "custom"}
    parts = list(location)
    # pydantic puts the chosen kind of a union into the path; a person did not write it there
    kept = [
        p for i, p in enumerate(parts) if not (p in kinds and i and parts[i - 1] in {"schedule", "family", "network"})
    ]
    if len(kept) > 4 and kept[4] in SHARED and not _states(raw, kept) and _states(raw, [*kept[:2], kept[4]]):
        kept = kept[:2] + kept[4:]  # what models share is written once, in their experiment
    return ".".join(str(part) for part in kept) or "(top level)"


def _states(raw: Any, place: Sequence[int | str]) -> bool:
    """Whether the configuration says something there."""
    for part in place:
        if not isinstance(raw, Mapping) or part not in raw:
            return False
        raw = raw[part]
    return True


def _reason(one: Mapping[str, Any]) -> str:
    if one["type"] == "extra_forbidden":
        key = str(one["loc"][-1])
        close = difflib.get_close_matches(key, _all_keys(), n=1)
        return "unknown key" + (f"; did you mean '{close[0]}'?" if close else "")
    if one["type"] == "missing":
        return "this key is missing"
    message = one["msg"].removeprefix("Value error, ")
    if one["type"] == "value_error" or isinstance(one["input"], Mapping):
        return message
    return f"{message} (it is {one['input']!r})"


def _all_keys() -> set[str]:
    known = [*vars(recipes).values(), *vars(experiments).values()]
    classes = [c for c in known if isinstance(c, type) and issubclass(c, BaseModel)]
    return {field for c in classes for field in c.model_fields} | set(get_args(experiments.Figure))
