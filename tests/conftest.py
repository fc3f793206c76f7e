"""Shapes and types are checked in every test, each worker has one thread, and none works in the checkout."""

import os
from collections.abc import Iterator
from pathlib import Path

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


@pytest.fixture(scope="session", autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests work in a folder of their own: the checkout may have results, which are none of their business."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    yield
    os.chdir(before)


@pytest.fixture(autouse=True)
def _torch_as_it_was() -> Iterator[None]:
    """Steps called in this process set what is torch's for good."""
    yield
    torch.set_deterministic_debug_mode("default")
    torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Longest files first, since a worker takes a file at a time: the one on SLURM, then those that start Snakemake."""
    marks = {item.path: {mark.name for mark in item.iter_markers()} for item in items}
    items.sort(key=lambda item: ("slurm" not in marks[item.path], "workflow" not in marks[item.path]))
