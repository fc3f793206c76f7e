"""The search for saddles: who found what, minima that are stations, stops after which it goes on to the same bits."""

import pytest
import torch
from torch import Tensor

from lossbars.hessian.derivatives import RECORD
from lossbars.landscapes.regression import Regression
from lossbars.optimise.descent import State
from lossbars.optimise.polish import polish
from lossbars.optimise.saddles.certificate_tensors import as_tensors, from_tensors
from lossbars.optimise.saddles.certificates import Certificate
from lossbars.optimise.saddles.certify import loss_in_box
from lossbars.optimise.saddles.closing_search import Closing, ClosingSearch, Places
from lossbars.optimise.saddles.closure import certified_barcode
from lossbars.optimise.saddles.graph import SaddleGraph
from lossbars.optimise.saddles.humps import CurveSearch
from lossbars.optimise.stopping import Stopped
from lossbars.recipes import Polish, Settle
from lossbars.seeding import generator

NET = Regression((2,), "tanh", True, 1e-2, 3.0)
SETTINGS = Closing(lowering=1, explored=2, copies=4, rounds=3, search=CurveSearch(bends=3, settle=Settle(passes=96)))


@pytest.fixture(scope="module")
def given() -> Tensor:
    """Polished minima of a network with two units."""
    return polish(NET, NET.init(3, generator("closure", 0)), Polish(passes=5000, gradient=1e-11, fall=0.0)).theta


class Stopping:
    """A checkpoint in memory that asks the run to stop at its n-th question; n = 0: never."""

    def __init__(self, state: State | None, stop_at: int) -> None:
        self.state, self.stop_at, self.asked = state, stop_at, 0
        self.stopping = False

    def due(self) -> bool:
        self.asked += 1
        self.stopping |= self.asked == self.stop_at
        return self.stopping

    def load(self) -> State | None:
        return self.state

    def save(self, state: State) -> None:
        self.state = {name: rows.clone() for name, rows in state.items()}


def searched(given: Tensor, checkpoint: Stopping | None) -> SaddleGraph:
    graph = SaddleGraph(loss_in_box(NET, given, RECORD, None), SETTINGS.certifying, given)
    search = ClosingSearch(graph, NET, SETTINGS, checkpoint=checkpoint)
    search.join()
    search.lower()
    return graph


@pytest.fixture(scope="module")
def whole(given: Tensor) -> SaddleGraph:
    """What a search finds that is not stopped."""
    return searched(given, None)


def test_a_search_that_is_stopped_again_and_again_ends_at_the_same_bits(given: Tensor, whole: SaddleGraph) -> None:
    state: State | None = None
    stops = 0
    while True:
        checkpoint = Stopping(state, stop_at=4)
        try:
            graph = searched(given, checkpoint)
            break
        except Stopped:
            assert checkpoint.state is not None
            state, stops = checkpoint.state, stops + 1
    assert stops >= 3, "it was not stopped often enough to show anything"
    assert torch.equal(graph.minima, whole.minima) and graph.origins == whole.origins
    assert graph.found_by == whole.found_by and graph.climbs == whole.climbs
    assert [c.value for c in graph.certificates] == [c.value for c in whole.certificates]
    assert all(torch.equal(graph.edges[edge].saddle, whole.edges[edge].saddle) for edge in whole.edges)


def test_it_says_who_found_each_minimum(given: Tensor, whole: SaddleGraph) -> None:
    graph = whole
    assert len(graph.minima) > len(given) and len(graph.found_by) == len(graph.minima) - len(given)
    for number, saddle in enumerate(graph.found_by, len(given)):
        ends = graph.certificates[saddle].ends
        assert ends is None or number in ends
        assert graph.origins[saddle].startswith(("relaxed curve", "soft direction", "random place", "copy"))


def test_known_minima_are_stations(given: Tensor, whole: SaddleGraph) -> None:
    plain = whole
    found = plain.minima[len(given) :]
    graph = SaddleGraph(loss_in_box(NET, given, RECORD, None), SETTINGS.certifying, given, found)
    assert torch.allclose(graph.minima, plain.minima, atol=1e-10)
    search = ClosingSearch(graph, NET, SETTINGS)
    saddles = torch.stack([certificate.saddle for certificate in plain.edges.values()])
    assert search.climb(Places(saddles, ["known"] * len(saddles)), "saddles that are known") == len(saddles)
    assert not graph.found_by and graph.given == len(given) and len(graph.minima) == len(plain.minima)
    assert {f"{c.value:.9g}" for c in graph.certificates} == {f"{c.value:.9g}" for c in plain.edges.values()}


def test_a_certified_barcode_goes_on_from_its_checkpoint(given: Tensor) -> None:
    checkpoint = Stopping(None, stop_at=3)
    with pytest.raises(Stopped, match="run it again"):
        certified_barcode(NET, given, settings=SETTINGS, checkpoint=checkpoint)
    again = certified_barcode(NET, given, settings=SETTINGS, checkpoint=Stopping(checkpoint.state, 0))
    assert again.closed == certified_barcode(NET, given, settings=SETTINGS).closed


def test_certificates_are_tensors_and_back() -> None:
    place = torch.tensor([1.0, 2.0], dtype=torch.float64)
    numbers = {"value": 0.1, "gradient": 1e-17, "scale": 3.0, "index": 1, "top": 0.3, "approach": 0.2}
    passing = Certificate(saddle=place, **numbers, eigenvalues=(-1.0, 2.0), ends=(0, 3), failures=())  # type: ignore[arg-type]
    failing = Certificate(
        saddle=-place,
        **numbers | {"index": 2},  # type: ignore[arg-type]
        eigenvalues=(-1.0, -0.5),
        ends=None,
        failures=("index", "flat end"),
    )
    back = from_tensors(as_tensors([passing, failing], place[None]))
    for one, other in zip((passing, failing), back, strict=True):
        assert torch.equal(one.saddle, other.saddle)
        assert {**vars(one), "saddle": None} == {**vars(other), "saddle": None}
    assert from_tensors(as_tensors([], place[None])) == []
