"""Draw one figure of an experiment."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lossbars.experiments.networks.embeddings.figure import embeddings as embeddings_figure
from lossbars.experiments.networks.figures.barcodes import barcodes
from lossbars.experiments.networks.figures.complexity import complexity
from lossbars.experiments.networks.figures.modulo import modulo
from lossbars.experiments.networks.figures.optimisers import optimisers
from lossbars.experiments.networks.figures.path_norms import path_norms
from lossbars.experiments.networks.figures.persistence import persistence
from lossbars.experiments.networks.figures.profiles import profiles
from lossbars.experiments.networks.figures.robustness import robustness as robustness_figure
from lossbars.experiments.networks.figures.string_bridge import string_bridge
from lossbars.experiments.networks.figures.to_score import to_score
from lossbars.experiments.networks.figures.triangle import triangle
from lossbars.plots.components import components
from lossbars.plots.style import save
from lossbars.plots.tables import by_recipe
from lossbars.workflow.artefacts import made_by, read_table, read_tensors
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.marks import mark
from lossbars.workflow.reading import expected_key, parted, read_models, read_trained


def figure(
    job: Job,
    bars: Path,
    minima: list[Path],
    curves: list[Path],
    paths: list[Path],
    triangles: list[Path],
    robustness: list[Path],
    embeddings: list[Path],
    pdf: Path,
    svg: Path,
) -> None:
    """Write the figure that the job's recipe names, as PDF and SVG."""
    if job.recipe["figure"] == "embeddings":
        table = read_models(embeddings, job, "embedding")
        drawn = embeddings_figure(table, job.recipe["labels"], job.recipe["title"])
    else:
        drawn = _draw(job, bars, minima, curves, paths, triangles, robustness)
    save(drawn, pdf, svg, mark(job))


def _draw(
    job: Job,
    bars: Path,
    minima: list[Path],
    curves: list[Path],
    paths: list[Path],
    triangles: list[Path],
    robustness: list[Path],
) -> Figure:
    labels = {model: job.recipe["labels"][model] for model in job.recipe["order"]}
    title = job.recipe["title"]
    table = read_table(bars, job.expects["tables"])
    match job.recipe["figure"]:
        case "barcodes":
            return barcodes(table, labels, title, groups=job.recipe.get("groups"))
        case "to-score":
            spread = read_models(robustness, job, "robustness") if robustness else None
            fewest = table[(table.dim == 0) & (table.convention == "direct")].groupby("model").size().min()
            if spread is not None and spread["size"].min() >= fewest:  # two minima have no smaller set with a bar
                spread = None
            return to_score(table, spread, labels, title)
        case "profiles":
            return profiles(read_trained(parted(curves)[0], job), labels, title)
        case "optimisers":
            return optimisers(read_trained(curves, job), labels, job.recipe["recipes"], title)
        case "string-bridge":
            own = read_trained(parted(curves)[0], job)
            return string_bridge(own, labels, job.recipe["strings"], title)
        case "modulo":
            plain, aligned = (read_trained(own, job) for own in parted(curves))
            return modulo(table, plain, aligned, labels, title)
        case "path-norms":
            norms, named = by_recipe(_norms(paths, job), labels, job.recipe["recipes"])
            return path_norms(norms, named, title)
        case "triangle":
            surfaces, named = by_recipe(read_trained(triangles, job), labels, job.recipe["recipes"])
            return triangle(surfaces, named, title)
        case "robustness":
            return robustness_figure(read_models(robustness, job, "robustness"), labels, title)
        case "persistence":
            return persistence(table, labels, title)
        case "complexity":
            return complexity(table, read_trained(minima, job), labels, job.recipe["networks"], title)
        case "one-saddles":
            return barcodes(table, labels, title, "merged", dim=1)
        case "components":
            return components(table, labels, title)
        case other:
            raise ValueError(f"unknown figure {other!r}")


def _norms(paths: list[Path], job: Job) -> pd.DataFrame:
    """A row per epoch, path and moving point: norms of the two parts of the gradient."""
    tables = []
    for path in paths:
        maker = made_by(path)
        tensors, _ = read_tensors(path, expected_key(job, f"{maker.kind}/{maker.model}", path))
        epochs, several, points = tensors["tangent"].shape
        rows = np.indices((epochs, several, points)).reshape(3, -1)
        names = np.array([f"{a}+{b}" for a, b in tensors["pairs"].tolist()])
        norms = {part: tensors[part].double().numpy().ravel() for part in ("tangent", "orthogonal")}
        columns = {
            "model": maker.model,
            "by": maker.kind,
            "epoch": rows[0] + 1,
            "path": names[rows[1]],
            "point": rows[2] + 1,
        }
        tables.append(pd.DataFrame(columns | norms))
    return pd.concat(tables, ignore_index=True)


if __name__ == "__main__":
    run(figure)
