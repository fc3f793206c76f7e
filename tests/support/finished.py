"""A folder in which all results of a plan are there, small and made by nothing: for what looks at results alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml

from lossbars.documents.plan import documents, experiment_tasks
from lossbars.workflow.artefacts import write_records, write_table, write_tensors
from lossbars.workflow.code_record import record_code
from lossbars.workflow.job import Job
from lossbars.workflow.marks import mark, write_document
from lossbars.workflow.plan import Plan
from lossbars.workflow.tasks import Task
from support.plans import copied, make_plan
from support.workflow import TINY, TINY_B

EXPERIMENTS = {"tiny": TINY, "tiny-b": TINY_B}


def plans(experiments: Mapping[str, Any] = EXPERIMENTS) -> Plan:
    """The plan of these experiments."""
    return make_plan(**experiments)


def write(name: str, maker: Job) -> None:
    """One artefact, as made by a job."""
    path = Path(name)
    match path.suffix:
        case ".safetensors":
            write_tensors(path, {"theta": torch.zeros(2)}, maker)
        case ".parquet":
            write_table(path, pd.DataFrame({"loss": [0.5]}), maker)
        case ".json":
            write_records(path, [{"bars": []}], maker)
        case ".pdf":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"%PDF {mark(maker)} %%EOF")
        case _:
            write_document(path, "text", maker)


def finish(plan: Plan, experiments: Sequence[str] = ()) -> dict[str, Task]:
    """Write all results of the experiments below the working folder, with config.yaml; the tasks by path."""
    asked = list(experiments or plan.experiments)
    tasks = [*(task for key in asked for task in experiment_tasks(plan, key)), *documents(plan, asked)]
    made = {path: task for task in tasks for path in task.outputs.values()}
    for path, task in made.items():
        write(path, task.job)
    record_code(tasks)
    Path("config.yaml").write_text(yaml.safe_dump({"experiments": copied(dict(plan.given))}))
    return made
