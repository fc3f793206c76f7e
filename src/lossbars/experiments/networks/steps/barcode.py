"""The barcodes of one model's complex by both conventions, and those of its other complexes beside them."""

from lossbars.barcodes.barcode import CLOSED
from lossbars.experiments.networks.steps.complex import read_complexes
from lossbars.workflow.records import record
from lossbars.workflow.tasks import NoSettings
from lossbars.workflow.work import Work


def step(work: Work[NoSettings]) -> None:
    """Write one record per convention: bars, and TO-scores of every index in both ground metrics.

    ``dies_on`` of a bar is the kind of curve or triangle that ends it: the lowest known. ``birth_residue`` and
    ``death_residue`` are by how much the second half of an optimisation lowered the two ends of a bar. Of a complex
    modulo permutations the conventions are ``direct-modulo-permutations`` and ``merged-modulo-permutations``, of the
    closed one there is ``merged-closed`` alone: single pieces join a found minimum to few others, so that most direct
    bars would be half-lines.
    """
    records = [
        record(barcode, work.job, one, variant)
        for variant, one in read_complexes(work).items()
        for barcode in one.barcodes()
        if (barcode.convention, variant) != ("direct", CLOSED)
    ]
    work.write_records("records", records)
