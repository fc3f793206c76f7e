"""Barcodes of sublevel sets. A name is loaded when it is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lossbars.sublevel.barcodes import function_barcode as function_barcode
    from lossbars.sublevel.barcodes import sublevel_barcode as sublevel_barcode

__all__ = ["function_barcode", "sublevel_barcode"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("lossbars.sublevel.barcodes"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
