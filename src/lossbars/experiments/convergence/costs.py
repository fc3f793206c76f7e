"""Time of pairs of clouds and of their distances. Loads no torch.

The constants are fitted to bottleneck distances of barcodes of up to a million points, on one thread.
"""

from lossbars.workflow.landscape_costs import Points, cloud_seconds

NOISY = 0.05  # bars of a cloud, as a share of its points
MATCHING = 2e-5  # seconds of a bottleneck distance, for a bar


def pair_seconds(cloud: Points, pairs: int) -> float:
    """Seconds of pairs of clouds, their distances, and the distances to the exact barcode."""
    bars = 2 * NOISY * cloud.points
    return pairs * (2 * cloud_seconds(cloud) + 3 * MATCHING * bars)
