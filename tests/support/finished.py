"""A folder in which all results of a plan are there, small and made by nothing: for what looks at results alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml

from lossbars.documents.plan import Jobs, documents
from lossbars.workflow.artefacts import write_records, write_table, write_tensors
from lossbars.workflow.code_record import record_code
from lossbars.workflow.job import Job
from lossbars.workflow.marks import mark, write_document
from lossbars.workflow.plan import Plan
from lossbars.workflow.tasks import Expected, expected
from support.workflow import TINY, TINY_B, own

EXPERIMENTS = {"tiny": TINY, "tiny-b": TINY_B}


def jobs(experiments: Mapping[str, Any] = EXPERIMENTS) -> Jobs:
    """Of these experiments."""
    return Jobs(Plan({"experiments": own(experiments)}))


def write(one: Expected, job: Job | None = None) -> None:
    """One artefact, as made by its own job or by another."""
    path, maker = Path(one.path), job or one.job
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


def finish(made: Jobs, experiments: Sequence[str] = ()) -> dict[str, Expected]:
    """Write all results of the experiments below the working folder, with config.yaml; returns them by path."""
    asked = list(experiments or made.plan.experiments)
    found = [one for key in asked for one in expected(made, key)] + documents(made, asked)
    artefacts = {one.path: one for one in found}
    for one in artefacts.values():
        write(one)
    record_code(made)
    Path("config.yaml").write_text(yaml.safe_dump({"experiments": own(dict(made.plan.given))}))
    return artefacts
