"""Checks of users' networks: each is built, and looked at as the first job would."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lossbars.cli.finding import Finding, fail, ok
from lossbars.datasets.specs import DATASETS, TextData
from lossbars.networks.specs import CustomNetwork
from lossbars.workflow.data_sets import data_of, dataset_task
from lossbars.workflow.plan import Plan
from lossbars.workflow.tasks import Task
from lossbars.workflow.training_settings import TrainingSettings
from lossbars.workflow.validity import condition

if TYPE_CHECKING:
    from lossbars.datasets.dataset import Dataset

BATCH = 128  # samples on which a chain of layers is compared with autograd


def network_checks(plan: Plan, experiments: Sequence[str]) -> Iterator[Finding]:
    """A finding for each user's network of the experiments, which is built where its data set is at hand."""
    for key in experiments:
        if not plan.experiments[key].data_set:
            continue
        first = {
            task.model: task
            for task in reversed(list(plan.tasks(key)))
            if isinstance(task.settings, TrainingSettings) and isinstance(task.settings.network, CustomNetwork)
        }
        for task in first.values():
            yield _checked(plan, task)


def _checked(plan: Plan, task: Task) -> Finding:
    """Whether a job that trains a user's network could begin."""
    import torch  # takes seconds, so only where there is such a network

    from lossbars.workflow.training_step import make_landscape

    settings = task.settings
    assert isinstance(settings, TrainingSettings) and isinstance(settings.network, CustomNetwork)
    name = f"network {settings.network.source} of {task.experiment}/{task.model}"
    try:
        data = _data(plan, task, settings)
        if data is None:
            return ok(f"{name}: will be looked at when its data set is there")
        landscape = make_landscape(settings, data, BATCH, torch.device("cpu"))
    except Exception as error:  # a user's code may raise anything
        return fail(f"{name}: {error or type(error).__name__}", f"mend {settings.network.source.partition(':')[0]}")
    return ok(f"{name}: {landscape.dim:,} parameters, {landscape.output_numbers} numbers for a sample")


def _data(plan: Plan, task: Task, settings: TrainingSettings) -> "Dataset | None":
    """The data set of a task where it is at hand: it was fetched, comes with a package, or a file of the user's."""
    from lossbars.datasets.load import load_dataset
    from lossbars.workflow.training_step import read_data
    from lossbars.workflow.work import Work

    fetched, name = dataset_task(plan, task.experiment), data_of(plan, task.experiment)
    if condition(Path(fetched.path), fetched.key) is None:
        return read_data(Work.of(task), settings)
    if isinstance(name, TextData) or (name in DATASETS and not DATASETS[name].comes_with):
        return None
    return load_dataset(name, Path(plan.data_root) if plan.data_root else None, Path())
