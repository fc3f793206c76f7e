"""Barcodes of subsets of one model's minima."""

from lossbars.barcodes.subsets import robustness
from lossbars.experiments.networks.settings import RobustnessSettings
from lossbars.experiments.networks.steps.complex import read_complexes
from lossbars.seeding import numpy_generator
from lossbars.workflow.work import Work


def step(work: Work[RobustnessSettings]) -> None:
    """Write the table of :func:`lossbars.barcodes.subsets.robustness`, of the plain complex."""
    recipe = work.settings.robustness
    plain = read_complexes(work)[""]
    random = numpy_generator(work.experiment, work.model, "robustness")
    work.write_table("table", robustness(plain.complex, recipe.sizes, recipe.max_subsets, random))
