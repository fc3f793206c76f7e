"""Certificates as tensors, for states of searches on their way, and back to the bit."""

from collections.abc import Sequence
from typing import get_args

import torch
from torch import Tensor

from lossbars.optimise.saddles.certificates import Certificate, Failure

FAILURES: tuple[Failure, ...] = get_args(Failure)
NUMBERS = ("value", "gradient", "scale", "top", "approach")
NO_END = -1


def as_tensors(certificates: Sequence[Certificate], like: Tensor) -> dict[str, Tensor]:
    """Rows of n certificates of saddles of dimension d, that of ``like`` (any, d)."""
    n, d = len(certificates), like.shape[1]
    saddles = [certificate.saddle for certificate in certificates]
    eigenvalues = [certificate.eigenvalues for certificate in certificates]
    failures = [[failure in certificate.failures for failure in FAILURES] for certificate in certificates]
    state = {name: torch.tensor([getattr(c, name) for c in certificates], dtype=torch.float64) for name in NUMBERS}
    return state | {
        "saddle": torch.stack(saddles) if saddles else like.new_zeros(0, d),
        "eigenvalues": torch.tensor(eigenvalues, dtype=torch.float64).reshape(n, -1 if n else 0),
        "index": torch.tensor([certificate.index for certificate in certificates], dtype=torch.long),
        "ends": torch.tensor([c.ends or (NO_END, NO_END) for c in certificates], dtype=torch.long).reshape(n, 2),
        "failures": torch.tensor(failures, dtype=torch.bool).reshape(n, len(FAILURES)),
    }


def from_tensors(state: dict[str, Tensor]) -> list[Certificate]:
    """The certificates of :func:`as_tensors`."""
    lists = {name: rows.tolist() for name, rows in state.items() if name != "saddle"}
    return [
        Certificate(
            saddle=saddle,
            **{name: lists[name][i] for name in NUMBERS},
            index=lists["index"][i],
            eigenvalues=tuple(lists["eigenvalues"][i]),
            ends=None if lists["ends"][i][0] == NO_END else tuple(lists["ends"][i]),
            failures=tuple(failure for failure, is_so in zip(FAILURES, lists["failures"][i], strict=True) if is_so),
        )
        for i, saddle in enumerate(state["saddle"])
    ]
