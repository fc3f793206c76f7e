"""Benchmarks run in the test's process."""

import runpy
import sys
from typing import Any

import pytest

from support.paths import CHECKOUT

FOLDER = CHECKOUT / "benchmarks"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_benchmark(monkeypatch: pytest.MonkeyPatch, name: str, *options: str) -> None:
    """Run a benchmark as its command line would."""
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *options])
    for variable in THREADS:
        monkeypatch.setenv(variable, "1")  # after the test they are as they were, whatever the benchmark sets
    runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")


def benchmark_module(name: str) -> dict[str, Any]:
    """What a benchmark defines, without running it."""
    return runpy.run_path(str(FOLDER / f"{name}.py"))
