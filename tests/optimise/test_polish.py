"""Polish: closed forms and known minima, rows that are independent, networks in float64, K-FAC, interruption."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.optimize import minimize
from torch import Generator, Tensor, nn

from lossbars.datasets.dataset import Split
from lossbars.functions import Function, himmelblau, mueller_brown, six_hump_camel
from lossbars.landscape import Landscape
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.objective import Objective, objective
from lossbars.landscapes.perceptron import Architecture, Perceptron
from lossbars.landscapes.toy_data import cubic
from lossbars.optimise.descent import Diverged, State
from lossbars.optimise.kfac import Kfac, find_kfac
from lossbars.optimise.lbfgs import Pairs
from lossbars.optimise.polish import Polished, polish
from lossbars.optimise.stopping import Stopped
from lossbars.recipes import Polish
from support.small_landscapes import Interrupted
from support.small_networks import CPU, NETWORKS, data, landscape, starts


def random(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def valley(x: Tensor) -> Tensor:
    """Rosenbrock's function in any dimension; 0 at 1, and a second minimum of 3.9866 from four dimensions on."""
    return (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(1)


ROSENBROCK = Function("Rosenbrock", ((-2.0, 2.0),) * 20, valley)


def network(activation: type[nn.Module], m: int = 30, hidden: tuple[int, ...] = (4, 4)) -> NetworkLandscape:
    """Fully connected, from 64 pixels to 4 classes, on m samples."""

    def make() -> nn.Module:
        units = [layer for a, b in pairwise((64, *hidden)) for layer in (nn.Linear(a, b), activation())]
        return nn.Sequential(nn.Flatten(-3), *units, nn.Linear(hidden[-1], 4))

    return NetworkLandscape(make, data(m), 8, CPU)


def agrees(one: Polished, other: Polished) -> None:
    """To the bit."""
    for name in ("theta", "value", "gradient_norm", "residue", "passes", "values", "norms"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name
    assert one.stopped == other.stopped


# Closed forms and known minima -------------------------------------------------------------------


@pytest.mark.parametrize("d", [1, 4, 16])
def test_quadratics_take_few_passes_more_than_they_have_dimensions(d: int) -> None:
    root = torch.randn(d, d, generator=random(), dtype=torch.float64)
    matrix, centre = root @ root.T + torch.eye(d), torch.linspace(-1, 2, d, dtype=torch.float64)
    bowl = Function("bowl", ((-2.0, 2.0),) * d, lambda x: ((x - centre) @ matrix * (x - centre)).sum(1) / 2 - 7)
    end = polish(bowl, bowl.init(5, random()), Polish(gradient=1e-10))
    torch.testing.assert_close(end.theta, centre.expand(5, d), rtol=0, atol=1e-10)
    torch.testing.assert_close(end.value, torch.full((5,), -7.0, dtype=torch.float64), rtol=1e-15, atol=0)
    assert end.stopped == ("gradient",) * 5 and all(end.converged) and int(end.passes.max()) <= 2 * d + 12


@pytest.mark.parametrize("function", [six_hump_camel, himmelblau, mueller_brown], ids=lambda f: f.name)
def test_known_minima_to_twelve_digits(function: Function) -> None:
    places = torch.tensor([place for place, _ in function.minima], dtype=torch.float64)
    start = places + 0.05 * torch.randn(places.shape, generator=random(), dtype=torch.float64)
    end = polish(function, start, Polish(gradient=1e-10))
    assert end.stopped == ("gradient",) * len(places)
    torch.testing.assert_close(end.theta, places, rtol=0, atol=1e-11)
    known = torch.tensor([value for _, value in function.minima], dtype=torch.float64)
    torch.testing.assert_close(end.value, known, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(end.value, function.loss(end.theta), rtol=0, atol=0)


def test_rosenbrock_in_twenty_dimensions() -> None:
    end = polish(ROSENBROCK, ROSENBROCK.init(6, random()), Polish(gradient=1e-9))
    assert end.stopped == ("gradient",) * 6 and int(end.passes.max()) < 400
    other = end.theta[:, 0] < 0  # the second minimum is near (−1, 1, …, 1)
    torch.testing.assert_close(
        end.value[~other], torch.zeros(int((~other).sum()), dtype=torch.float64), atol=1e-18, rtol=0
    )
    torch.testing.assert_close(end.value[other], torch.full((int(other.sum()),), 3.98662385, dtype=torch.float64))


def test_values_and_norms_are_those_on_the_way() -> None:
    end = polish(ROSENBROCK, ROSENBROCK.init(3, random()), Polish(gradient=1e-9, passes=300))
    assert end.values.shape == end.norms.shape == (3, 300)
    for i, p in enumerate(end.passes.tolist()):
        assert bool((end.values[i].diff() <= 0).all()) and float(end.values[i, p - 1]) == float(end.value[i])
        gained = float(end.values[i, p // 2 - 1] - end.value[i])
        assert float(end.residue[i]) == (0.0 if end.stopped[i] == "gradient" else gained)
        assert float(end.norms[i, p - 2]) > 1e-9 >= float(end.norms[i, p - 1]) == float(end.gradient_norm[i])
    _, gradient = ROSENBROCK.value_and_gradient(end.theta, None)
    torch.testing.assert_close(end.gradient_norm, gradient.norm(dim=1))


def test_a_start_that_has_converged_takes_one_pass_and_a_start_is_not_changed() -> None:
    place = torch.tensor([six_hump_camel.minima[0][0], (0.4, 0.4)], dtype=torch.float64)
    kept = place.clone()
    end = polish(six_hump_camel, place, Polish(gradient=1e-7))
    assert int(end.passes[0]) == 1 < int(end.passes[1]) and torch.equal(end.theta[0], kept[0])
    assert torch.equal(place, kept) and float(end.residue[0]) == 0.0


# Rows ----------------------------------------------------------------------------------------------


class Counting(Landscape):
    """How many rows each call has."""

    def __init__(self, inner: Landscape) -> None:
        self.inner, self.dim, self.device, self.rows = inner, inner.dim, inner.device, list[int]()

    def init(self, n: int, generator: Generator) -> Tensor:
        return self.inner.init(n, generator)

    def batches(self, generators: Any) -> Any:
        return self.inner.batches(generators)

    def loss(self, theta: Tensor, batch: Any = None) -> Tensor:
        return self.inner.loss(theta, batch)

    def value_and_gradient(self, theta: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
        self.rows.append(len(theta))
        return self.inner.value_and_gradient(theta, batch)


@pytest.mark.parametrize("function", [six_hump_camel, ROSENBROCK], ids=lambda f: f.name)
def test_rows_are_what_they_are_alone_and_leave_when_they_stop(function: Function) -> None:
    start, recipe, counted = function.init(7, random()), Polish(gradient=1e-9), Counting(function)
    together = polish(counted, start, recipe)
    for i in range(7):
        alone = polish(function, start[i : i + 1], recipe)
        torch.testing.assert_close(alone.theta[0], together.theta[i], rtol=1e-9, atol=1e-9)
        assert abs(int(alone.passes[0]) - int(together.passes[i])) <= 5
    assert counted.rows == [int((together.passes >= p).sum()) for p in range(1, len(counted.rows) + 1)]


def test_a_network_is_what_it_is_alone() -> None:
    inner = network(nn.Tanh)
    of, recipe, start = Objective(inner, 0.02), Polish(gradient=1e-6), starts(inner, 2)
    together = polish(of, start, recipe)
    for i in range(2):
        torch.testing.assert_close(polish(of, start[i : i + 1], recipe).value[0], together.value[i], rtol=1e-9, atol=0)


# The end -------------------------------------------------------------------------------------------


def test_the_budget_is_kept() -> None:
    for passes in (1, 2, 7):
        counted = Counting(ROSENBROCK)
        end = polish(counted, ROSENBROCK.init(2, random()), Polish(passes=passes))
        assert end.passes.tolist() == [passes] * 2 and len(counted.rows) == passes and end.stopped == ("budget",) * 2
    of = Objective(network(nn.Tanh), 1e-2)
    for passes in (4, 5, 30):  # a K-FAC matrix takes 3
        assert polish(of, of.init(2, random()), Polish(passes=passes, rebuild=8)).passes.tolist() == [passes] * 2


def test_kinks_end_by_their_fall_which_is_stated() -> None:
    of = Objective(network(nn.ReLU), 1e-2)
    end = polish(of, of.init(2, random()), Polish(fall=0.02))
    assert end.stopped == ("fall",) * 2 and float(end.gradient_norm.min()) > 1e-4
    assert bool((end.residue <= 0.02 * end.value).all()) and float(end.residue.min()) > 0
    assert not any(end.converged)


class Misled(Counting):
    """A gradient that is not the value's, as a network's whose BatchNorm statistics are held."""

    def value_and_gradient(self, theta: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
        value, gradient = super().value_and_gradient(theta, batch)
        return value, -gradient


def test_no_step_lowers_the_objective() -> None:
    end = polish(Misled(ROSENBROCK), ROSENBROCK.init(2, random()), Polish(fall=0.0))
    assert end.stopped == ("precision",) * 2 and int(end.passes.max()) < 100 and not bool(end.residue.any())


def test_a_network_with_batchnorm_descends_with_its_statistics_held() -> None:
    inner = landscape(NETWORKS["norm"])
    of, start = Objective(inner, 1e-2), starts(inner, 2)
    end = polish(of, start, Polish(passes=100))
    assert bool((end.value < of.loss(start) - 0.1).all())
    torch.testing.assert_close(end.value, of.loss(end.theta))


def test_float32_reaches_what_it_can() -> None:
    of = objective(network(nn.Tanh), 1e-2)
    single = polish(of, of.init(2, random()), Polish(precision="float32"))
    double = polish(of, single.theta, Polish())
    assert single.theta.dtype == torch.float32 and double.theta.dtype == torch.float64
    assert single.stopped == ("gradient",) * 2 and double.stopped == ("gradient",) * 2
    torch.testing.assert_close(single.value, double.value, rtol=1e-6, atol=0)
    assert polish(of, single.theta, Polish(precision="float32", gradient=1e-12, fall=1e-9)).stopped != ("gradient",) * 2


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_start_that_is_not_finite(bad: float) -> None:
    start = torch.tensor([[0.1, 0.2], [0.1, bad]], dtype=torch.float64)
    with pytest.raises(Diverged, match="objective of seed 5 is not finite where its polish starts"):
        polish(six_hump_camel, start, Polish(), ["seed 4", "seed 5"])


def test_places_without_a_value_are_walked_around() -> None:
    wall = Function("wall", ((0.0, 9.0),), lambda x: x[:, 0] - x[:, 0].log())  # NaN below 0
    end = polish(wall, torch.tensor([[1e-3], [9.0], [40.0]], dtype=torch.float64), Polish())
    torch.testing.assert_close(end.theta, torch.ones(3, 1, dtype=torch.float64))


# Networks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(3,), (4, 4)])
def test_small_smooth_networks_reach_their_minima_in_float64(hidden: tuple[int, ...]) -> None:
    small = Perceptron(Architecture(hidden, "tanh", True), *cubic(), "mse", 1e-4)
    end = polish(small, small.init(4, random()), Polish(gradient=1e-10, passes=6000, fall=0.0))
    assert end.stopped == ("gradient",) * 4 and float(end.gradient_norm.max()) <= 1e-10


@pytest.mark.parametrize("regression", [False, True])
@pytest.mark.parametrize("activation", [nn.Tanh, nn.GELU])
def test_networks_on_few_samples_reach_their_minima(activation: type[nn.Module], regression: bool) -> None:
    inner = network(activation, 20, (4,))  # d = 280
    if regression:
        inner = NetworkLandscape(inner.make, data(20, regression=True), 8, CPU)
    end = polish(objective(inner, 1e-2), inner.init(3, random()), Polish(gradient=1e-10))
    assert end.stopped == ("gradient",) * 3 and float(end.gradient_norm.max()) <= 1e-10


def test_values_are_those_of_scipy() -> None:
    of = Objective(network(nn.Tanh), 1e-2)
    start = of.init(2, random()).double()

    def value_and_gradient(place: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = of.value_and_gradient(torch.from_numpy(place)[None], None)
        return float(value), gradient[0].numpy().copy()

    end = polish(of, start, Polish(preconditioner="none"))
    options = {"maxiter": 10_000, "maxfun": 10_000, "ftol": 0.0, "gtol": 1e-9, "maxcor": 50}
    for i in range(2):
        theirs = minimize(value_and_gradient, end.theta[i].numpy() + 1e-3, jac=True, method="L-BFGS-B", options=options)
        assert float(end.value[i]) == pytest.approx(theirs.fun, rel=1e-12)


@pytest.mark.parametrize("name", ["conv", "dropout"])
def test_other_networks_descend_on_their_loss_of_record(name: str) -> None:
    inner = landscape(NETWORKS[name])
    of = Objective(inner, 1e-2)
    start = starts(inner, 2)
    end = polish(of, start, Polish(passes=60))
    torch.testing.assert_close(end.value, of.loss(end.theta))
    assert float((of.loss(start) - end.value).min()) > 0.1


# K-FAC ---------------------------------------------------------------------------------------------


def test_kfac_is_for_linear_layers_with_smooth_units() -> None:
    for activation, smooth in (
        (nn.Tanh, True),
        (nn.GELU, True),
        (nn.Softplus, True),
        (nn.Sigmoid, True),
        (nn.ReLU, False),
    ):
        assert (find_kfac(network(activation)) is not None) == smooth
        assert (find_kfac(objective(network(activation), 0.1)) is not None) == smooth
    assert find_kfac(landscape(NETWORKS["conv"])) is None and find_kfac(six_hump_camel) is None
    with pytest.raises(ValueError, match="preconditioner: kfac is for"):
        polish(six_hump_camel, six_hump_camel.init(1, random()), Polish(preconditioner="kfac"))
    for wrong in ({"preconditioner": "on"}, {"passes": 0}, {"gradient": 0.0}, {"fall": -1.0}, {"depth": 3}):
        with pytest.raises(ValidationError):
            Polish(**wrong)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("regression", [True, False])
def test_the_matrix_of_a_linear_network_is_the_inverse_of_its_hessian(
    regression: bool, bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One linear layer: its Hessian is E[aaᵀ] ⊗ (2/q) 1 for squared errors; of classes, where all inputs are alike."""
    monkeypatch.setattr("lossbars.optimise.kfac.DRAWS", 1000)
    x = torch.rand(40, 1, 8, 8, generator=random())
    split = Split(x if regression else x[:1].expand(40, -1, -1, -1), data(40, regression=regression).y)
    of = Objective(
        NetworkLandscape(lambda: nn.Sequential(nn.Flatten(-3), nn.Linear(64, 4, bias=bias)), split, 8, CPU), 0.1
    )
    theta = of.init(1, random()).double()
    kfac = find_kfac(of)
    assert isinstance(kfac, Kfac)
    kfac.rebuild(theta)
    vector = torch.randn(theta.shape, generator=random(1), dtype=torch.float64)
    inverse = kfac(vector)
    step = 1e-4 / inverse.norm()
    ahead, behind = (of.value_and_gradient(theta + s * step * inverse, None)[1].clone() for s in (1, -1))
    again = (ahead - behind) / (2 * step) + 1e-3 * inverse  # the damping
    assert float((again - vector).norm()) < 0.03 * float(vector.norm())  # signs are drawn


def test_kfac_is_made_in_float64_where_float32_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    of, exact = objective(network(nn.Tanh), 1e-3), torch.linalg.eigh

    def only_double(matrix: Tensor) -> Any:
        if matrix.dtype == torch.float32:
            raise torch.linalg.LinAlgError("the algorithm failed to converge")
        return exact(matrix)

    start, few = of.init(2, random()), Polish(passes=20, precision="float32", preconditioner="kfac")
    expected = polish(of, start, few)
    monkeypatch.setattr(torch.linalg, "eigh", only_double)
    obtained = polish(of, start, few)
    assert obtained.theta.dtype == torch.float32
    torch.testing.assert_close(obtained.value, expected.value, rtol=1e-3, atol=0)


def test_kfac_takes_fewer_passes() -> None:
    of = Objective(network(nn.Tanh, 60, (6, 6)), 1e-2)
    start = of.init(2, random())
    plain, natural = (polish(of, start, Polish(preconditioner=name)) for name in ("none", "kfac"))
    assert all(plain.converged) and all(natural.converged)
    assert float(natural.passes.sum()) < 0.7 * float(plain.passes.sum())
    agrees(polish(of, start, Polish()), natural)  # as auto chooses


# The history ---------------------------------------------------------------------------------------


def test_directions_are_those_of_the_two_loop_recursion() -> None:
    """Rows have different numbers of pairs, and the ring has gone round."""
    m, d, n = 4, 9, 3
    pairs, drawn = Pairs.empty(torch.zeros(n, d, dtype=torch.float64), m), random()
    kept: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(n)]
    for k in range(7):
        step = torch.randn(n, d, generator=drawn, dtype=torch.float64)
        change = step * torch.linspace(0.5, 3, d, dtype=torch.float64)
        rows = torch.tensor([True, k % 2 == 0, k == 3])
        pairs.add(rows, step, change, lambda v: v)
        for i in range(n):
            kept[i] = [*kept[i], (step[i], change[i])][-m:] if rows[i] else kept[i]
    assert pairs.filled.tolist() == [4, 4, 1]
    gradient = torch.randn(n, d, generator=drawn, dtype=torch.float64)
    found = pairs.direction(gradient, lambda v: v)
    for i in range(n):
        q, alphas = gradient[i].clone(), []
        for s, y in reversed(kept[i]):
            alphas.append(s @ q / (s @ y))
            q = q - alphas[-1] * y
        s, y = kept[i][-1]
        z = q * (s @ y) / (y @ y)
        for (s, y), alpha in zip(kept[i], reversed(alphas), strict=True):
            z = z + s * (alpha - y @ z / (s @ y))
        torch.testing.assert_close(found[i], -z)
    pairs.forget(torch.tensor([True, False, False]))
    torch.testing.assert_close(pairs.direction(gradient, lambda v: v)[0], -gradient[0])


# Interruption --------------------------------------------------------------------------------------


class Kept:
    """A checkpoint in memory, after every ``every``-th step, that brings the run down at its ``saves``-th save."""

    def __init__(self, every: int = 10**9, saves: int = 0) -> None:
        self.every, self.saves, self.steps, self.stopping = every, saves, 0, False
        self.states: list[State] = []

    def due(self) -> bool:
        self.steps += 1
        return self.steps % self.every == 0 or self.stopping

    def load(self) -> State | None:
        return self.states[-1] if self.states else None

    def save(self, state: State) -> None:
        self.states.append({name: value.clone() for name, value in state.items()})
        if len(self.states) == self.saves:
            raise Interrupted


@pytest.mark.parametrize("name", ["rosenbrock", "plain", "kfac"])
def test_an_interrupted_polish_ends_at_the_same_bits(name: str) -> None:
    of = ROSENBROCK if name == "rosenbrock" else Objective(network(nn.Tanh), 1e-2)
    recipe = Polish(passes=60, rebuild=20, preconditioner="none" if name == "plain" else "auto", history=10)
    start = of.init(2, random())
    undisturbed = polish(of, start, recipe)
    for every, saves in ((1, 1), (1, 30), (17, 2)):
        memory = Kept(every, saves)
        with pytest.raises(Interrupted):
            polish(of, start, recipe, None, memory)
        agrees(polish(of, start, recipe, None, memory), undisturbed)
    finished = Kept()
    polish(of, start, recipe, None, finished)
    assert len(finished.states) == 1
    agrees(polish(of, start, recipe, None, finished), undisturbed)
    assert len(finished.states) == 1  # nothing was left to do


def test_a_polish_that_is_asked_to_stop_saves_its_state_and_goes_on_later() -> None:
    memory, lines = Kept(), list[str]()
    start, recipe = ROSENBROCK.init(2, random()), Polish(passes=50)
    memory.stopping = True
    with pytest.raises(Stopped, match=r"stopped after pass 2 of 50; run it again"):
        polish(ROSENBROCK, start, recipe, None, memory)
    memory.stopping = False
    agrees(polish(ROSENBROCK, start, recipe, None, memory, lines.append), polish(ROSENBROCK, start, recipe))
    assert lines[0] == "goes on after pass 2" and lines[-1].startswith("pass 50/50, 0 of 2 rows, mean objective ")


def test_a_recipe_is_scaled() -> None:
    assert Polish(passes=1000).scaled(0.02) == Polish(passes=20) and Polish(passes=10).scaled(0.001).passes == 1
    assert (Polish().tolerance, Polish(precision="float32").tolerance, Polish(gradient=1e-3).tolerance) == (
        1e-8,
        1e-5,
        1e-3,
    )
