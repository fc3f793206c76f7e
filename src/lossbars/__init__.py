"""Barcodes of loss functions: how hard it is to escape each minimum.

Nothing is imported here, so that the workflow can read recipes and plans without loading torch.
"""

__version__ = "0.1.0"
