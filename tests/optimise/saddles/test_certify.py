"""Certified saddles: known functions, planted minima, small networks, and everything that does not pass."""

import math

import mpmath
import pytest
import torch
from torch import Tensor

from lossbars.barcodes.complex import merged_barcode
from lossbars.functions import (
    Function,
    alpine01,
    bent_double_well,
    himmelblau,
    mueller_brown,
    rastrigin,
    six_hump_camel,
    wavy,
)
from lossbars.hessian.derivatives import hessian
from lossbars.landscape import Batch
from lossbars.landscapes.perceptron import Architecture, Perceptron
from lossbars.optimise.multistart import optimised_barcode
from lossbars.optimise.saddles.certificates import Certified, Certifying, among_given, closed_complex
from lossbars.optimise.saddles.certified_descent import LossInBox, descend
from lossbars.optimise.saddles.certify import certify
from support.certain_functions import bars_of, critical_value
from support.ramps import curves, ramp

KNOWN = {f.name: f for f in (six_hump_camel, mueller_brown, himmelblau, bent_double_well(20), wavy, rastrigin(2))}


def places(points: tuple[tuple[tuple[float, ...], float], ...]) -> Tensor:
    return torch.tensor([place for place, _ in points], dtype=torch.float64)


def near(points: Tensor, share: float, seed: int = 0) -> Tensor:
    """Places at a random distance of the size of ``share`` of the least distance between points."""
    random = torch.Generator().manual_seed(seed)
    noise = torch.randn(points.shape, generator=random, dtype=torch.float64) / math.sqrt(points.shape[1])
    return points + share * noise


@pytest.mark.parametrize("products", [False, True], ids=["exact", "products"])
@pytest.mark.parametrize("name", list(KNOWN))
def test_known_saddles_are_certified(name: str, products: bool) -> None:
    function = KNOWN[name]
    minima, saddles = places(function.minima), places(function.saddles)
    least = float(torch.pdist(torch.cat([minima, saddles])).min())
    settings = Certifying(slack=1.0, exact_up_to=1 if products else 400)  # a top beside the saddle may be lower
    certified = certify(function, near(saddles, 0.1 * least), minima, settings=settings)
    assert [c.failures for c in certified.certificates] == [()] * len(saddles)
    assert [c.index for c in certified.certificates] == [1] * len(saddles)
    assert all(c.separates for c in certified.certificates)
    assert certified.found_by == () and torch.equal(certified.minima, minima)
    for certificate, (place, _) in zip(certified.certificates, function.saddles, strict=True):
        assert certificate.value == pytest.approx(critical_value(name, place), rel=1e-9, abs=1e-12)
        torch.testing.assert_close(certificate.saddle, torch.tensor(place, dtype=torch.float64), atol=1e-8, rtol=0)
        exact = torch.linalg.eigvalsh(hessian(function, certificate.saddle[None])[0])
        count = len(certificate.eigenvalues)
        assert certificate.eigenvalues == pytest.approx(exact[:count].tolist(), rel=1e-4)


@pytest.mark.parametrize("name", ["six_hump_camel", "mueller_brown", "himmelblau", "bent_double_well"])
def test_every_bar_of_a_known_function_is_certified(name: str) -> None:
    """Births and deaths to 1e-9 of critical values that mpmath computes."""
    function = KNOWN[name]
    minima, saddles = places(function.minima), places(function.saddles)
    tops = near(saddles, 0.02)
    certified = certify(function, tops, minima, settings=Certifying(slack=1.0))
    heights = [max(c.top, c.value) for c in certified.certificates]
    chain = [(0, i % (len(minima) - 1) + 1) for i in range(len(tops))]  # what curves had these tops matters not
    ends = [c.ends or chain[i] for i, c in enumerate(certified.certificates)]
    closed = closed_complex(ends, heights, certified)
    barcode = merged_barcode(closed.complex)
    finite = [bar for bar in barcode.bars if bar.dies_at]
    assert len(finite) == len(minima) - 1 and all(bar.dies_at in closed.certificates for bar in finite)
    truth = bars_of(name)
    assert [bar.birth for bar in barcode.bars] == pytest.approx([birth for birth, _ in truth], rel=1e-9, abs=1e-12)
    wanted = sorted(death for _, death in truth if math.isfinite(death))
    assert sorted(bar.death for bar in finite) == pytest.approx(wanted, rel=1e-9, abs=1e-12)


def test_optimised_curves_die_at_certified_saddles() -> None:
    """Curves alone end at −38.867 where the saddle is −40.6648."""
    minima, recipe = ramp(0.05, 200), curves(0.05, 600, 7, 32, 20.0)
    rough = optimised_barcode(mueller_brown, mueller_brown.box, 60, minima, recipe, 0, certify=False)
    assert rough.merged.bars[1].death > -40.5 and not rough.certificates
    result = optimised_barcode(mueller_brown, mueller_brown.box, 60, minima, recipe, 0)
    truth = bars_of("mueller_brown")
    assert [(bar.birth, bar.death) for bar in result.merged.bars] == [pytest.approx(bar, rel=1e-9) for bar in truth]
    for bar in result.merged.bars[1:]:
        assert bar.dies_at is not None
        certificate = result.certificates[bar.dies_at]
        assert certificate.passes and certificate.value == bar.death and certificate.gradient < 1e-9
        assert torch.equal(result.saddle_places[bar.dies_at], certificate.saddle)
    assert result.found == ()


# Minima that are found ---------------------------------------------------------------------------


def three_wells(theta: Tensor) -> Tensor:
    """Three wells on the x axis at −2, 0 and 2, the middle one the lowest."""
    x, y = theta.unbind(-1)
    return x.square() * (x.square() - 4).square() / 10 + 0.2 * x.square() + y.square()


WELLS = Function("wells", ((-3.0, 3.0), (-1.0, 1.0)), three_wells)


def test_a_minimum_that_was_not_given_is_found_from_the_saddle() -> None:
    outer = 2 * math.sqrt((2 + math.sqrt(1 - 3 * 0.2 * 10 / 16)) / 3)  # roots of the derivative over x
    given = torch.tensor([[-outer, 0.0], [outer, 0.0]], dtype=torch.float64)
    tops = torch.tensor([[1.1, 0.3]], dtype=torch.float64)
    certified = certify(WELLS, tops, given)
    (certificate,) = certified.certificates
    assert certificate.passes and certificate.ends == (1, 2)
    assert certified.given == 2 and certified.found_by == (0,)
    torch.testing.assert_close(certified.minima[2], torch.zeros(2, dtype=torch.float64), atol=1e-8, rtol=0)
    assert certified.values[2] == pytest.approx(0.0, abs=1e-15)
    height = float(WELLS.loss(tops))
    closed = closed_complex([(0, 1)], [height], certified)
    bars = merged_barcode(closed.complex).bars
    assert [bar.born_at for bar in bars] == [(2,), (0,), (1,)]  # the found minimum has the half-line
    dies = {bar.born_at: bar for bar in bars}
    inner = 2 * math.sqrt((2 - math.sqrt(1 - 3 * 0.2 * 10 / 16)) / 3)
    saddle = inner**2 * (inner**2 - 4) ** 2 / 10 + 0.2 * inner**2
    assert dies[(1,)].death == pytest.approx(saddle, rel=1e-12) and dies[(1,)].dies_at == (1, 2)
    assert dies[(0,)].death == pytest.approx(height)  # by the curve: no saddle of this side is certified
    assert (0, 2) not in closed.certificates or (0, 1) not in closed.certificates
    between, edges = among_given(closed.complex, 2)
    assert [bar.death for bar in merged_barcode(between).bars] == [math.inf, pytest.approx(height)]
    assert set(edges) == {(0, 1)}


def test_two_tops_that_find_one_minimum_give_it_one_number() -> None:
    outer = 2 * math.sqrt((2 + math.sqrt(1 - 3 * 0.2 * 10 / 16)) / 3)
    given = torch.tensor([[-outer, 0.0], [outer, 0.0]], dtype=torch.float64)
    tops = torch.tensor([[1.1, 0.3], [-1.1, 0.4]], dtype=torch.float64)
    certified = certify(WELLS, tops, given)
    assert [c.ends for c in certified.certificates] == [(1, 2), (0, 2)] and certified.found_by == (0,)
    closed = closed_complex([(0, 1), (0, 1)], WELLS.loss(tops).tolist(), certified)
    assert set(closed.certificates) == {(0, 2), (1, 2)}
    between, edges = among_given(closed.complex, 2)
    saddle = max(c.value for c in certified.certificates)
    assert merged_barcode(between).bars[1].death == saddle and edges[(0, 1)] in closed.certificates


# What does not pass ------------------------------------------------------------------------------


def failures(certified: Certified) -> list[tuple[str, ...]]:
    return [c.failures for c in certified.certificates]


def test_a_top_at_a_minimum_has_no_saddle() -> None:
    minima = places(mueller_brown.minima)
    certified = certify(mueller_brown, minima[:1], minima)
    assert failures(certified) == [("at a minimum",)] and certified.certificates[0].ends is None


def test_a_saddle_above_its_top_does_not_pass() -> None:
    minima = places(mueller_brown.minima)
    saddle = places(mueller_brown.saddles)[1:]
    down = torch.linalg.eigh(hessian(mueller_brown, saddle))[1][:, :, 0]
    below = saddle + 0.1 * down
    certified = certify(mueller_brown, below, minima)
    assert "above its top" in failures(certified)[0]


def test_a_kink_is_not_certified() -> None:
    ridge = Function("ridge", ((-2.0, 2.0),) * 2, lambda t: -(t[:, 0].abs() - 1).abs() * -1 + t[:, 1].square())
    minima = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    certified = certify(ridge, torch.tensor([[0.01, 0.05]], dtype=torch.float64), minima)
    assert not certified.certificates[0].passes


def test_descents_that_never_end_do_not_pass() -> None:
    slope = Function(
        "slope", ((-1.0, 1.0),) * 2, lambda t: t[:, 0] * t[:, 1].square() * 0 - t[:, 0] ** 2 + t[:, 1] ** 2
    )
    given = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    top = torch.tensor([[0.05, 0.02]], dtype=torch.float64)
    settings = Certifying(slack=1e3, descent_steps=50)
    assert failures(certify(slope, top, given, settings=settings)) == [("descent", "above its top")]


def test_descents_in_a_box_end_on_its_faces() -> None:
    hill = Function("hill", ((-1.0, 1.0), (-2.0, 2.0)), lambda t: -(t[:, 0] - 0.3).square() + t[:, 1].square())
    given = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    top = torch.tensor([[0.3, 0.1]], dtype=torch.float64)
    certified = certify(hill, top, given, box=hill.box)
    (certificate,) = certified.certificates
    assert certificate.passes and certificate.value == pytest.approx(0.0, abs=1e-15) and certificate.ends == (0, 1)
    assert certified.minima[1].tolist() == pytest.approx([-1.0, 0.0], abs=1e-9)
    inside = certify(hill, top, given, box=((-1.0, 0.1), (-2.0, 2.0)))
    assert failures(inside)[0][0] == "outside the box"


def test_kinks_and_no_minima() -> None:
    with pytest.raises(ValueError, match="at least one minimum"):
        certify(alpine01(2), torch.zeros(1, 2, dtype=torch.float64), torch.zeros(0, 2, dtype=torch.float64))
    empty = certify(wavy, torch.zeros(0, 2, dtype=torch.float64), places(wavy.minima))
    assert empty.certificates == () and len(empty.minima) == len(wavy.minima)


# Networks ----------------------------------------------------------------------------------------


class InBatches(Perceptron):
    """A network that can be differentiated on batches of its samples alone, as those of modules."""

    def loss(self, theta: Tensor, batch: Batch | None = None) -> Tensor:
        if batch is None:
            with torch.no_grad():
                return super().loss(theta)
        part = Perceptron(self.architecture, self.x[batch.index], self.y[batch.index], "half-square", self.weight_decay)
        return part.loss(theta)


def test_networks_are_certified_on_batches_of_unequal_size() -> None:
    random = torch.Generator().manual_seed(3)
    x = torch.randn(30, 2, generator=random, dtype=torch.float64)
    y = torch.tanh(x[:, :1] * 2) * x[:, 1:]
    net = InBatches(Architecture((3,), "tanh", True), x, y, "half-square", 1e-2)
    batches = [Batch(torch.arange(0, 20)), Batch(torch.arange(20, 30))]
    far = torch.full((net.dim,), torch.inf, dtype=torch.float64)
    start = net.init(6, torch.Generator().manual_seed(0))
    limit = torch.ones(6, dtype=torch.float64)
    ended = descend(LossInBox(net, -far, far, batches), start, limit, 1e9 * limit, 1e-11 * limit, 5000)
    assert (ended.gradient < 1e-9).all()
    order = ended.value.argsort()
    minima = ended.theta[order]
    one, other = minima[0], minima[-1]
    share = torch.linspace(0, 1, 101, dtype=torch.float64)[:, None]
    line = torch.lerp(one[None], other[None], share)
    tops = line[net.loss(line).argmax()][None]
    whole = Perceptron(net.architecture, x, y, "half-square", 1e-2)
    by_batches = certify(net, tops, minima, batches=batches)
    (certificate,) = by_batches.certificates
    assert certificate.passes and certificate.index == 1
    saddle = certificate.saddle[None]
    assert float(whole.value_and_gradient(saddle, None)[1].norm()) < 1e-9
    assert certificate.value == pytest.approx(float(whole.loss(saddle)), rel=1e-12)
    products = certify(net, tops, minima, batches=batches, settings=Certifying(exact_up_to=1)).certificates[0]
    assert products.passes and products.eigenvalues[0] < 0 < products.eigenvalues[1]
    for found in by_batches.minima[by_batches.given :]:
        assert torch.linalg.eigvalsh(hessian(whole, found[None])[0]).min() > -1e-8


def test_mpmath_knows_the_values() -> None:
    """The reference of these tests is itself a critical value, to 30 digits."""
    with mpmath.workdps(40):
        assert abs(mpmath.mpf(critical_value("himmelblau", (3.0, 2.0)))) < mpmath.mpf(10) ** -30
