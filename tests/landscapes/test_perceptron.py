"""Small fully connected networks: the loss against a plain module, samples of the tasks, and bad input."""

import pytest
import torch
from torch import nn

from lossbars.landscapes.make import make_landscape
from lossbars.landscapes.perceptron import Architecture, Perceptron
from lossbars.landscapes.specs import PerceptronSpec
from lossbars.landscapes.toy_data import TASKS, cubic, permuted_points, quadratic
from lossbars.seeding import generator

X = torch.tensor([[0.3, -1.2], [0.8, 0.1], [-0.5, 0.7], [0.2, 0.2]], dtype=torch.float64)
Y = torch.tensor([[0.1, 0.4, -0.2], [0.3, 0.3, 0.9], [-1.0, 0.2, 0.1], [0.5, 0.5, 0.0]], dtype=torch.float64)


def plain(theta: torch.Tensor, biases: bool, output: nn.Module) -> torch.Tensor:
    """Outputs (m, q) of a module with these parameters."""
    net = nn.Sequential(
        nn.Linear(2, 4, bias=biases), nn.Tanh(), nn.Linear(4, 5, bias=biases), nn.Tanh(), nn.Linear(5, 3, bias=biases)
    ).double()
    nn.utils.vector_to_parameters(theta, net.parameters())
    return output(net(X))


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("output", ["identity", "sigmoid"])
def test_outputs_are_those_of_a_module(biases: bool, output: str) -> None:
    net = Perceptron(Architecture((4, 5), "tanh", biases, output), X, Y)
    theta = net.init(3, generator("perceptron"))
    last = nn.Sigmoid() if output == "sigmoid" else nn.Identity()
    expected = torch.stack([plain(row, biases, last) for row in theta])
    torch.testing.assert_close(net.outputs(theta), expected, rtol=1e-13, atol=1e-14)
    assert net.dim == theta.shape[1] == 8 + 20 + 15 + biases * 12


@pytest.mark.parametrize(
    ("error", "of"),
    [
        ("mse", lambda e: e.square().mean()),
        ("l1", lambda e: e.abs().mean()),
        ("half-square", lambda e: e.square().sum(1).mean() / 2),
    ],
)
def test_errors_and_decay(error: str, of: object) -> None:
    net = Perceptron(Architecture((4,), "relu", True), X, Y, error, weight_decay=0.3)
    theta = net.init(2, generator("errors"))
    expected = [of(out - Y) + 0.15 * row.square().sum() for out, row in zip(net.outputs(theta), theta, strict=True)]
    torch.testing.assert_close(net.loss(theta), torch.stack(expected), rtol=1e-12, atol=0)


def test_gradient_against_differences() -> None:
    net = Perceptron(Architecture((3, 2), "sigmoid", True, "sigmoid"), X, Y, "half-square")
    theta = net.init(1, generator("gradient"))
    _, gradient = net.value_and_gradient(theta, None)
    steps = 1e-6 * torch.eye(net.dim, dtype=torch.float64)
    differences = (net.loss(theta + steps) - net.loss(theta - steps)) / 2e-6
    torch.testing.assert_close(gradient[0], differences, rtol=1e-6, atol=1e-9)


def test_the_codes_starts() -> None:
    net = Perceptron(Architecture((50,), "sigmoid", True), *cubic())
    theta = net.init(400, generator("starts"))
    weights, biases = theta[:, :50], theta[:, 50:100]
    assert float(weights.abs().max()) <= 1 and float(weights.std()) == pytest.approx(3**-0.5, rel=0.02)
    assert float(biases.std()) == pytest.approx(1, rel=0.02)


def test_tasks() -> None:
    (x, y), (u, v) = quadratic(), cubic()
    assert float(x.min()) > 0 and float(x.max()) < 1 and float(y.min()) >= 0.1 and float(y.max()) < 0.85
    assert torch.allclose(v, u * (2 * u - 1) * (4 * u - 3))
    x, y = permuted_points()
    assert torch.equal(y, x[[1, 2, 0]]) and len(TASKS) == 3
    products = x @ x.T
    assert bool((products[~torch.eye(3, dtype=torch.bool)] < 0).all())


def test_spec_makes_the_landscape() -> None:
    settings = {"hidden": [3], "activation": "relu", "biases": False, "error": "mse", "box": 2.0}
    spec = PerceptronSpec(kind="perceptron", task="permuted-points", **settings)
    net, box = make_landscape(spec)
    assert net.dim == spec.dimension == len(box) == 12  # the text's count of a 2-3-2 network
    four = spec.model_copy(update={"task": "cubic", "hidden": [4, 4], "biases": True})
    assert make_landscape(four)[0].dim == four.dimension == 33


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": Y[:2]}, "4 inputs and 2 targets"),
        ({"error": "l2"}, "error 'l2' is not among mse, l1, half-square"),
        ({"weight_decay": -1.0}, "weight_decay ≥ 0"),
    ],
)
def test_what_cannot_be(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Perceptron(**({"architecture": Architecture((2,), "tanh", True), "x": X, "y": Y} | change))


@pytest.mark.parametrize("hidden", [(), (3, 0)])
def test_layers_have_units(hidden: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="each layer a unit"):
        Architecture(hidden, "tanh", True)
