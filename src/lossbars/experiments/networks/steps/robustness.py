"""Barcodes of subsets of one model's minima."""

from pathlib import Path

from lossbars.barcodes.subsets import robustness as subset_barcodes
from lossbars.experiments.networks.steps.complex import read_complex
from lossbars.recipes import Robustness
from lossbars.seeding import numpy_generator
from lossbars.workflow.artefacts import write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job


def robustness(job: Job, filtered: Path, out: Path) -> None:
    """Write the table of :func:`lossbars.barcodes.subsets.robustness`."""
    recipe = Robustness(**job.recipe["robustness"])
    random = numpy_generator(job.experiment, job.model, "robustness")
    found = read_complex(filtered, job.expects["complex"])
    write_table(out, subset_barcodes(found, recipe.sizes, recipe.max_subsets, random), job)


if __name__ == "__main__":
    run(robustness)
