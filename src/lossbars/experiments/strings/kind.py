"""Strings: level sets by Dynamic String Sampling (Freeman & Bruna 2017, §3). Loads no torch."""

from collections.abc import Iterator, Sequence
from typing import Any

from lossbars.experiments.strings.config import Connecting, StringSampling, StringsFigure, StringsModel, StringsSettings
from lossbars.experiments.strings.costs import string_request
from lossbars.workflow.blocks import blocks
from lossbars.workflow.common_rules import gather
from lossbars.workflow.data_sets import dataset_task
from lossbars.workflow.kind import FigureKind, Kind, reading, titled
from lossbars.workflow.landscape_rules import LandscapeSettings
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import Request, short_request
from lossbars.workflow.tasks import Inputs, Rule, Task, files
from lossbars.workflow.training_settings import TrainingSettings

ROOM = "lossbars.experiments.strings"
STRINGS = Rule(
    "strings",
    f"{ROOM}.steps.strings",
    {
        "tensors": "{experiment}/{model}/strings/{part}.safetensors",
        "table": "{experiment}/{model}/strings/{part}.parquet",
    },
)
OF_ANSWERS = reading(answers=("gather", "table"))


def with_metrics(config: StringSampling, figure: str, module: str) -> StringsFigure:
    """The settings of a figure, with the measure that each model's thresholds bound."""
    metrics: dict[str, str] = {key: model.level.metric for key, model in config.models.items()}
    return titled(config, figure, module, StringsFigure, metrics=metrics)


class StringsKind(Kind):
    """Pairs of networks, or of places of landscapes, at falling thresholds."""

    name = "strings"
    config = StringSampling
    rules = (STRINGS,)
    figures = {
        "string-lengths": FigureKind(
            f"{ROOM}.figures.lengths",
            OF_ANSWERS,
            "Normalised length of strings between models, and their number of beads, against the threshold.",
            with_metrics,
        ),
        "string-answers": FigureKind(
            f"{ROOM}.figures.answers",
            OF_ANSWERS,
            "Share of pairs of models that strings connect, against the threshold.",
            with_metrics,
        ),
        "string-views": FigureKind(
            f"{ROOM}.figures.views",
            reading(answers=("gather", "table"), strings=("strings", "tensors")),
            "Strings along the principal components of their beads, coloured by the loss or error there.",
            with_metrics,
        ),
    }
    claims_module = f"{ROOM}.claims.catalogue"

    def tasks(self, plan: Plan, experiment: str) -> Iterator[Task]:
        """The data set where there is one, strings of each model, and the table of all answers."""
        config: StringSampling = plan.experiments[experiment]  # type: ignore[assignment]
        data = dataset_task(plan, experiment) if config.data is not None else None
        if data:
            yield data
        every = []
        for key, model in config.models.items():
            reads = {"data": [data["tensors"]]} if data and model.network else {}
            settings, chosen = _settings(plan, experiment, model)
            for part in blocks(config.pairs, config.pairs_per_job):
                task = STRINGS.task(
                    plan, settings, reads, experiment=experiment, model=key, part=part, extra_modules=chosen
                )
                every.append(task)
                yield task
        yield gather(plan, experiment, "strings", files(every, "table"))

    def claims_inputs(self, tasks: Sequence[Task]) -> Inputs:
        """The table of all answers."""
        return OF_ANSWERS(None, tasks)

    def request(self, plan: Plan, task: Task) -> Request:
        """Computed for the strings; the other tasks are short."""
        return string_request(plan, task) if task.rule == STRINGS.name else short_request(task.rule)

    def example(self) -> dict[str, Any]:
        """Two pairs of a small perceptron, and a small perceptron with its permuted copies."""
        net = {"kind": "perceptron", "hidden": [3], "box": 2.0}
        cubic = net | {"task": "cubic", "activation": "tanh", "biases": True, "error": "l1"}
        points = net | {"task": "permuted-points", "activation": "relu", "biases": False}
        return {
            "kind": "strings",
            "title": "Strings",
            "pairs": 2,
            "pairs_per_job": 1,
            "device": "cpu",
            "thresholds": [0.5, 0.25],
            "strings": {
                "optimiser": "adam",
                "schedule": {"kind": "constant", "lr": 1.0e-2},
                "epochs": 200,
                "check_every": 10,
                "family": {"kind": "string", "rounds": 4},
                "grid": {"between": 5, "refinements": 1},
            },
            "models": {
                "swapped": {"landscape": points, "ends": "swapped", "reuse": False},
                "cubic": {"label": "a cubic", "landscape": cubic},
            },
        }


def _settings(plan: Plan, experiment: str, model: StringsModel) -> tuple[StringsSettings, tuple[str, ...]]:
    """The settings of a model's strings, and the modules that they choose."""
    same = {name: getattr(model, name) for name in Connecting.model_fields}
    if model.network:
        training = TrainingSettings.of(plan, experiment, model.network)
        return StringsSettings(**same, training=training, landscape=None), (model.network.module,)
    assert model.landscape
    landscape = LandscapeSettings.of(model.landscape)
    return StringsSettings(**same, training=None, landscape=landscape), model.landscape.modules
