"""Fetch and verify one data set."""

import os
from pathlib import Path

from lossbars.datasets.load import load_dataset, load_text
from lossbars.datasets.specs import DATASETS, TextData
from lossbars.workflow.artefacts import write_streams
from lossbars.workflow.data_sets import DatasetSettings
from lossbars.workflow.work import Work

DOWNLOADS = Path("results/datasets/downloads")


def keep(settings: DatasetSettings) -> bool:
    """Whether the result is kept: a user's files may change, and what is made of them is not."""
    return settings.text is None and settings.name in DATASETS


def step(work: Work[DatasetSettings]) -> None:
    """Write the data set that the settings name, from files under ``LOSSBARS_DATA_ROOT`` or downloaded."""
    root = Path(os.environ["LOSSBARS_DATA_ROOT"]) if os.environ.get("LOSSBARS_DATA_ROOT") else None
    if work.settings.text:
        _text(work, work.settings.text, root)
        return
    name = work.settings.name
    data = load_dataset(name, root, DOWNLOADS)
    work.write_tensors("tensors", data.tensors, data.facts)
    print(f"[{name}] {len(data.train_x)} training and {len(data.test_x)} test samples, checksums verified")


def _text(work: Work[DatasetSettings], data: TextData, root: Path | None) -> None:
    """Write one training and one test text, piece by piece."""
    streams = load_text(data, root)
    write_streams(work.outputs["tensors"], streams, work.job, {"context": str(data.context)})
    print(f"[{data.title}] {streams['train'][0]} bytes of training and {streams['test'][0]} of test text")
