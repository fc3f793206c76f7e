"""Fetch and verify one data set."""

from pathlib import Path

from lossbars.datasets.load import load_dataset, text_streams
from lossbars.datasets.specs import DATASETS, TextData
from lossbars.workflow.artefacts import write_streams, write_tensors
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.result_store import Finished


def dataset(job: Job, downloads: Path, checkpoints: Path, out: Path, data_root: Path | None = None) -> None:
    """Write the data set that the job's recipe names, from files under ``data_root`` or downloaded."""
    if "text" in job.recipe:
        _text(job, data_root, out)
        return
    verified = job.recipe["name"] in DATASETS  # what a user's function returns may change, and is never kept
    kept = Finished(checkpoints, job, "", [], [out])
    if verified and kept.fetch():
        return
    data = load_dataset(job.recipe["name"], data_root, downloads)
    write_tensors(out, data.tensors, job, data.facts)
    if verified:
        kept.keep()
    print(
        f"[{job.recipe['name']}] {len(data.train_x)} training and {len(data.test_x)} test samples, checksums verified"
    )


def _text(job: Job, data_root: Path | None, out: Path) -> None:
    """Write one training and one test text, piece by piece. Its files may change, so it is never kept."""
    data = TextData(**job.recipe["text"])
    streams = text_streams(data, data_root)
    write_streams(out, streams, job, {"context": str(data.context)})
    print(f"[{data.title}] {streams['train'][0]} bytes of training and {streams['test'][0]} of test text")


if __name__ == "__main__":
    run(dataset)
