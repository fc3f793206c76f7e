"""The barcodes of one model's complex, by both conventions; those modulo permutations beside them."""

from lossbars.barcodes.barcode import MODULO
from lossbars.experiments.networks.steps.complex import read_complexes
from lossbars.workflow.records import record
from lossbars.workflow.tasks import NoSettings
from lossbars.workflow.work import Work


def step(work: Work[NoSettings]) -> None:
    """Write one record per convention: bars, and TO-scores of every index in both ground metrics.

    ``dies_on`` of a bar is the kind of curve or triangle that ends it: the lowest known. ``birth_residue`` and
    ``death_residue`` are by how much the second half of an optimisation lowered the two ends of a bar. Of a complex
    modulo permutations the conventions are ``direct-modulo-permutations`` and ``merged-modulo-permutations``.
    """
    records = [
        record(barcode, work.job, one, modulo)
        for one, modulo in zip(read_complexes(work), ("", MODULO), strict=False)  # the second is not always there
        for barcode in one.barcodes()
    ]
    work.write_records("records", records)
