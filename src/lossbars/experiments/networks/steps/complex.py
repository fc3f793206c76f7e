"""Gather minima, curves and triangles of one model into its filtered complex."""

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from lossbars.barcodes.barcode import CERTIFIED, CLOSED, CLOSED_CERTIFIED, MODULO
from lossbars.barcodes.measured import Measured, MeasuredComplex
from lossbars.experiments.networks.settings import ComplexSettings
from lossbars.workflow.records import number
from lossbars.workflow.work import Work


def step(work: Work[ComplexSettings]) -> None:
    """Write every simplex with its value, the largest loss on it, and by what recipe it was optimised.

    If a pair has several curves, or a triple several triangles, the one with the lowest maximum is used. If curves were
    aligned, a further record is the complex modulo permutations of units. All curves are paths there, the aligned and
    the others; triangles are left out, since their sides are other curves. The same holds of the closed complex, the
    next record where there were descents: minima that they found are minima of it, and pieces of curves are paths. The
    last two records, where saddles were looked for, are of polished minima that saddles join: given ones, and all.
    """
    tables = {option: work.trained(option) for option in ("minima", "curves", "triangles", "found")}
    curves = tables["curves"][tables["curves"]["kind"] == "curve"]
    aligned = curves["by"].isin(work.settings.aligned)
    minima = list(_measured(tables["minima"], "seed"))
    triangles = list(_measured(tables["triangles"], "a", "b", "c"))
    plain = MeasuredComplex.of([*minima, *_measured(curves[~aligned], "a", "b"), *triangles])
    records = [_record(work, plain, "")]
    if aligned.any():
        records.append(_record(work, MeasuredComplex.of([*minima, *_measured(curves, "a", "b")]), MODULO))
    if work.files("pieces"):
        found, rows = _measured(tables["found"], "seed"), work.tables("pieces").itertuples()
        pieces = (Measured((row.a, row.b), row.objective, row.by, row.residue) for row in rows)
        closed = MeasuredComplex.of([*minima, *found, *_measured(curves[~aligned], "a", "b"), *pieces])
        records.append(_record(work, closed, CLOSED))
    if work.files("joins"):
        records += [_record(work, one, variant) for variant, one in _certified(work)]
    work.write_records("records", records)


def _certified(work: Work[ComplexSettings]) -> Iterator[tuple[str, MeasuredComplex]]:
    """The complexes of the given minima and of all minima, with saddles between them."""
    minima, joins = work.trained("certified"), work.tables("joins")
    minima = minima[minima["same_as"] < 0]
    for variant, name in ((CERTIFIED, "given"), (CLOSED_CERTIFIED, "closed")):
        rows = joins[joins["barcode"] == name]
        edges = [Measured((row.a, row.b), row.objective, row.by, row.residue) for row in rows.itertuples()]
        of_barcode = minima["given"] | (minima["seed"].isin([*rows["a"], *rows["b"]]) & (name == "closed"))
        yield variant, MeasuredComplex.of([*_measured(minima[of_barcode], "seed"), *edges])


def read_complexes(work: Work[Any]) -> dict[str, MeasuredComplex]:
    """The complexes that :func:`step` wrote, by what comes after the name of a convention: the plain one under ""."""
    return {
        record["variant"]: MeasuredComplex.of(
            Measured(tuple(s["vertices"]), s["value"], s["by"], math.nan if s["residue"] is None else s["residue"])
            for s in record["simplices"]
        )
        for record in work.records("complex")
    }


def _measured(table: pd.DataFrame, *vertices: str) -> Iterator[Measured]:
    """The largest objective on each minimum, curve or triangle of each recipe, in the order of the rows."""
    if table.empty:
        return
    simplices = table.groupby([*vertices, "by"], sort=False)
    for (*simplex, by), row in simplices.agg({"objective": "max", "residue": "first"}).iterrows():
        yield Measured(tuple(map(int, simplex)), float(row["objective"]), str(by), float(row["residue"]))


def _record(work: Work[Any], one: MeasuredComplex, variant: str) -> dict[str, Any]:
    return {
        "experiment": work.experiment,
        "model": work.model,
        "variant": variant,
        "raised_to_a_face": one.raised,
        "simplices": [
            {"vertices": list(simplex), "value": value, "by": one.by[simplex], "residue": number(one.residues[simplex])}
            for simplex, value in one.complex.values.items()
        ],
    }
