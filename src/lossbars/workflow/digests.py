"""Digests of tensors and records: what was read is what was written. Loads torch only where it is used."""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def digest_of_tensors(tensors: Mapping[str, "Tensor"]) -> str:
    """Of names, types, shapes and elements of tensors of any strides in main memory."""
    import torch

    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(label(name, str(tensor.dtype), tuple(tensor.shape)))
        flat = tensor.as_strided((tensor.numel(),), (1,))  # a single element may say any stride, and is contiguous
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def label(name: str, dtype: str, shape: tuple[int, ...]) -> bytes:
    """What a digest has before the elements of a tensor."""
    return f"{name} {dtype} {shape}\n".encode()


def digest_of_records(records: list[dict[str, Any]]) -> str:
    """Of small records, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(records, sort_keys=True).encode()).hexdigest()
