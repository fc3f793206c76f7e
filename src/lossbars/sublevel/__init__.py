"""Barcodes of sublevel sets."""

from lossbars.sublevel.barcodes import function_barcode as function_barcode
from lossbars.sublevel.barcodes import sublevel_barcode as sublevel_barcode
