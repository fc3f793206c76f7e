"""Reading what other jobs trained: each file under the key that the reading job expects of it."""

from pathlib import Path

import pandas as pd
from torch import Tensor

from lossbars.workflow.artefacts import made_by, read_table, read_tensors
from lossbars.workflow.blocks import groups_of
from lossbars.workflow.job import Job


def expected_key(job: Job, name: str, path: Path) -> str:
    """The key that a file must carry; ``name`` is its kind, or ``kind/model``.

    Where minima come in groups there is a key for the corners' groups, which the file's name tells.
    """
    foreign = "none: this file is no input of the job"
    if name in job.expects:
        return job.expects[name]
    return job.expects.get(f"{name}/{groups_of(path.stem)}", foreign) if path.stem[:1].isdigit() else foreign


def read_minima(paths: list[Path], job: Job) -> dict[int, Tensor]:
    """Seed → θ (d), of all the blocks given."""
    minima: dict[int, Tensor] = {}
    for path in paths:
        tensors, _ = read_tensors(path, expected_key(job, "minima", path))
        minima |= dict(zip(tensors["seeds"].tolist(), tensors["theta"], strict=True))
    return minima


def parted(curves: list[Path]) -> tuple[list[Path], list[Path]]:
    """Curves as they are, and those whose ends were matched by a permutation of units, which join other points."""
    aligned = [path for path in curves if made_by(path).recipe.get("curves", {}).get("align", "none") != "none"]
    return [path for path in curves if path not in set(aligned)], aligned


def read_models(paths: list[Path], job: Job, kind: str) -> pd.DataFrame:
    """Tables of one kind of several models, put together, with a column ``model`` before the others."""
    parts = []
    for path in paths:
        model = made_by(path).model
        table = read_table(path, expected_key(job, f"{kind}/{model}", path))
        table.insert(0, "model", model)
        parts.append(table)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"model": pd.Series(dtype=str)})


def read_trained(paths: list[Path], job: Job) -> pd.DataFrame:
    """As :func:`read_models`, of minima, curves or triangles by any recipe: its kind is the column ``by``."""
    tables = []
    for path in paths:
        kind = made_by(path).kind
        tables.append(read_models([path], job, kind).assign(by=kind))
    return pd.concat(tables, ignore_index=True) if tables else read_models([], job, "")
