"""Do curves hide higher places between those that were measured? Their objective on a dense grid.

    python benchmarks/dense_profiles.py CURVES DATA [--places 1001]

CURVES is a file of chains or Bezier curves (results/EXPERIMENT/MODEL/curves*/*.safetensors), DATA its data set
(results/datasets/*.safetensors). Printed, for each curve: the maximum in its table, that of the dense grid, and its
ends.
"""

import argparse
from pathlib import Path

import torch

from lossbars.landscapes.objective import objective
from lossbars.recipes import Grid
from lossbars.simplices import Bezier, Chain
from lossbars.simplices.profiles import profiles
from lossbars.simplices.simplex import Simplices
from lossbars.workflow.artefacts import made_by, read_table, read_tensors
from lossbars.workflow.training_settings import TrainingSettings
from lossbars.workflow.training_step import make_landscape, read_data
from lossbars.workflow.work import Work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curves", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--places", type=int, default=1001)
    options = parser.parse_args()
    torch.set_num_threads(1)
    job = made_by(options.curves)
    tensors, facts = read_tensors(options.curves)
    bends = tensors["nodes"].shape[1] - 2
    family = {"bezier": Bezier, "chain": Chain}[facts["family"]](bends)
    stated = {name: job.recipe[name] for name in TrainingSettings.model_fields}
    settings = TrainingSettings.model_validate(stated, strict=False)
    data = read_data(Work(job, settings, "", {"data": [options.data]}, {}), settings)
    landscape = objective(make_landscape(settings, data, 128, torch.device("cpu")), job.recipe["weight_decay"])
    dense = profiles(landscape, Simplices(family, tensors["nodes"]), Grid(points=options.places, refinements=0))
    table = read_table(options.curves.with_suffix(".parquet"))
    known = table[table["kind"] == "curve"].groupby(["a", "b"])["objective"].max()
    for (a, b), profile in zip(tensors["pairs"].tolist(), dense, strict=True):
        ends = f"{float(profile.loss[0]):.3g} and {float(profile.loss[-1]):.3g}"
        print(f"{a}+{b}: in the table {known[a, b]:.4g}, on {options.places} places {profile.value:.4g}, ends {ends}")


if __name__ == "__main__":
    main()
