"""Gather minima, curves and triangles of one model into its filtered complex."""

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from lossbars.barcodes.measured import Measured, MeasuredComplex
from lossbars.experiments.networks.settings import ComplexSettings
from lossbars.workflow.records import number
from lossbars.workflow.work import Work


def step(work: Work[ComplexSettings]) -> None:
    """Write every simplex with its value, the largest loss on it, and by what recipe it was optimised.

    If a pair has several curves, or a triple several triangles, the one with the lowest maximum is used. If curves were
    aligned, a second record is the complex modulo permutations of units. All curves are paths there, the aligned and
    the others; triangles are left out, since their sides are other curves.
    """
    tables = {option: work.trained(option) for option in ("minima", "curves", "triangles")}
    curves = tables["curves"][tables["curves"]["kind"] == "curve"]
    aligned = curves["by"].isin(work.settings.aligned)
    minima = list(_measured(tables["minima"], "seed"))
    triangles = list(_measured(tables["triangles"], "a", "b", "c"))
    plain = MeasuredComplex.of([*minima, *_measured(curves[~aligned], "a", "b"), *triangles])
    records = [_record(work, plain, modulo_permutations=False)]
    if aligned.any():
        modulo = MeasuredComplex.of([*minima, *_measured(curves, "a", "b")])
        records.append(_record(work, modulo, modulo_permutations=True))
    work.write_records("records", records)


def read_complexes(work: Work[Any]) -> list[MeasuredComplex]:
    """The complexes that :func:`step` wrote: the plain one, and the one modulo permutations if there is one."""
    return [
        MeasuredComplex.of(
            Measured(tuple(s["vertices"]), s["value"], s["by"], math.nan if s["residue"] is None else s["residue"])
            for s in record["simplices"]
        )
        for record in work.records("complex")
    ]


def _measured(table: pd.DataFrame, *vertices: str) -> Iterator[Measured]:
    """The largest objective on each minimum, curve or triangle of each recipe, in the order of the rows."""
    if table.empty:
        return
    simplices = table.groupby([*vertices, "by"], sort=False)
    for (*simplex, by), row in simplices.agg({"objective": "max", "residue": "first"}).iterrows():
        yield Measured(tuple(map(int, simplex)), float(row["objective"]), str(by), float(row["residue"]))


def _record(work: Work[Any], one: MeasuredComplex, modulo_permutations: bool) -> dict[str, Any]:
    return {
        "experiment": work.experiment,
        "model": work.model,
        "modulo_permutations": modulo_permutations,
        "raised_to_a_face": one.raised,
        "simplices": [
            {"vertices": list(simplex), "value": value, "by": one.by[simplex], "residue": number(one.residues[simplex])}
            for simplex, value in one.complex.values.items()
        ],
    }
