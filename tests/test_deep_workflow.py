"""The experiments on deep and wide networks in miniature: the networks and recipes of config.yaml on a few images."""

import pytest
from workflow import Checkout

from lossbars.artefacts import read_records, read_table, read_tensors

IMAGES = """
import torch

def load():
    random = torch.Generator().manual_seed(0)
    x = torch.randint(256, (12, 3, 32, 32), dtype=torch.uint8, generator=random)
    return x[:8], torch.arange(8) % 4, x[8:], torch.arange(4)
"""
SMALL = {"data": "made.py:load", "device": "cpu", "seeds": 3, "seeds_per_job": 3}
GRID = {"points": 2, "refinements": 0}
EPOCH = "scale={epochs: 0.001}"  # one


def checkout(folder, **experiments) -> Checkout:
    found = Checkout.fresh(folder / "checkout", **experiments)
    (found.folder / "made.py").write_text(IMAGES)
    return found


@pytest.fixture(scope="module")
def shortcuts(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """All eight networks, run once."""
    own = SMALL | {"curves": {"grid": GRID}}
    found = checkout(tmp_path_factory.mktemp("shortcuts"), **{"shortcuts-cifar10": own})
    found.run("shortcuts-cifar10", "--config", EPOCH)
    return found
