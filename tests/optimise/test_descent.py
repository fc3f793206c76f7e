"""Descents: torch.optim's own trajectories row by row, schedules, divergence, and interruption."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import Generator, Tensor

from lossbars.functions import Function
from lossbars.landscape import Batch, Landscape
from lossbars.optimise.connect import connect
from lossbars.optimise.descent import Diverged
from lossbars.optimise.minimise import minimise
from lossbars.optimise.optimisers import clip_
from lossbars.optimise.schedules import learning_rate
from lossbars.optimise.stopping import Stopped
from lossbars.recipes import Curves, Minima, Schedule, Triangles
from lossbars.simplices import Bezier, Triangle
from lossbars.simplices.simplex import Simplices
from support.small_landscapes import DATA, Interrupted, Memory, Points, log_cosh
from support.small_networks import NETWORKS, landscape

CYCLE = {"kind": "cyclical", "lr_max": 0.1, "lr_min": 0.01, "cycles": 2}
SGD = {"optimiser": "sgd", "momentum": 0.0}
OPTIMISERS: dict[str, dict[str, Any]] = {
    "sgd": SGD,
    "momentum": {"optimiser": "sgd", "momentum": 0.9},
    "nesterov": {"optimiser": "sgd", "momentum": 0.7, "nesterov": True},
    "adam": {"optimiser": "adam"},
    "adamw": {"optimiser": "adamw"},
    "clipped": {"optimiser": "sgd", "momentum": 0.9, "clip": 1.2},
    "clipped adam": {"optimiser": "adam", "clip": 1.2},
}


def recipe(epochs: int = 6, schedule: dict[str, Any] = CYCLE, **settings: Any) -> Minima:
    return Minima(**({"optimiser": "sgd", "schedule": schedule, "epochs": epochs} | settings))


def generators(*seeds: int) -> list[Generator]:
    return [Generator().manual_seed(seed) for seed in seeds]


def triangle_of_rates(epoch: float, epochs: int) -> float:
    """CYCLE: two triangles between 0.01 and 0.1."""
    position = (2 * epoch / epochs) % 1
    return 0.01 + 0.09 * (2 * position if position < 0.5 else 2 - 2 * position)


def plain_loop(points: Points, start: Tensor, made: Minima, seed: int) -> Tensor:
    """torch.optim on one row, weight decay in the loss, or AdamW's own."""
    row = start.clone().requires_grad_()
    kinds: dict[str, Callable[[], torch.optim.Optimizer]] = {
        "adam": lambda: torch.optim.Adam([row], foreach=False),
        "adamw": lambda: torch.optim.AdamW([row], weight_decay=made.weight_decay, foreach=False),
        "sgd": lambda: torch.optim.SGD([row], 1.0, momentum=made.momentum, nesterov=made.nesterov, foreach=False),
    }
    optimiser, (order,) = kinds[made.optimiser](), generators(seed)
    penalty = 0.0 if made.optimiser == "adamw" else made.weight_decay
    for epoch in range(made.epochs):
        permutation = torch.randperm(8, generator=order)
        for step in range(4):
            optimiser.param_groups[0]["lr"] = triangle_of_rates(epoch + step / 4, made.epochs)
            optimiser.zero_grad()
            loss = log_cosh(row, points.points[permutation[2 * step : 2 * step + 2]])
            (loss + penalty / 2 * row.square().sum()).backward()
            if made.clip:
                torch.nn.utils.clip_grad_norm_([row], made.clip)
            optimiser.step()
    return row.detach()


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_rows_move_as_torch_moves_each(name: str, weight_decay: float) -> None:
    points, made = Points(), recipe(weight_decay=weight_decay, **OPTIMISERS[name])
    start = points.init(3, generators(0)[0])
    kept = start.clone()
    end = minimise(points, start, made, generators(1, 2, 3))
    expected = torch.stack([plain_loop(points, row, made, seed) for row, seed in zip(start, (1, 2, 3), strict=True)])
    torch.testing.assert_close(end, expected, rtol=1e-10, atol=1e-12)
    assert torch.equal(start, kept) and (end - start).abs().min() > 1e-3


@pytest.mark.parametrize("dim", [1, 7, 16, 21])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_same_bits_alone_and_stacked(name: str, dim: int) -> None:
    """In float32, at odd dimensions: a fused optimiser must not see where one row ends and the next begins."""
    points, made = Points(dim, torch.float32), recipe(12, weight_decay=0.1, **OPTIMISERS[name])
    start = points.init(5, generators(0)[0])
    end = minimise(points, start, made, generators(*range(5)))
    assert end.shape == start.shape
    for i in range(5):
        assert torch.equal(minimise(points, start[i : i + 1], made, generators(i))[0], end[i])
    order = [3, 0, 4]
    assert torch.equal(minimise(points, start[order], made, generators(*order)), end[order])


@pytest.mark.parametrize("name", ["mlp", "norm", "dropout"])
def test_networks_end_at_the_same_bits_alone_and_stacked(name: str) -> None:
    of, made = landscape(NETWORKS[name]), recipe(3, optimiser="adam")
    start = of.init(3, generators(0)[0])
    end = minimise(of, start, made, generators(1, 2, 3))
    for i in range(3):
        assert torch.equal(minimise(landscape(NETWORKS[name]), start[i : i + 1], made, generators(i + 1))[0], end[i])
    assert float((of.loss(end) - of.loss(start)).max()) < 0


def test_gradients_of_each_network_are_clipped_as_torch_clips_them() -> None:
    gradient = torch.randn(3, 2, 16, generator=generators(0)[0]) * torch.tensor([0.1, 1.0, 10.0])[:, None, None]
    before = gradient.clone()
    clip_(gradient, 3.0)
    norms = before.norm(dim=-1)
    assert norms[0].max() < 3 < norms[1].min()
    for i in range(3):
        for j in range(2):
            row = torch.zeros(16, requires_grad=True)
            row.grad = before[i, j].clone()
            torch.nn.utils.clip_grad_norm_([row], 3.0)
            assert torch.equal(gradient[i, j], row.grad)
            assert torch.equal(gradient[i, j], before[i, j]) == (i == 0)
    gradient[0, 0, 3], gradient[1, 0, 3] = float("inf"), float("nan")
    clip_(gradient, 3.0)
    assert gradient[:2, 0].isnan().any(-1).all() and gradient[:, 1].isfinite().all()


def test_the_penalty_is_clipped_with_the_loss_and_a_clip_is_above_zero() -> None:
    bowl = Function("bowl", ((-1.0, 1.0),) * 2, lambda x: x.square().sum(-1))
    made = recipe(1, {"kind": "constant", "lr": 1.0}, **SGD, weight_decay=8.0, clip=0.5)
    end = minimise(bowl, torch.tensor([[3.0, 4.0]], dtype=torch.float64), made, generators(0))
    torch.testing.assert_close(end, torch.tensor([[2.7, 3.6]], dtype=torch.float64), rtol=1e-6, atol=0)
    for wrong in (0.0, -1.0, "none"):
        with pytest.raises(ValidationError, match="clip"):
            recipe(clip=wrong)


def test_each_control_point_is_clipped_by_itself() -> None:
    points, family = Points(), Bezier(2)
    nodes = family.start(10 * points.init(2, generators(0)[0]).view(1, 2, -1))
    settings = SGD | {"schedule": {"kind": "constant", "lr": 1.0}, "epochs": 1, "clip": 1e-3}
    made = Curves(**settings, family={"kind": "bezier", "bends": 2})
    end = connect(points, Simplices(family, nodes), made, *generators(1), generators(2)).nodes
    moved = (end - nodes).norm(dim=-1)[0]
    assert torch.equal(moved[[0, 3]], torch.zeros(2, dtype=torch.float64))
    assert float(moved[1:3].min()) > 3e-3 and float(moved[1:3].max()) <= 4e-3  # four steps of .001 at most


def test_as_many_generators_as_starts() -> None:
    with pytest.raises(ValueError, match="3 starts need as many generators, there are 2"):
        minimise(Points(), torch.zeros(3, 7, dtype=torch.float64), recipe(), generators(0, 1))


# Schedules ---------------------------------------------------------------------------------------

ONE = {"kind": "cyclical", "lr_max": 1.0, "lr_min": 0.2}
RAMP = {"kind": "ramp", "m1": 10.0, "m2": 80.0, "lr_max": 1e-2, "lr_min": 1e-4}
MOMENTS: list[tuple[dict[str, Any], float, int, float]] = [
    ({"kind": "constant", "lr": 0.3}, 0.0, 10, 0.3),
    ({"kind": "constant", "lr": 0.3}, 9.9, 10, 0.3),
    (ONE, 0.0, 10, 0.2),
    (ONE, 2.5, 10, 0.6),
    (ONE, 5.0, 10, 1.0),
    (ONE, 7.5, 10, 0.6),
    (ONE, 10.0, 10, 0.2),
    (ONE | {"cycles": 2}, 2.5, 10, 1.0),
    (ONE | {"cycles": 2}, 5.0, 10, 0.2),
    (ONE | {"cycles": 2}, 7.5, 10, 1.0),
    (ONE | {"cycles": 2}, 10.0, 10, 0.2),
    (ONE | {"cycles": 3, "decay": 0.5}, 1.5, 9, 1.0),
    (ONE | {"cycles": 3, "decay": 0.5}, 4.5, 9, 0.6),
    (ONE | {"cycles": 3, "decay": 0.5}, 7.5, 9, 0.4),
    (ONE | {"cycles": 3, "decay": 0.5}, 8.25, 9, 0.3),
    (RAMP, 0.0, 300, 1e-2),
    (RAMP, 10.0, 300, 1e-2),
    (RAMP, 45.0, 300, 5.05e-3),
    (RAMP, 62.5, 300, 2.575e-3),
    (RAMP, 80.0, 300, 1e-4),
    (RAMP, 299.0, 300, 1e-4),
    (RAMP | {"m2": 10.0}, 10.5, 300, 1e-4),
    ({"kind": "garipov", "lr": 0.1}, 0.0, 200, 0.1),
    ({"kind": "garipov", "lr": 0.1}, 100.99, 200, 0.1),  # once an epoch: still that of epoch 100
    ({"kind": "garipov", "lr": 0.1}, 101.0, 200, 0.1 * (1 - 0.005 / 0.4 * 0.99)),
    ({"kind": "garipov", "lr": 0.1}, 140.7, 200, 0.1 * 0.505),
    ({"kind": "garipov", "lr": 0.1}, 180.0, 200, 0.001),
    ({"kind": "garipov", "lr": 0.1}, 199.9, 200, 0.001),
    ({"kind": "steps", "lr": 1.0, "at": [4.0, 5.0, 6.0], "factor": 0.5}, 3.99, 13, 1.0),
    ({"kind": "steps", "lr": 1.0, "at": [4.0, 5.0, 6.0], "factor": 0.5}, 4.0, 13, 0.5),
    ({"kind": "steps", "lr": 1.0, "at": [4.0, 5.0, 6.0], "factor": 0.5}, 5.5, 13, 0.25),
    ({"kind": "steps", "lr": 1.0, "at": [4.0, 5.0, 6.0], "factor": 0.5}, 12.0, 13, 0.125),
]


@pytest.mark.parametrize(("schedule", "epoch", "epochs", "expected"), MOMENTS)
def test_learning_rate(schedule: dict[str, Any], epoch: float, epochs: int, expected: float) -> None:
    made: Any = TypeAdapter(Schedule).validate_python(schedule)
    assert learning_rate(made, epoch, epochs) == pytest.approx(expected, rel=1e-12)


# Divergence --------------------------------------------------------------------------------------


class Cliff(Points):
    """From the third step of epoch 3 on the loss of row 1 is no number, from the fourth on that of row 0."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.value, self.steps = value, 0

    def value_and_gradient(self, theta: Tensor, batch: Batch | None) -> tuple[Tensor, Tensor]:
        losses, gradients = super().value_and_gradient(theta, batch)
        self.steps += 1
        if self.steps >= 11:
            losses[1] = self.value
        if self.steps >= 12:
            losses[0] = self.value  # later, so it is not to blame
        return losses, gradients


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_divergence_names_row_step_and_rate(value: float) -> None:
    start = torch.zeros(3, 7, dtype=torch.float64)
    names = ["seed 4", "seed 5", "seed 6"]
    rate = f"{triangle_of_rates(2.5, 6):.4g}"
    with pytest.raises(
        Diverged, match=rf"loss of seed 5 is .* step 3 of epoch 3 \(step 11 in all\), learning rate {rate}:"
    ):
        minimise(Cliff(value), start, recipe(), generators(1, 2, 3), names)


def test_a_rate_too_large_diverges_by_itself() -> None:
    bowl = Function("bowl", ((-1.0, 1.0),) * 2, lambda x: x.square().sum(-1))
    made = recipe(2000, {"kind": "constant", "lr": 3.0}, **SGD)
    with pytest.raises(Diverged, match=r"row 0, row 1 is no longer finite at step 1 of epoch \d+ .*rate 3"):
        minimise(bowl, torch.ones(2, 2, dtype=torch.float64), made, generators(0, 1))


# Interruption ------------------------------------------------------------------------------------


def minima(name: str, of: Landscape, checkpoint: Memory | None) -> Tensor:
    start = of.init(2, generators(0)[0])
    return minimise(of, start, recipe(5, **OPTIMISERS[name]), generators(1, 2), None, checkpoint)


def simplices(name: str, of: Landscape, checkpoint: Memory | None) -> Tensor:
    settings = {"schedule": CYCLE, "epochs": 5, "points": 2, "tilt": 1.0, "sides": "trained"} | OPTIMISERS[name]
    family = Triangle()
    start = Simplices(family, family.start(of.init(6, generators(0)[0]).view(2, 3, -1)))
    (order, *places) = generators(1, 2, 3)
    return connect(of, start, Triangles(**settings), order, places, None, checkpoint).nodes


STEPS = DATA // 2  # of an epoch
ENDS = [(epoch, STEPS) for epoch in range(5)]  # of all epochs, where a state is due
WHOLE = [*ENDS, (5, 0)]  # and the end of the descent


@pytest.mark.parametrize("run", [minima, simplices])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_interrupted_run_ends_at_the_same_bits(name: str, run: Callable[..., Tensor]) -> None:
    of = Points(dtype=torch.float32)
    undisturbed, watched = run(name, of, None), Memory()
    assert torch.equal(run(name, of, watched), undisturbed)
    assert watched.places == WHOLE
    for saves in range(1, 7):
        memory = Memory(saves=saves)
        with pytest.raises(Interrupted):
            run(name, of, memory)
        assert torch.equal(run(name, of, memory), undisturbed)
        assert memory.places == WHOLE, "continued, not begun anew"


@pytest.mark.parametrize("run", [minima, simplices])
@pytest.mark.parametrize("after", [1, 2, 3, 5, 7])
def test_a_run_goes_on_in_the_middle_of_an_epoch(run: Callable[..., Tensor], after: int) -> None:
    of, memory = Points(dtype=torch.float32), Memory(saves=1, every=after)
    undisturbed = run("adam", of, None)
    with pytest.raises(Interrupted):
        run("adam", of, memory)
    place = ((after - 1) // STEPS, (after - 1) % STEPS + 1)
    assert memory.places == [place]
    assert torch.equal(run("adam", of, memory), undisturbed)


@pytest.mark.parametrize("name", ["mlp", "dropout"])
def test_an_interrupted_network_ends_at_the_same_bits(name: str) -> None:
    of = landscape(NETWORKS[name], augment="none")
    undisturbed = minima("adam", of, None)
    for every in (of.steps_per_epoch, 1, 2):
        memory = Memory(saves=2, every=every)
        with pytest.raises(Interrupted):
            minima("adam", of, memory)
        assert torch.equal(minima("adam", landscape(NETWORKS[name]), memory), undisturbed)


def test_a_run_that_is_asked_to_stop_saves_its_state_and_goes_on_later() -> None:
    of, memory = Points(dtype=torch.float32), Memory(every=10**9)
    undisturbed = minima("adam", of, None)
    memory.stopping = True
    with pytest.raises(Stopped, match=r"stopped in epoch 1 of 5; run it again"):
        minima("adam", of, memory)
    assert memory.places == [(0, 1)]
    memory.stopping = False
    lines = list[str]()
    start = of.init(2, generators(0)[0])
    end = minimise(of, start, recipe(5, **OPTIMISERS["adam"]), generators(1, 2), None, memory, lines.append)
    assert torch.equal(end, undisturbed)
    assert lines[0] == "goes on in epoch 1, after step 1"


def test_no_state_is_saved_before_it_is_due_but_the_last_and_progress_is_reported() -> None:
    points, memory, lines = Points(), Memory(every=10**9), list[str]()
    end = minimise(points, points.init(1, generators(0)[0]), recipe(5), generators(1), None, memory, lines.append)
    assert memory.places == [(5, 0)] and len(lines) == 1 and lines[0].startswith("epoch 5/5, mean training loss ")
    assert end.shape == (1, 7)
