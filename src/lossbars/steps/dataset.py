"""Fetch and verify one data set."""

from pathlib import Path

from lossbars.artefacts import write_tensors
from lossbars.datasets import load_dataset
from lossbars.job import Job
from lossbars.network_specs import DATASETS
from lossbars.steps.command import run
from lossbars.store import Finished


def dataset(job: Job, downloads: Path, checkpoints: Path, out: Path, data_root: Path | None = None) -> None:
    """Write the data set that the job's recipe names, from files under ``data_root`` or downloaded."""
    verified = job.recipe["name"] in DATASETS  # what a user's function returns may change, and is never kept
    kept = Finished(checkpoints, job, "", [], [out])
    if verified and kept.fetch():
        return
    data = load_dataset(job.recipe["name"], data_root, downloads)
    write_tensors(out, vars(data), job)
    if verified:
        kept.keep()
    print(
        f"[{job.recipe['name']}] {len(data.train_x)} training and {len(data.test_x)} test samples, checksums verified"
    )


if __name__ == "__main__":
    run(dataset)
