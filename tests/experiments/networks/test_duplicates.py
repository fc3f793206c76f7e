"""Which minima are one point, as they are and up to permutations of units."""

from dataclasses import asdict

import pandas as pd
import pytest
import torch
from torch import Tensor

from lossbars.experiments.networks.duplicates import distances, permuted_distances, same_as, symmetry_of
from lossbars.networks.mlp import MLP
from lossbars.symmetry.permutations import find_symmetry


def minima() -> tuple[Tensor, pd.DataFrame, Tensor, Tensor]:
    """Two minima, a copy of each (one with its units permuted, one moved a little), and a far one as low."""
    random = torch.Generator().manual_seed(0)
    symmetry = find_symmetry(MLP((6,), 3, depth=2, width=5), torch.randn(4, 6, generator=random))
    first, second, far = torch.randn(3, symmetry.dim, generator=random, dtype=torch.float64)
    copy = symmetry.permuted(first, symmetry.random(random))
    theta = torch.stack([first, second, copy, second + 1e-5, far])
    table = pd.DataFrame({"seed": [3, 4, 5, 6, 7], "objective": [0.1, 0.2, 0.1, 0.2, 0.1], "residue": 0.0})
    kept = symmetry_of([asdict(group) for group in symmetry.groups], symmetry.dim)
    assert kept == symmetry
    return theta, table, distances(theta), permuted_distances(theta, kept, "some", "name")


def test_copies_are_found_and_others_are_not() -> None:
    theta, table, plain, permuted = minima()
    assert same_as(table, theta, plain, permuted) == ["", "", "3, units permuted", "4", ""]
    assert same_as(table, theta, plain, None) == ["", "", "", "4", ""]


def test_distances_are_euclidean_and_matching_only_shortens_them() -> None:
    theta, _, plain, permuted = minima()
    assert plain.diagonal().isinf().all() and permuted.diagonal().isinf().all()
    assert float(plain[0, 1]) == pytest.approx(float((theta[0] - theta[1]).norm()))
    assert float(permuted[0, 2]) < 1e-12 < float(plain[0, 2])
    assert (permuted <= plain).all() and torch.equal(permuted, permuted.T)


def test_near_ones_of_other_heights_are_not_one_point() -> None:
    theta, table, plain, permuted = minima()
    apart = table.assign(objective=[0.1, 0.2, 0.1001, 0.2001, 0.1])
    assert same_as(apart, theta, plain, permuted) == [""] * 5
    within = apart.assign(residue=2e-4)
    assert same_as(within, theta, plain, permuted) == ["", "", "3, units permuted", "4", ""]
    assert same_as(table.assign(residue=float("nan")), theta, plain, permuted)[2:4] == ["3, units permuted", "4"]
