"""Shapes and types of lossbars are checked in every test, and each worker has one thread."""

from collections.abc import Iterator

from jaxtyping import install_import_hook

# First, as they are: functions that numba compiles cannot be wrapped.
from lossbars.optimise import flow_kernel  # noqa: F401
from lossbars.sublevel import basin_kernels, cell_grid, cloud, prefetch, regular_grid, sweep  # noqa: F401

with install_import_hook("lossbars", "beartype.beartype"):
    import lossbars  # noqa: F401

import pytest
import torch

pytest.register_assert_rewrite("support")  # an assert of a helper says as much as one of a test

# The hook stays for what is imported later: a test that imports a module by itself is checked as well.
HOOK = install_import_hook("lossbars", "beartype.beartype")

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _torch_as_it_was() -> Iterator[None]:
    """Steps called in this process set what is torch's for good."""
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(1)
