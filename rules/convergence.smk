"""Distances between barcodes of clouds of growing size."""

MESSAGES |= {
    "cloud_pairs": "Measure pairs of clouds of {wildcards.part} points of {wildcards.experiment}/{wildcards.model}",
}
