"""config.yaml → :class:`lossbars.experiments.networks.config.Config`, with errors that a person can act on."""

import difflib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from lossbars import recipes
from lossbars.experiments.convergence.config import Convergence
from lossbars.experiments.escape import config as escape_experiments
from lossbars.experiments.escape.config import Escape
from lossbars.experiments.functions import config as function_experiments
from lossbars.experiments.functions.config import Functions
from lossbars.experiments.hessian import config as hessian_experiments
from lossbars.experiments.hessian.config import Hessians
from lossbars.experiments.networks import config as experiments
from lossbars.experiments.networks.config import Experiment, Model
from lossbars.experiments.saddles import config as saddle_experiments
from lossbars.experiments.saddles.config import Saddles
from lossbars.experiments.strings import config as string_experiments
from lossbars.experiments.strings.config import StringSampling
from lossbars.landscapes import specs as landscape_specs
from lossbars.networks import specs as network_specs
from lossbars.recipes import Descent, Recipe, yaml_number
from lossbars.workflow.experiment import Scale, check_key

SHARED = {  # what an experiment of a kind may state once for all of its models
    "networks": ("minima", "groups", "curves", "more_curves", "triangles", "more_triangles"),
    "functions": ("cloud", "optimised"),
    "convergence": ("cloud",),
    "escape": ("descent", "rates"),
    "saddles": ("optimisers",),
    "strings": ("strings", "ends", "thresholds", "reuse", "level"),
    "hessian": (),
}
AnyExperiment = Experiment | Functions | Convergence | Escape | Saddles | StringSampling | Hessians


def _networks_by_default(value: Any) -> Any:
    return {"kind": "networks"} | value if isinstance(value, dict) else value


def _scale_shorthand(value: Any) -> Any:
    value = yaml_number(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return dict.fromkeys(Scale.model_fields, float(value))
    return value


class Config(Recipe):
    """config.yaml, whole."""

    data_root: str | None = None  # files already on disk, in torchvision's layout
    cache: str | None = None  # folder of finished results that clones and users share
    scale: Annotated[Scale, BeforeValidator(_scale_shorthand)] = Scale()
    experiments: dict[
        str, Annotated[Annotated[AnyExperiment, Field(discriminator="kind")], BeforeValidator(_networks_by_default)]
    ]

    @model_validator(mode="after")
    def _keys(self) -> "Config":
        for key in self.experiments:
            check_key(key, "experiment")
        return self


class ConfigError(ValueError):
    """The configuration cannot be run; the text says where and why."""


def load_config(raw: Mapping[str, Any]) -> Config:
    """Check the whole configuration.

    The recipes that SHARED names for an experiment's kind hold for each of its models; what a model
    states itself goes before. Raises ConfigError, naming every key that is wrong and its place.
    """
    merged = {key: _with_shared_recipes(value) if key == "experiments" else value for key, value in raw.items()}
    try:
        return Config(**merged)
    except ValidationError as error:
        raise ConfigError("the configuration cannot be run:\n" + "\n".join(_explain(error, raw))) from None


def scaled(experiment: AnyExperiment, scale: Scale) -> AnyExperiment:
    """The same experiment at a fraction of its budget: fewer epochs, seeds, training samples, points or pairs.

    Of networks, at least one epoch, two seeds (three where there are triangles) are left; samples shrink when the
    landscape is made, since only it knows how many there are.
    """
    if scale == Scale():
        return experiment
    if not isinstance(experiment, Experiment):
        return experiment.scaled(scale)
    fewest = 3 if any(model.triangles for model in experiment.models.values()) else 2
    seeds = max(fewest, round(experiment.seeds * scale.seeds))
    models = {key: _scaled_model(model, scale.epochs) for key, model in experiment.models.items()}
    robustness = experiment.robustness
    if robustness:
        sizes = sorted({min(size, max(2, seeds - 1)) for size in robustness.sizes})  # of all minima there is one set
        robustness = robustness.model_copy(update={"sizes": sizes})
    fewer = {"seeds": seeds, "models": models, "robustness": robustness}
    embeddings = {key: one.scaled(scale.epochs) for key, one in experiment.embeddings.items()}
    return experiment.model_copy(update=fewer | {"embeddings": embeddings})


def _scaled_model(model: Model, factor: float) -> Model:
    one = {name: own.scaled(factor) for name in ("minima", "curves", "triangles") if (own := getattr(model, name))}
    named = {name: _scaled_each(getattr(model, name), factor) for name in ("more_curves", "more_triangles")}
    groups = {key: own.model_copy(update={"minima": own.minima.scaled(factor)}) for key, own in model.groups.items()}
    return model.model_copy(update=one | named | {"groups": groups})


def _scaled_each(recipes: Mapping[str, Descent], factor: float) -> dict[str, Descent]:
    return {name: own.scaled(factor) for name, own in recipes.items()}


def _with_shared_recipes(stated: Any) -> Any:
    if not isinstance(stated, Mapping):
        return stated
    return {key: _spread(deepcopy(value)) for key, value in stated.items()}


def _spread(experiment: Any) -> Any:
    """Copy the recipes that an experiment shares into each of its models."""
    if not isinstance(experiment, dict):
        return experiment
    models, kind = experiment.get("models"), experiment.get("kind", "networks")
    for name in SHARED.get(kind, ()) if isinstance(kind, str) else ():
        if name not in experiment:
            continue
        shared = experiment.pop(name)
        for model in models.values() if isinstance(models, dict) else ():
            if isinstance(model, dict):
                model[name] = _merged(shared, model[name]) if name in model else shared
    for model in models.values() if isinstance(models, dict) else ():
        _spread_minima(model)
    return experiment


def _spread_minima(model: Any) -> None:
    """Copy a model's recipe for minima into each of its groups, which state what differs."""
    groups = model.get("groups") if isinstance(model, dict) else None
    for group in groups.values() if isinstance(groups, dict) and "minima" in model else ():
        if isinstance(group, dict):
            group["minima"] = _merged(model["minima"], group.get("minima", {}))


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
    kinds = {"constant", "cyclical", "ramp", "garipov", "steps", "chain", "bezier", "mlp", "lenet", "custom"}
    kinds |= {"function", "regression", "cnn", "resnet-195k", "resnet", "wide-resnet", "gpt", "two-point", "one-point"}
    kinds |= {"name", "text", "perceptron", "conv-fc", "lstm"}
    kinds |= {"random-matrices", "critical-points", "spectrum", "minimisers"}
    unions = {"schedule", "family", "network", "landscape", "data", "task"}
    # pydantic puts the chosen kind of a union into the path; a person did not write it there
    parts = [p for i, p in enumerate(location) if not (i == 2 and location[0] == "experiments" and p in SHARED)]
    kept = [p for i, p in enumerate(parts) if not (p in kinds and i and parts[i - 1] in unions)]
    tagged = [i for i, p in enumerate(kept) if p == "curves" or kept[max(i - 1, 0)] in ("more_curves", "optimisers")]
    kept = [p for i, p in enumerate(kept) if not (p in ("curves", "paths", "strings") and i - 1 in tagged)]
    shared = set(itertools.chain(*SHARED.values()))
    if len(kept) > 4 and kept[4] in shared and not _states(raw, kept) and _states(raw, [*kept[:2], kept[4]]):
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
        others = _all_keys() - {key}  # a known one may be in the wrong place
        close = difflib.get_close_matches(key, others, n=1, cutoff=0.7)
        return "unknown key" + (f"; did you mean '{close[0]}'?" if close else "")
    if one["type"] == "missing":
        return "this key is missing"
    message = one["msg"].removeprefix("Value error, ")
    if one["type"] == "union_tag_invalid" and "curves" in one["loc"] and "networks" in one["loc"]:
        own_classes = "'chain', 'bezier', 'path', 'string'"  # the last two are classes of their own
        message = message.replace("'chain', 'bezier'", own_classes)
    if one["type"] == "value_error" or isinstance(one["input"], Mapping):
        return message
    return f"{message} (it is {one['input']!r})"


def _all_keys() -> set[str]:
    modules = (
        recipes,
        experiments,
        network_specs,
        function_experiments,
        escape_experiments,
        saddle_experiments,
        string_experiments,
        hessian_experiments,
        landscape_specs,
    )
    known = [Config, *(found for module in modules for found in vars(module).values())]
    classes = [c for c in known if isinstance(c, type) and issubclass(c, BaseModel)]
    figures = {*get_args(experiments.Figure), *get_args(function_experiments.FunctionFigure)}
    figures |= set(get_args(escape_experiments.EscapeFigure)) | set(get_args(saddle_experiments.SaddlesFigure))
    figures |= set(get_args(string_experiments.StringsFigure))
    figures |= set(get_args(hessian_experiments.HessianFigure))
    return {field for c in classes for field in c.model_fields} | figures
