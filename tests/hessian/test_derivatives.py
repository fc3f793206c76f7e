"""Hessians of landscapes: exact, by products, by Lanczos, in two parts; critical points and null spaces."""

import math

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import aslinearoperator
from torch import Tensor, nn

from lossbars.datasets.dataset import Split
from lossbars.functions import himmelblau, mueller_brown
from lossbars.hessian.critical_search import descend, follow
from lossbars.hessian.derivatives import (
    extreme_eigenvalues,
    gradient_and_hessian,
    hessian,
    index,
    null_space,
    operator,
    product,
)
from lossbars.hessian.gauss_newton import jacobian, split
from lossbars.hessian.interpolation import interpolate
from lossbars.hessian.lanczos import lanczos, quadrature
from lossbars.landscape import Batch
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.perceptron import Architecture, Perceptron
from support.small_landscapes import Points
from support.small_networks import CPU


def net_of(
    widths: tuple[int, ...], samples: int, biases: bool = True, activation: str = "tanh", error: str = "half-square"
) -> Perceptron:
    """On random samples."""
    random = torch.Generator().manual_seed(5)
    x, y = (torch.randn(samples, size, generator=random, dtype=torch.float64) for size in (widths[0], widths[-1]))
    return Perceptron(Architecture(widths[1:-1], activation, biases), x, y, error)


def start_of(net: Perceptron, rows: int = 1, seed: int = 0) -> Tensor:
    return net.init(rows, torch.Generator().manual_seed(seed))


# The whole matrix --------------------------------------------------------------------------------


def test_hessians_of_several_rows_are_those_of_differences_of_gradients() -> None:
    net = net_of((3, 5, 2), 7)
    theta = start_of(net, 3)
    gradient, found = gradient_and_hessian(net, theta)
    torch.testing.assert_close(gradient, net.value_and_gradient(theta, None)[1])
    step = 1e-5 * torch.eye(net.dim, dtype=torch.float64)
    for row, own in zip(theta, found, strict=True):
        above, below = (net.value_and_gradient(row + sign * step, None)[1] for sign in (1, -1))
        torch.testing.assert_close(own, (above - below) / 2e-5, rtol=1e-6, atol=1e-8)
        torch.testing.assert_close(own, own.T)


def test_a_hessian_of_many_rows_is_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    net = net_of((3, 5, 2), 7)
    whole = hessian(net, start_of(net))
    monkeypatch.setattr("lossbars.hessian.derivatives.AT_ONCE", 7)
    torch.testing.assert_close(hessian(net, start_of(net)), whole)


def test_the_index_of_known_minima_and_saddles() -> None:
    for function in (mueller_brown, himmelblau):
        for points, wanted in ((function.minima, 0), (function.saddles, 1)):
            places = torch.tensor([place for place, _ in points], dtype=torch.float64)
            assert index(torch.linalg.eigvalsh(hessian(function, places))).tolist() == [wanted] * len(points)


def test_the_index_leaves_out_what_is_rounding() -> None:
    rows = torch.tensor([[-2.0, -1e-9, 1.0], [-2.0, -1e-7, 1.0]], dtype=torch.float64)
    assert index(rows).tolist() == [1, 2] and index(rows, 0.6).tolist() == [1, 1]


def test_batches_are_averaged() -> None:
    landscape = Points()
    theta = landscape.init(2, torch.Generator().manual_seed(0))
    halves = [Batch(torch.arange(4)), Batch(torch.arange(4, 8))]
    torch.testing.assert_close(hessian(landscape, theta, halves), hessian(landscape, theta))
    vectors = torch.randn(2, 7, dtype=torch.float64)
    torch.testing.assert_close(product(landscape, theta, vectors, halves), product(landscape, theta, vectors))
    other = hessian(landscape, theta, halves[:1])
    assert not torch.allclose(other, hessian(landscape, theta))


# Products ----------------------------------------------------------------------------------------


def test_products_are_those_of_the_matrix() -> None:
    net = net_of((3, 5, 2), 7)
    theta, vectors = start_of(net, 2), start_of(net, 2, seed=1)
    exact = (hessian(net, theta) @ vectors[:, :, None]).squeeze(2)
    torch.testing.assert_close(product(net, theta, vectors), exact)


def test_extreme_eigenvalues_are_those_of_the_matrix() -> None:
    net = net_of((3, 5, 2), 7)
    (theta,) = start_of(net)
    exact = torch.linalg.eigvalsh(hessian(net, theta[None])[0]).numpy()
    low, high = extreme_eigenvalues(operator(net, theta), 3, np.random.default_rng(0))
    np.testing.assert_allclose(low, exact[:3], atol=1e-10)
    np.testing.assert_allclose(high, exact[-3:], atol=1e-10)
    with pytest.raises(ValueError, match="count: 32 eigenvalues of a matrix of 32 rows"):
        extreme_eigenvalues(operator(net, theta), 32, np.random.default_rng(0))


class Digits(nn.Module):
    """8 × 8 pixels, 3 hidden units, 10 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 3), nn.Tanh(), nn.Linear(3, 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


@pytest.fixture(scope="module")
def digits() -> NetworkLandscape:
    from sklearn.datasets import load_digits

    data = load_digits()
    x = torch.tensor(data.images[:300], dtype=torch.float32)[:, None] / 16
    return NetworkLandscape(Digits, Split(x, torch.tensor(data.target[:300])), 100, CPU)


def test_networks_on_real_data(digits: NetworkLandscape) -> None:
    """In float32: products against the matrix, that against torch's own, and the loss of record named as what it is."""
    (theta,) = digits.init(1, torch.Generator().manual_seed(0))
    whole = [Batch(torch.arange(300))]
    exact = hessian(digits, theta[None], whole)[0]
    x, y = digits.train.x, digits.train.y

    def loss(row: Tensor) -> Tensor:
        output = torch.func.functional_call(digits.module, digits.unflatten(row), (x,))
        return nn.functional.cross_entropy(output, y)

    torch.testing.assert_close(exact, torch.autograd.functional.hessian(loss, theta), rtol=1e-4, atol=1e-5)
    vector = torch.randn(len(theta), generator=torch.Generator().manual_seed(1))
    thirds = [Batch(torch.arange(first, first + 100)) for first in (0, 100, 200)]
    torch.testing.assert_close(
        product(digits, theta[None], vector[None], thirds)[0], exact @ vector, rtol=1e-3, atol=1e-4
    )
    values = np.linalg.eigvalsh(exact.double().numpy())
    _, high = extreme_eigenvalues(operator(digits, theta, whole), 2, np.random.default_rng(0))
    np.testing.assert_allclose(high, values[-2:], rtol=1e-4)
    with pytest.raises(ValueError, match="NetworkLandscape: its loss of record has no second derivatives"):
        hessian(digits, theta[None])


def test_a_linear_loss_has_no_curvature() -> None:
    class Slope(Points):
        def loss(self, theta: Tensor, batch: Batch | None = None) -> Tensor:  # noqa: ARG002
            return theta.sum(1)

    theta = torch.zeros(2, 7, dtype=torch.float64)
    assert not hessian(Slope(), theta).any() and not product(Slope(), theta, theta + 1).any()


# Lanczos -----------------------------------------------------------------------------------------


def spread_matrix(size: int = 60) -> np.ndarray:
    """Symmetric, with a cluster of eigenvalues and two far away."""
    random = np.random.default_rng(2)
    basis, _ = np.linalg.qr(random.standard_normal((size, size)))
    values = np.concatenate([random.uniform(-0.1, 0.1, size - 2), [5.0, -3.0]])
    return basis @ np.diag(values) @ basis.T


def test_moments_of_a_quadrature_are_exact() -> None:
    """2k of them, of the starting vector: what makes it a Gauss quadrature."""
    random = np.random.default_rng(1)
    matrix, start = random.standard_normal((60, 60)), random.standard_normal(60)
    matrix = (matrix + matrix.T) / 10
    diagonal, beside = lanczos(aslinearoperator(matrix), 5, start)
    small = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    unit = start / np.linalg.norm(start)
    for power in range(10):
        exact = unit @ np.linalg.matrix_power(matrix, power) @ unit
        assert np.linalg.matrix_power(small, power)[0, 0] == pytest.approx(exact, rel=1e-10), power
    assert np.linalg.matrix_power(small, 10)[0, 0] != pytest.approx(unit @ np.linalg.matrix_power(matrix, 10) @ unit)


def test_with_all_steps_every_eigenvalue_is_found_once() -> None:
    """Without reorthogonalisation the two far ones would come again and again."""
    matrix = spread_matrix()
    found = quadrature(aslinearoperator(matrix), 60, 1, np.random.default_rng(0))
    np.testing.assert_allclose(found.nodes[0], np.linalg.eigvalsh(matrix), atol=1e-9)


def test_a_space_that_ends_early_is_noticed() -> None:
    matrix = np.diag([1.0, 1.0, 1.0, 4.0, 4.0, 4.0])
    found = quadrature(aslinearoperator(matrix), 5, 200, np.random.default_rng(0))
    kept = found.weights > 0
    assert (kept.sum(1) == 2).all() and found.weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(np.sort(np.unique(found.nodes[kept].round(9))), [1, 4])
    assert found.cdf(np.array([0.5, 1.5, 4.5])) == pytest.approx([0, 0.5, 1], abs=0.05)
    with pytest.raises(ValueError, match="steps: 7 Lanczos steps on a matrix of 6 rows"):
        quadrature(aslinearoperator(matrix), 7, 1, np.random.default_rng(0))


def test_the_density_is_that_of_the_exact_spectrum() -> None:
    net = net_of((8, 8, 8), 32, biases=False)
    (theta,) = start_of(net)
    exact = torch.linalg.eigvalsh(hessian(net, theta[None])[0]).numpy()
    found = quadrature(operator(net, theta), 30, 20, np.random.default_rng(0))
    x = np.concatenate([exact, found.nodes.ravel()])
    apart = np.abs(found.cdf(x) - np.searchsorted(exact, x, side="right") / len(exact)).max()
    # three standard deviations of a mean over 20 probes of 128 coordinates, and a node's weight
    assert apart < 3 / math.sqrt(2 * 128 * 20) + 1 / 30
    moved = exact + 0.1 * exact.std()
    assert np.abs(found.cdf(x) - np.searchsorted(moved, x, side="right") / len(exact)).max() > 0.08
    grid = np.linspace(exact.min() - 1, exact.max() + 1, 2000)
    assert np.trapezoid(found.density(grid, 0.05), grid) == pytest.approx(1, abs=1e-3)


# H0 and H1 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ["half-square", "mse"])
def test_the_two_parts_add_up(error: str) -> None:
    net = net_of((3, 4, 4, 2), 6, error=error)
    (theta,) = start_of(net)
    first, second = split(net, theta)
    torch.testing.assert_close(first + second, hessian(net, theta[None])[0], rtol=1e-10, atol=1e-12)
    values = torch.linalg.eigvalsh(first)
    assert values.min() > -1e-12 * values.max() and torch.linalg.eigvalsh(second).min() < -1e-3
    slopes = jacobian(net, theta)[1]
    factor = 1 / 6 if error == "half-square" else 2 / 12
    torch.testing.assert_close(first, factor * slopes.T @ slopes)


def test_without_error_only_the_first_part_is_left() -> None:
    net = net_of((2, 4, 2), 6)
    theta = interpolate(net, start_of(net)[0])
    first, second = split(net, theta)
    assert second.abs().max() < 1e-12 < 1e-2 < first.abs().max()


def test_weight_decay_is_in_neither_part() -> None:
    net = net_of((2, 3, 1), 4)
    net.weight_decay = 0.1
    with pytest.raises(ValueError, match="without weight decay"):
        split(net, start_of(net)[0])


def test_the_jacobian_is_that_of_differences() -> None:
    net = net_of((2, 3, 2), 4)
    (theta,) = start_of(net)
    found, slopes = jacobian(net, theta)
    torch.testing.assert_close(net.loss(theta[None])[0], found.square().sum() / 8)
    moved = jacobian(net, theta + 1e-6 * torch.eye(net.dim, dtype=torch.float64)[2])[0]
    torch.testing.assert_close((moved - found) / 1e-6, slopes[:, 2], rtol=1e-4, atol=1e-5)


# Null spaces -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("widths", "samples", "biases", "activation"),
    [
        ((2, 3, 1), 5, True, "tanh"),
        ((2, 4, 2), 6, True, "sigmoid"),
        ((3, 4, 4, 2), 8, True, "tanh"),
        ((2, 5, 1), 4, False, "sine"),
    ],
)
def test_null_spaces_of_interpolating_nets_have_the_stated_dimension(widths, samples, biases, activation) -> None:
    net = net_of(widths, samples, biases, activation)
    for seed in range(3):
        theta = interpolate(net, start_of(net, seed=seed)[0])
        assert net.loss(theta[None]) < 1e-25
        found = null_space(torch.linalg.eigvalsh(hessian(net, theta[None])[0]))
        assert found.dimension == net.dim - widths[-1] * samples and found.gap > 1e4


def test_the_null_space_of_what_does_not_interpolate_is_smaller() -> None:
    net = net_of((2, 3, 1), 5)
    values = torch.linalg.eigvalsh(hessian(net, start_of(net))[0])
    assert null_space(values).dimension < net.dim - 5


def test_cuts_at_the_ends_of_a_spectrum() -> None:
    none = null_space(torch.tensor([-1.0, 2.0]))
    assert (none.dimension, none.largest, none.next, none.gap) == (0, 0.0, 0.5, math.inf)
    some = null_space(torch.tensor([-1e-10, 1e-12, 0.5, 2.0], dtype=torch.float64))
    assert some.dimension == 2 and some.gap == pytest.approx(0.5 / 1e-10)


# Critical points ---------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", [0, 1])
def test_searches_end_at_known_minima_or_saddles(wanted: int) -> None:
    known = himmelblau.saddles if wanted else himmelblau.minima
    places = torch.tensor([place for place, _ in known], dtype=torch.float64)
    start = places + 0.6 * torch.tensor([[0.5, 0.7]], dtype=torch.float64)
    found = follow(himmelblau, start, torch.full((4,), wanted), 60)
    assert (found.gradient < 1e-9).all() and index(found.eigenvalues).tolist() == [wanted] * 4
    assert torch.cdist(found.theta, places).amin(1).max() < 1e-9


def test_the_index_asked_for_decides_where_a_search_ends() -> None:
    start = torch.tensor([[-0.9, 0.7]], dtype=torch.float64).expand(2, 2)
    found = follow(mueller_brown, start, torch.tensor([0, 1]), 300)
    assert index(found.eigenvalues).tolist() == [0, 1] and (found.gradient < 1e-6).all()
    assert not torch.allclose(found.theta[0], found.theta[1])


def test_rows_are_independent() -> None:
    net = net_of((3, 3, 3), 8, biases=False)
    start, wanted = start_of(net, 3), torch.tensor([0, 2, 4])
    together = follow(net, start, wanted, 15)
    alone = follow(net, start[1:2], wanted[1:2], 15)
    torch.testing.assert_close(together.theta[1:2], alone.theta)


def test_linear_nets_of_full_width_reach_the_least_squares_fit() -> None:
    net = net_of((4, 4, 4), 16, biases=False, activation="identity")
    found = follow(net, start_of(net), torch.tensor([0]), 100)
    left = net.y - net.x @ torch.linalg.lstsq(net.x, net.y).solution
    torch.testing.assert_close(net.loss(found.theta)[0], left.square().sum() / 32)


def test_descent_lowers_the_loss_and_none_changes_nothing() -> None:
    net = net_of((3, 3, 3), 8)
    start = start_of(net, 2)
    assert (net.loss(descend(net, start, 0.1, 20)) < net.loss(start)).all()
    assert torch.equal(descend(net, start, 0.1, 0), start)
