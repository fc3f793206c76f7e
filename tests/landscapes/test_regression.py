"""Tiny networks: the loss against a plain loop, its gradient against differences, symmetries, and bad input."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lossbars.landscapes.regression import Regression
from lossbars.seeding import generator

SHAPES = [(2,), (3,), (2, 2), (3, 2), (3, 3), (2, 2, 2), (3, 2, 2)]
PLAIN = {
    "relu": lambda z: max(z, 0.0),
    "tanh": math.tanh,
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "sine": math.sin,
}


def plain_loss(theta: list[float], hidden: tuple[int, ...], activation: str, biases: bool, decay: float) -> float:
    """The text's formula, one place and one unit after another."""
    total = 0.0
    for k in range(101):
        x = -math.pi + 2 * math.pi / 100 * k
        g = 0.31 * math.sin(-x) - 0.72 * math.sin(-2 * x) - 0.21 * math.cos(x) + 0.89 * math.cos(2 * x)
        units, left = [x], list(theta)
        for layer, width in enumerate([*hidden, 1]):
            weights = [[left.pop(0) for _ in units] for _ in range(width)]
            shifts = [left.pop(0) if biases else 0.0 for _ in range(width)]
            units = [PLAIN[activation](unit) for unit in units] if layer else units
            units = [
                sum(w * u for w, u in zip(row, units, strict=True)) + b for row, b in zip(weights, shifts, strict=True)
            ]
        assert not left
        total += (units[0] - g) ** 2 / 101
    return total + decay / 2 * sum(t * t for t in theta)


@pytest.mark.parametrize("activation", list(PLAIN))
@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("hidden", [(2,), (3, 2), (3, 2, 2)])
def test_loss_is_the_texts(hidden: tuple[int, ...], biases: bool, activation: str) -> None:
    landscape = Regression(hidden, activation, biases, weight_decay=0.03, box=2.0)
    theta = landscape.init(3, generator("regression"))
    expected = [plain_loss(row, hidden, activation, biases, 0.03) for row in theta.tolist()]
    assert landscape.loss(theta).tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("hidden", SHAPES)
@pytest.mark.parametrize("biases", [False, True])
def test_dim_is_the_number_of_weights_and_biases(hidden: tuple[int, ...], biases: bool) -> None:
    landscape = Regression(hidden, "sigmoid", biases, 0.0, 5.0)
    assert landscape.dim == len(landscape.box) == landscape.init(2, generator("dim")).shape[1]
    if not biases:  # what the text's "dimensions up to 15" allows
        assert landscape.dim == {1: 2 * hidden[0]}.get(len(hidden), landscape.dim)
        assert max(Regression(shape, "sigmoid", False, 0.0, 5.0).dim for shape in SHAPES) == 15


def test_zero_is_the_mean_square_of_the_target() -> None:
    landscape = Regression((2,), "tanh", False, 1.0, 1.0)
    square = (0.31**2 + 0.72**2 + 0.21**2 + 0.89**2) / 2  # over one period; the 101st place is the first again
    expected = (100 * square + float(landscape.y[0]) ** 2) / 101
    assert float(landscape.loss(torch.zeros(1, 4, dtype=torch.float64))) == pytest.approx(expected, abs=1e-12)
    assert landscape.y[0] == pytest.approx(-0.21 * -1 + 0.89)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(SHAPES), st.sampled_from(["tanh", "sigmoid", "softplus", "sine", "elu"]), st.integers(0, 99))
def test_gradient_is_the_limit_of_differences(hidden: tuple[int, ...], activation: str, seed: int) -> None:
    landscape = Regression(hidden, activation, True, 0.01, 2.0)
    theta = landscape.init(1, generator("gradient", seed))
    value, gradient = landscape.value_and_gradient(theta, None)
    assert torch.equal(value, landscape.loss(theta))
    step = 1e-5 * torch.eye(landscape.dim, dtype=torch.float64)
    differences = (landscape.loss(theta + step) - landscape.loss(theta - step)) / 2e-5
    assert gradient[0].tolist() == pytest.approx(differences.tolist(), abs=1e-6 * (1 + float(value)))


def test_rows_are_independent_of_how_many_there_are() -> None:
    landscape = Regression((3, 2), "sigmoid", False, 1e-3, 5.0)
    rows = landscape.rows
    theta = landscape.init(2 * rows + 7, generator("rows"))
    one = torch.cat([landscape.loss(row) for row in theta[rows - 2 : rows + 2].split(1)])
    torch.testing.assert_close(landscape.loss(theta)[rows - 2 : rows + 2], one, rtol=1e-13, atol=0)
    single = landscape.loss(theta.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), landscape.loss(theta), rtol=1e-4, atol=1e-5)


def test_units_may_be_exchanged_and_odd_ones_turned() -> None:
    landscape = Regression((2,), "tanh", False, 0.1, 3.0)
    a, b, c, d = landscape.init(1, generator("units"))[0].tolist()
    same = torch.tensor([[a, b, c, d], [b, a, d, c], [-a, b, -c, d]], dtype=torch.float64)
    values = landscape.loss(same)
    torch.testing.assert_close(values, values[:1].expand(3))


def test_starts_fill_the_box() -> None:
    landscape = Regression((2, 2), "relu", False, 0.0, 4.0)
    starts = landscape.init(5000, generator("starts"))
    assert landscape.box == ((-4.0, 4.0),) * 8
    assert starts.abs().max() <= 4 and starts.abs().mean() == pytest.approx(2.0, abs=0.05)
    assert (starts.mean(0).abs() < 0.2).all()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"activation": "Relu"}, "'Relu' is not among identity, relu"),
        ({"hidden": ()}, "needs a hidden layer"),
        ({"hidden": (2, 0)}, "each layer a unit"),
        ({"box": 0.0}, "box > 0"),
        ({"weight_decay": -1.0}, "weight_decay ≥ 0"),
    ],
)
def test_bad_input_is_named(changed: dict, says: str) -> None:
    good = {"hidden": (2,), "activation": "relu", "biases": False, "weight_decay": 0.0, "box": 1.0}
    with pytest.raises(ValueError, match=says):
        Regression(**(good | changed))
