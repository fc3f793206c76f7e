"""The plan of a run: from the configuration to tasks and paths. Loads no torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lossbars.workflow import data_sets
from lossbars.workflow.common_rules import claims_task, figure_task
from lossbars.workflow.config import load_config
from lossbars.workflow.experiment import ExperimentConfig, Scale
from lossbars.workflow.kind import Kind
from lossbars.workflow.resources import Request, short_request
from lossbars.workflow.tasks import Task


class Plan:
    """What is to be made, by which task, and where it goes.

    ``raw`` is the configuration as read, ``kinds`` the kinds of experiments that it may have.
    """

    def __init__(self, raw: Mapping[str, Any], kinds: Mapping[str, Kind]) -> None:
        config = load_config(raw, kinds)
        self.kinds = kinds
        self.scale = config.scale
        self.data_root = _folder(config.data_root)
        self.cache = _folder(config.cache)
        self.experiments: dict[str, ExperimentConfig] = {
            key: one if config.scale == Scale() else one.scaled(config.scale) for key, one in config.experiments.items()
        }
        self.results = results_folder(config.scale)
        self.given: Mapping[str, Any] = raw["experiments"]  # as a person wrote them
        self._tasks: dict[str, list[Task]] = {}

    def kind(self, experiment: str) -> Kind:
        """The kind of an experiment."""
        return self.kinds[self.experiments[experiment].kind]

    def scale_of(self, experiment: str) -> dict[str, float]:
        """The parts of the scale that experiments of this kind know."""
        return {name: getattr(self.scale, name) for name in self.experiments[experiment].shrinks}

    # Tasks ----------------------------------------------------------------------------------------

    def tasks(self, experiment: str) -> list[Task]:
        """All tasks of an experiment, inputs before what is made of them; the documents apart."""
        if experiment not in self._tasks:
            made = list(self.kind(experiment).tasks(self, experiment))
            drawn = [figure_task(self, experiment, one, made) for one in self.experiments[experiment].figures]
            self._tasks[experiment] = [*made, *drawn, claims_task(self, experiment, made)]
        return self._tasks[experiment]

    def claims(self, experiment: str) -> Task:
        """The claims of an experiment."""
        return self.tasks(experiment)[-1]

    def figures(self, experiment: str) -> list[Task]:
        """The figures of an experiment."""
        return [task for task in self.tasks(experiment) if task.rule == "figure"]

    def request(self, task: Task) -> Request:
        """What a task asks of the machine at its first attempt."""
        if not task.experiment:
            return short_request(task.rule)
        return self.kind(task.experiment).request(self, task)

    def result_bytes(self, task: Task) -> int:
        """About how many bytes the results of a task take on the disk; 0 where they are too small to count."""
        return self.kind(task.experiment).result_bytes(self, task) if task.experiment else 0

    # Names and paths ------------------------------------------------------------------------------

    @property
    def paper(self) -> list[str]:
        """Experiments of the target ``paper``: all but the default, and those that lack their text."""
        return [key for key in self.experiments if key != "digits" and not data_sets.lacks_text(self, key)]


def _folder(path: str | None) -> str | None:
    """A folder with ``~`` expanded; a relative one stays relative to the working folder."""
    return None if path is None else str(Path(path).expanduser())


def results_folder(scale: Scale) -> str:
    """Budgets never mix: each scale has a folder of its own."""
    if scale == Scale():
        return "results"
    parts = {name: f"{value:g}" for name, value in scale.model_dump().items()}
    if len(set(parts.values())) == 1:
        return f"results/scale={scale.epochs:g}"
    return "results/scale=" + ",".join(f"{name}-{value}" for name, value in parts.items() if value != "1")
