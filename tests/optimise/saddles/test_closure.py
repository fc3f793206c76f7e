"""Barcodes whose deaths are certified saddles: planted minima, kinks, and small networks."""

import math

import pytest
import torch
from torch import Tensor, nn

from lossbars.datasets.dataset import Split
from lossbars.functions import Function, rastrigin
from lossbars.hessian.derivatives import hessian
from lossbars.landscape import Batch
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.objective import objective
from lossbars.landscapes.regression import Regression
from lossbars.optimise.multistart import optimised_barcode
from lossbars.optimise.polish import polish
from lossbars.optimise.saddles.closure import Closing, certified_barcode
from lossbars.optimise.saddles.connections import missing_connections, nearest_across
from lossbars.optimise.saddles.copies import carried
from lossbars.recipes import Polish
from lossbars.seeding import generator
from support.ramps import curves, ramp


def three_wells(theta: Tensor) -> Tensor:
    """Three wells on the x axis near −2, 0 and 2, the middle one the lowest, the left one higher than the right one."""
    x, y = theta.unbind(-1)
    return x.square() * (x.square() - 4).square() / 10 + 0.2 * x.square() - 0.02 * x + y.square()


WELLS = Function("wells", ((-3.0, 3.0), (-1.0, 1.0)), three_wells)


def critical(x: float) -> float:
    """The root of the derivative of the wells along the x axis, by Newton's method."""
    slope = torch.func.grad(lambda x: three_wells(torch.stack([x, x * 0])))
    place = torch.tensor(x, dtype=torch.float64)
    for _ in range(50):
        place = place - slope(place) / torch.func.grad(slope)(place)
    return float(place)


def value(x: float) -> float:
    return float(three_wells(torch.tensor([x, 0.0], dtype=torch.float64)))


@pytest.mark.parametrize("box", [None, WELLS.box], ids=["plane", "box"])
def test_a_minimum_that_was_not_given_joins_and_every_death_is_certified(box: tuple | None) -> None:
    left, inner_left, middle, inner_right, right = (critical(x) for x in (-2.0, -1.15, 0.0, 1.15, 2.0))
    given = torch.tensor([[right, 0.0], [left, 0.0]], dtype=torch.float64)
    twice = torch.cat([given, given[:1] + 1e-9])  # two that are one up to rounding
    barcode = certified_barcode(WELLS, twice, box=box, settings=Closing(lowering=1))
    assert barcode.certified_closed == (2, 2) and barcode.certified_given == (1, 1)
    assert torch.equal(barcode.minima[:2], given) and barcode.given == 2 and len(barcode.minima) == 3
    assert barcode.minima[2].tolist() == pytest.approx([middle, 0.0], abs=1e-9)
    deaths = {bar.born_at: bar.death for bar in barcode.closed.bars}
    expected = {(2,): math.inf, (0,): value(inner_right), (1,): value(inner_left)}
    assert deaths == {born: pytest.approx(death, rel=1e-12) for born, death in expected.items()}
    (bar,) = (bar for bar in barcode.among_given.bars if bar.dies_at)
    assert bar.death == max(value for edge, value in barcode.complex.values.items() if len(edge) == 2)


def test_a_kink_leaves_a_curve_that_is_not_certified() -> None:
    ridge = Function("ridge", ((-2.0, 2.0),) * 2, lambda t: (t[:, 0].abs() - 1).abs() + t[:, 1].square())
    given = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    barcode = certified_barcode(ridge, given, settings=Closing(rounds=2, lowering=1))
    assert barcode.certified_closed == (0, 1) and barcode.certified_given == (0, 1)
    assert barcode.closed.bars[1].death == pytest.approx(1.0, abs=1e-3)


def test_no_minima() -> None:
    with pytest.raises(ValueError, match="at least one minimum"):
        certified_barcode(WELLS, torch.zeros(0, 2, dtype=torch.float64))


def test_one_minimum_alone() -> None:
    barcode = certified_barcode(WELLS, torch.tensor([[critical(0.0), 0.0]], dtype=torch.float64))
    assert barcode.certified_closed == (0, 0) and len(barcode.closed.bars) == 1


def test_pairs_that_were_tried_are_not_tried_again() -> None:
    places = torch.tensor([[0.0], [1.0], [3.0]], dtype=torch.float64)
    assert missing_connections(places, [[0], [1], [2]], set()) == [(0, 1), (1, 2)]
    assert missing_connections(places, [[0], [1], [2]], {(0, 1)}) == [(1, 2), (0, 2)]
    assert missing_connections(places, [[0, 1], [2]], {(0, 2), (1, 2)}) == []
    assert nearest_across(places, [0, 1], [2], {(1, 2)}, 2) == [(0, 2)]


def test_saddles_are_carried_to_copies_of_a_minimum() -> None:
    one = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)
    place = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
    image = carried(place, one, torch.tensor([2.0, 3.0, -1.0], dtype=torch.float64))
    assert image is not None and image.tolist() == [-0.2, 0.3, -0.1]
    assert carried(place, one, torch.tensor([2.0, 3.1, -1.0], dtype=torch.float64)) is None


# Networks ----------------------------------------------------------------------------------------


def polished(landscape: object, start: Tensor) -> Tensor:
    end = polish(landscape, start, Polish(passes=5000, gradient=1e-11, fall=0.0))  # type: ignore[arg-type]
    assert all(end.converged)
    return end.theta


def test_every_bar_of_a_tanh_network_is_certified() -> None:
    net = Regression((2,), "tanh", True, 1e-2, 3.0)
    given = polished(net, net.init(4, generator("closure", 0)))
    barcode = certified_barcode(net, given, settings=Closing(lowering=1))
    certified, finite = barcode.certified_closed
    assert certified == finite >= 3 and barcode.certified_given == (3, 3)
    values = net.loss(barcode.minima)
    for edge, certificate in barcode.certificates.items():
        place = certificate.saddle[None]
        assert float(net.value_and_gradient(place, None)[1].norm()) < 1e-9
        assert int((torch.linalg.eigvalsh(hessian(net, place)) < 0).sum()) == 1
        assert certificate.value > float(values[list(edge)].max()) and certificate.ends == edge
    kept = [simplex[0] for simplex in barcode.complex.values if len(simplex) == 1]
    assert float(net.value_and_gradient(barcode.minima[kept], None)[1].norm(dim=1).max()) < 1e-9
    assert (torch.linalg.eigvalsh(hessian(net, barcode.minima[kept])) > 0).all()
    given_deaths = {bar.born_at: bar.death for bar in barcode.among_given.bars}
    assert all(bar.death <= given_deaths.get(bar.born_at, math.inf) for bar in barcode.closed.bars)


def test_a_network_of_modules_is_certified_on_batches_of_its_data() -> None:
    x = torch.linspace(-2, 2, 24, dtype=torch.float64)[:, None]
    data = Split(x, torch.sin(2 * x))
    device = torch.device("cpu")
    net = NetworkLandscape(
        lambda: nn.Sequential(nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 1)).double(), data, 24, device
    )
    landscape = objective(net, 1e-2)
    given = polished(landscape, 2 * landscape.init(2, generator("closure", 1)).double())
    batches = [Batch(torch.arange(16)), Batch(torch.arange(16, 24))]
    barcode = certified_barcode(landscape, given, batches=batches, settings=Closing(lowering=0))
    certified, finite = barcode.certified_closed
    assert certified == finite >= 1
    for certificate in barcode.certificates.values():
        assert float(landscape.value_and_gradient(certificate.saddle[None], None)[1].norm()) < 1e-9


def test_curves_that_leave_a_death_uncertified_are_followed_by_more() -> None:
    """One straight piece of a chain crosses several wells at once; the saddles between them are found all the same."""
    function = rastrigin(2)
    box = ((-1.4, 1.4), (-1.4, 1.4))
    recipe = curves(0.001, 2, 1, 4, 1.0)
    result = optimised_barcode(function, box, 60, ramp(0.02, 150), recipe, 0)
    finite = [bar for bar in result.merged.bars if bar.dies_at]
    assert len(finite) == len(result.minima) - 1 >= 8
    assert all(bar.dies_at in result.certificates for bar in finite)
    assert all(result.certificates[bar.dies_at].value == bar.death for bar in finite if bar.dies_at)
