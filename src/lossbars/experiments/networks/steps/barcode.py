"""The barcodes of one model's complex by both conventions, and those of its other complexes beside them."""

from lossbars.barcodes.barcode import CERTIFIED, CLOSED, CLOSED_CERTIFIED
from lossbars.experiments.networks.steps.complex import read_complexes
from lossbars.workflow.records import record
from lossbars.workflow.tasks import NoSettings
from lossbars.workflow.work import Work

MERGED_ALONE = (CLOSED, CERTIFIED, CLOSED_CERTIFIED)  # complexes of which most pairs of minima have no edge


def step(work: Work[NoSettings]) -> None:
    """Write one record per convention: bars, and TO-scores of every index in both ground metrics.

    ``dies_on`` of a bar is the kind of curve or triangle that ends it: the lowest known. ``birth_residue`` and
    ``death_residue`` are by how much the second half of an optimisation lowered the two ends of a bar. Of a complex
    modulo permutations the conventions are ``direct-modulo-permutations`` and ``merged-modulo-permutations``, of the
    closed one there is ``merged-closed`` alone: single pieces join a found minimum to few others, so that most direct
    bars would be half-lines. For the same reason there are ``merged-certified`` and ``merged-closed-certified`` alone
    where saddles were looked for.
    """
    records = [
        record(barcode, work.job, one, variant)
        for variant, one in read_complexes(work).items()
        for barcode in one.barcodes()
        if barcode.convention == "merged" or variant not in MERGED_ALONE
    ]
    work.write_records("records", records)
