"""Tabulate a landscape of two dimensions on a regular grid."""

import pandas as pd
import torch

from lossbars.landscapes.make import make_landscape
from lossbars.workflow.landscape_rules import LandscapeSettings
from lossbars.workflow.work import Work

POINTS = 201  # along each side


def step(work: Work[LandscapeSettings]) -> None:
    """Write a row per place of the grid: x, y, value; y runs fastest."""
    landscape, box = make_landscape(work.settings.landscape)
    sides = [torch.linspace(low, high, POINTS, dtype=torch.float64) for low, high in box]
    places = torch.cartesian_prod(*sides)
    with torch.no_grad():
        value = landscape.loss(places)
    table = {"x": places[:, 0].numpy(), "y": places[:, 1].numpy(), "value": value.double().numpy()}
    work.write_table("table", pd.DataFrame(table))
