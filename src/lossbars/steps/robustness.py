"""Barcodes of subsets of one model's minima."""

from pathlib import Path

from lossbars.artefacts import write_table
from lossbars.job import Job
from lossbars.recipes import Robustness
from lossbars.robustness import robustness as subset_barcodes
from lossbars.seeding import numpy_generator
from lossbars.steps.command import run
from lossbars.steps.complex import read_complex


def robustness(job: Job, filtered: Path, out: Path) -> None:
    """Write the table of :func:`lossbars.robustness.robustness`."""
    recipe = Robustness(**job.recipe["robustness"])
    random = numpy_generator(job.experiment, job.model, "robustness")
    found = read_complex(filtered, job.expects["complex"])
    write_table(out, subset_barcodes(found, recipe.sizes, recipe.max_subsets, random), job)


if __name__ == "__main__":
    run(robustness)
