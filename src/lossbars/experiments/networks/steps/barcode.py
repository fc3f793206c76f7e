"""The barcodes of one model's complex, by both conventions; those modulo permutations beside them."""

from pathlib import Path

from lossbars.barcodes.barcode import MODULO
from lossbars.barcodes.complex import direct_barcode, merged_barcode
from lossbars.experiments.networks.steps.complex import read_complex, read_recipes
from lossbars.workflow.artefacts import read_records, write_records
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.records import record


def barcode(job: Job, filtered: Path, out: Path) -> None:
    """Write one record per convention: bars, and TO-scores of every index in both ground metrics.

    ``dies_on`` of a bar is the kind of curve or triangle that ends it: the lowest known. Of a complex modulo
    permutations the conventions are ``direct-modulo-permutations`` and ``merged-modulo-permutations``.
    """
    records = []
    for i in range(len(read_records(filtered, job.expects["complex"]))):
        filtered_complex = read_complex(filtered, job.expects["complex"], bool(i))
        recipes = read_recipes(filtered, job.expects["complex"], bool(i))
        barcodes = [direct_barcode(filtered_complex), merged_barcode(filtered_complex)]
        records += [record(one, job, recipes, MODULO if i else "") for one in barcodes]
    write_records(out, records, job)


if __name__ == "__main__":
    run(barcode)
