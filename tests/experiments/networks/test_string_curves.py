"""Strings between the minima of networks: the step, its barcode; and metrics that thresholds may be on."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from lossbars.datasets.dataset import Split
from lossbars.landscapes.metric import Measured
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.seeding import generator
from support.plans import make_plan
from support.workflow import ADAM, TINY, Model

STRING: dict[str, Any] = ADAM | {
    "epochs": 20,
    "halvings": 5,
    "family": {"kind": "string", "rounds": 4, "most": 12},
    "grid": {"between": 5, "refinements": 1},
}


def made(folder: Path) -> Model:
    """Three minima of a small network, joined by strings."""
    tiny = {name: value for name, value in TINY.items() if name not in ("triangles", "robustness")}
    model = Model(folder, make_plan(tiny=tiny | {"curves": STRING, "seeds_per_job": 3}))
    model.train()
    return model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return made(tmp_path_factory.mktemp("strings"))


def test_strings_join_the_minima_and_are_no_higher_than_segments(model: Model) -> None:
    tensors, theta = model.tensors("curves"), model.tensors("minima")["theta"]
    assert model.facts("curves")["family"] == "string" and len(tensors["pairs"]) == 3
    table = model.table("curves")
    tops = table.groupby(["a", "b", "kind"])["objective"].max().unstack()
    assert (tops["curve"] <= tops["segment"] + 1e-6).all() and (tops["curve"] < tops["segment"]).any()
    for (a, b), nodes, count in zip(
        tensors["pairs"].tolist(), tensors["nodes"], tensors["lengths"].tolist(), strict=True
    ):
        assert torch.equal(nodes[0], theta[a]) and torch.equal(nodes[count - 1], theta[b])
        assert bool(nodes[count:].isnan().all()) and not bool(nodes[:count].isnan().any())
        top = float(tops.loc[(a, b), "curve"])
        failed = float(tensors["failed"][tensors["pairs"].tolist().index([a, b])])
        assert failed != failed or failed < top + 1e-6


def test_their_barcode_is_of_the_lower_curves(model: Model) -> None:
    model.barcode()
    direct, _ = model.records("barcode")
    table = model.table("curves")
    tops = table[table["kind"] == "curve"].groupby(["a", "b"])["objective"].max()
    losses = model.table("minima").set_index("seed")["objective"]
    for bar in direct["bars"]:
        (p,) = bar["born_at"]
        lower = [top for pair, top in tops.items() if p in pair and losses[sum(pair) - p] < losses[p]]
        assert bar["death"] == min(lower, default=None)


def test_the_same_recipe_gives_the_same_bits(model: Model, tmp_path: Path) -> None:
    first, second = (one.tensors("curves") for one in (model, made(tmp_path)))
    assert torch.equal(first["nodes"].nan_to_num(), second["nodes"].nan_to_num())
    assert torch.equal(first["lengths"], second["lengths"])


# Metrics -----------------------------------------------------------------------------------------


def network() -> NetworkLandscape:
    x = torch.rand(40, 6, generator=generator("metric"))
    return NetworkLandscape(lambda: nn.Linear(6, 3), Split(x, torch.arange(40) % 3), 10, torch.device("cpu"))


def test_metrics_are_what_a_plain_module_says() -> None:
    net = network()
    test = Split(torch.rand(17, 6, generator=generator("test")), torch.arange(17) % 3)
    theta = net.init(4, generator("theta"))
    found = [Measured(net, test, kind).loss(theta).tolist() for kind in ("loss", "error", "perplexity")]
    for row, loss, error, perplexity in zip(theta, *found, strict=True):
        module = nn.Linear(6, 3)
        nn.utils.vector_to_parameters(row, module.parameters())
        output = module(test.x).detach()
        expected = float(nn.functional.cross_entropy(output, test.y))
        assert loss == pytest.approx(expected, rel=1e-5)
        assert error == pytest.approx(float((output.argmax(1) != test.y).double().mean()))
        assert perplexity == pytest.approx(2.718281828459045**expected, rel=1e-5)


def test_an_error_is_below_a_threshold_of_its_own_value() -> None:
    net = network()
    x = torch.rand(1000, 6, generator=generator("many"))
    theta = net.init(1, generator("theta"))
    answers = nn.Linear(6, 3)
    nn.utils.vector_to_parameters(theta[0], answers.parameters())
    right = answers(x).detach().argmax(1)
    for wrong in (10, 15, 20, 30, 40, 50):
        y = right.clone()
        y[:wrong] = (y[:wrong] + 1) % 3
        assert float(Measured(net, Split(x, y), "error").loss(theta)) <= wrong / 1000


def test_a_regression_has_no_error() -> None:
    x = torch.rand(8, 6)
    net = NetworkLandscape(lambda: nn.Linear(6, 2), Split(x, torch.rand(8, 2)), 4, torch.device("cpu"))
    with pytest.raises(ValueError, match="error is for classes"):
        Measured(net, net.train, "error")


def test_a_metric_has_no_gradient_and_one_batch() -> None:
    net = network()
    metric = Measured(net, net.train, "loss")
    assert list(metric.batches([])) == [None] and metric.rows_at_once == net.rows_at_once
    theta = metric.init(2, generator("start")).requires_grad_()
    assert not metric.loss(theta).requires_grad
