"""Barcodes of functions: clouds of points, and optimised curves."""

MESSAGES |= {
    "cloud": "Find the barcode of cloud {wildcards.part} of {wildcards.experiment}/{wildcards.model}",
    "optimised": "Optimise minima and curves of {wildcards.experiment}/{wildcards.model}",
    "sublevel_barcode": "Write the barcode of {wildcards.experiment}/{wildcards.model} down",
}
