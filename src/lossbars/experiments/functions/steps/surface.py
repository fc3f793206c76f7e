"""The values of a landscape of two dimensions on a regular grid."""

from pathlib import Path

import pandas as pd
import torch

from lossbars.workflow.artefacts import write_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.landscape_step import read_landscape

POINTS = 201  # along each side


def surface(job: Job, out: Path) -> None:
    """Write a row per place of the grid: x, y, value; y runs fastest."""
    landscape, box = read_landscape(job)
    sides = [torch.linspace(low, high, POINTS, dtype=torch.float64) for low, high in box]
    places = torch.cartesian_prod(*sides)
    with torch.no_grad():
        value = landscape.loss(places)
    table = {"x": places[:, 0].numpy(), "y": places[:, 1].numpy(), "value": value.double().numpy()}
    write_table(out, pd.DataFrame(table), job)


if __name__ == "__main__":
    run(surface)
