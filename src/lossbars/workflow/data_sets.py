"""The data sets of a plan: where their files are, and the task that fetches each. Loads no torch."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from lossbars.datasets.specs import DATASETS, TextData, is_text, module_of
from lossbars.recipes import Recipe
from lossbars.workflow.fingerprint import user_file
from lossbars.workflow.tasks import Rule, Task

if TYPE_CHECKING:
    from lossbars.workflow.plan import Plan

DATASET = Rule(
    "dataset",
    "lossbars.workflow.dataset_step",
    {"tensors": "datasets/{model}.safetensors"},
    shared=True,
    local=True,
    on_demand=True,
)


class DatasetSettings(Recipe):
    """Which data set is fetched."""

    name: str  # of a known data set, or FILE:FUNCTION; of a text what documents call it
    text: TextData | None = None
    data_set_file: str | None = None  # fingerprint of a user's file


def data_of(plan: "Plan", experiment: str) -> str | TextData:
    """The data set of an experiment that has one. Raises ValueError of others."""
    data = plan.experiments[experiment].data_set
    if data is None:
        raise ValueError(f"{experiment} has no data set")
    return data


def data_key(plan: "Plan", experiment: str) -> str:
    """The name of a data set's file: of a known one its name, of a user's data the experiment's name.

    Experiments on one text share a file, which is named by what the configuration says of the text.
    """
    data = data_of(plan, experiment)
    if isinstance(data, TextData):
        return f"text-{hashlib.sha256(data.model_dump_json().encode()).hexdigest()[:8]}"
    return data if data in DATASETS else f"{experiment}-data"


def data_sets(plan: "Plan") -> dict[str, str | TextData]:
    """Every data set's key, and its name or where its text is."""
    return {data_key(plan, key): data_of(plan, key) for key, one in plan.experiments.items() if one.data_set}


def dataset_task(plan: "Plan", experiment: str) -> Task:
    """Fetching the data set of an experiment; experiments on one data set share the result."""
    data, key = data_of(plan, experiment), data_key(plan, experiment)
    if isinstance(data, TextData):
        settings = DatasetSettings(name=data.title, text=data)
    else:
        settings = DatasetSettings(name=data, data_set_file=user_file(None if data in DATASETS else data, "data"))
    return DATASET.task(plan, settings, model=key, extra_modules=(module_of(data),))


def lacks_text(plan: "Plan", experiment: str) -> bool:
    """Whether an experiment is on a text that nobody has put there; other data are downloaded."""
    data = plan.experiments[experiment].data_set
    if data is None or not is_text(data) or Path(dataset_task(plan, experiment).path).is_file():
        return False
    if not isinstance(data, TextData):
        needs = DATASETS[data].needs
        return plan.data_root is None or not all((Path(plan.data_root) / name).is_file() for name in needs)
    place = Path(plan.data_root or "") / Path(data.path).expanduser()
    return not (place.is_file() or (place.is_dir() and any(place.iterdir())))
