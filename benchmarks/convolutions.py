"""A training step of convolutional networks: layouts, bfloat16, networks folded into channels; and a path's points.

    python benchmarks/convolutions.py [--networks CNN-1-32 …] [--parts steps stacked record path] [--rounds 11]

All ways of a table are timed in turn, A B C A B C …, so that a drift of the machine's speed touches each; two rounds,
one of the path, are warm-up. Printed: median (least to most) in milliseconds. Inputs are random.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from lossbars.datasets.dataset import Split
from lossbars.landscape import Batch
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.network.precision import computing_in
from lossbars.landscapes.network.stacked_linear import stacked_linear
from lossbars.networks.cnn import CNN
from lossbars.networks.lenet import LeNet
from lossbars.networks.resnet_195k import ResNet195k
from lossbars.optimise.flow import _Flow
from lossbars.recipes import Paths
from lossbars.seeding import generator
from lossbars.simplices.base import straight

COLOUR, GREY = (3, 32, 32), (1, 28, 28)
NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int]] = {  # how made, inputs, batch
    "CNN-1-32": (lambda: CNN(COLOUR, 10, 1, 32), COLOUR, 128),
    "CNN-2-64": (lambda: CNN(COLOUR, 10, 2, 64), COLOUR, 128),
    "LeNet": (lambda: LeNet(GREY, 10), GREY, 128),
    "ResNet195k": (lambda: ResNet195k(COLOUR, 10), COLOUR, 150),
}
CPU = torch.device("cpu")
Ways = dict[str, Callable[[], object]]


def in_turn(ways: Ways, rounds: int, warm_up: int = 2) -> None:
    """Time every way, a round of each after the other, and print them."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + warm_up):
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            times[name].append(1e3 * (time.perf_counter() - begin))
    for name, all_of_them in times.items():
        kept = all_of_them[warm_up:]
        print(f"  {name:34} {statistics.median(kept):8.1f} ({min(kept):.1f} to {max(kept):.1f})", flush=True)


def step(net: nn.Module, leaves: dict[str, Tensor], x: Tensor, y: Tensor, half: bool) -> None:
    """Loss and gradient of one network on one batch, in plain PyTorch."""
    with computing_in("bfloat16" if half else "float32", CPU):
        output = functional_call(net, leaves, (x,))
    torch.autograd.grad(F.cross_entropy(output.float(), y), list(leaves.values()))


def steps(name: str) -> Ways:
    """One step of one network."""
    make, shape, size = NETWORKS[name]
    net, x, y = make(), torch.rand(size, *shape), torch.randint(10, (size,))
    leaves = dict(net.named_parameters())
    last = x.contiguous(memory_format=torch.channels_last)
    return {
        f"{layout}, {precision}": lambda x=images, half=half: step(net, leaves, x, y, half)
        for layout, images in (("contiguous", x), ("channels last", last))
        for precision, half in (("float32", False), ("bfloat16", True))
    }


def folded(net: LeNet | CNN, p: dict[str, Tensor], x: Tensor) -> Tensor:
    """Outputs (n, b, 10) of n networks in one call: the networks are groups of channels."""
    lenet = isinstance(net, LeNet)
    layers = ["conv1", "conv2"] if lenet else [f"convolutions.{i}" for i in range(len(net.convolutions))]
    for layer, pool in zip(layers, (2, 2) if lenet else net.pools, strict=True):
        weight = p[f"{layer}.weight"]  # (n, out, in, 5, 5)
        groups = 1 if layer == layers[0] else len(weight)  # all networks see the same images
        bias = p[f"{layer}.bias"].flatten()
        x = F.conv2d(x, weight.flatten(0, 1), bias, padding=0 if lenet else 2, groups=groups)
        x = F.max_pool2d(F.relu(x), pool)
    x = x.unflatten(1, (len(weight), -1)).transpose(0, 1).flatten(2)  # (n, b, features)
    last = ["fc1", "fc2", "fc3"] if lenet else ["linear"]
    for layer in last[:-1]:
        x = F.relu(stacked_linear(x, p[f"{layer}.weight"], p[f"{layer}.bias"]))
    return stacked_linear(x, p[f"{last[-1]}.weight"], p[f"{last[-1]}.bias"])


def stacked(name: str, n: int) -> Ways:
    """One step of n networks on one batch: one after the other, and folded into channels."""
    make, shape, size = NETWORKS[name]
    nets, x, y = [make() for _ in range(n)], torch.rand(size, *shape), torch.randint(10, (size,))
    several = [dict(net.named_parameters()) for net in nets]
    together = {k: torch.stack([own[k].detach() for own in several]).requires_grad_() for k in several[0]}

    def fold(x: Tensor) -> None:
        output = folded(nets[0], together, x)
        loss = F.cross_entropy(output.transpose(1, 2), y.expand(n, -1), reduction="none").mean(1).sum()
        torch.autograd.grad(loss, list(together.values()))

    error = (folded(nets[0], together, x)[-1] - nets[-1](x)).abs().max()
    print(f"  folded against alone, largest difference of an output {float(error.detach()):.0e}")
    last = x.contiguous(memory_format=torch.channels_last)
    return {
        "one by one": lambda: [step(net, own, x, y, False) for net, own in zip(nets, several, strict=True)],
        "folded": lambda: fold(x),
        "folded, channels last": lambda: fold(last),
    }


def evaluated(name: str, samples: int) -> Ways:
    """Samples in evaluation mode, so many at a time, in the landscape's layout."""
    make, shape, size = NETWORKS[name]
    of = NetworkLandscape(make, Split(torch.rand(samples, *shape), torch.randint(10, (samples,))), size, CPU)
    net = of.module.eval()

    @torch.no_grad()
    def forward(pieces: int) -> None:
        for x in of.train.x.split(pieces):
            net(x)

    return {f"{pieces} at a time": lambda pieces=pieces: forward(pieces) for pieces in (1000, 250, 50)}


def path(name: str, number: int) -> Ways:
    """All moving points of a path of so many points on one batch."""
    make, shape, size = NETWORKS[name]
    data = Split(torch.rand(2 * size, *shape), torch.randint(10, (2 * size,)))
    recipe = Paths(
        optimiser="sgd",
        momentum=0.0,
        schedule={"kind": "constant", "lr": 2e-3},
        epochs=10_000,
        batch_size=size,
        weight_decay=1e-5,
        family={"kind": "path", "points": number},
    )
    batch = Batch(torch.randperm(2 * size)[:size])
    ways: Ways = {}
    for precision in ("float32", "bfloat16"):
        of = NetworkLandscape(make, data, size, CPU, precision=precision)
        corners = of.init(2, generator("ends")).unsqueeze(0)
        theta = straight(corners, number)[:, 1:-1].contiguous()  # (1, moving, d)
        out, flow = torch.empty_like(theta), _Flow(of, corners, recipe)
        ways[f"landscape, {of.layout}, {precision}"] = lambda of=of, theta=theta: of.value_and_gradient(theta[0], batch)
        ways[f"flow's direction, {precision}"] = lambda flow=flow, theta=theta, out=out: flow.gradient(
            theta, 0, batch, out
        )
    points = [make() for _ in theta[0]]
    for net, row in zip(points, theta[0], strict=True):
        nn.utils.vector_to_parameters(row, net.parameters())
    x, y = data.x[batch.index], data.y[batch.index]
    plain = [(net, dict(net.named_parameters())) for net in points]
    return {"plain modules": lambda: [step(net, own, x, y, False) for net, own in plain]} | ways


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--parts", nargs="+", default=["steps", "stacked", "record", "path"])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--batch", type=int, help="of all networks, in place of each one's own")
    parser.add_argument("--points", type=int, default=19, help="of a path")
    parser.add_argument("--samples", type=int, default=1000, help="that are evaluated")
    options = parser.parse_args()
    for name, (make, shape, size) in NETWORKS.items():
        NETWORKS[name] = make, shape, options.batch or size
    torch.set_num_threads(1)
    torch.manual_seed(0)
    torch.use_deterministic_algorithms(True, warn_only=True)
    print(f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}, one thread")
    print(f"median (least to most) of {options.rounds} rounds, ms")
    for name in options.networks:
        if "steps" in options.parts:
            print(f"{name}, a step at batch {NETWORKS[name][2]}")
            in_turn(steps(name), options.rounds)
        for n in (3, 17) if "stacked" in options.parts and name != "ResNet195k" else ():
            print(f"{name}, a step of {n} networks on one batch")
            in_turn(stacked(name, n), options.rounds)
        if "record" in options.parts:
            print(f"{name}, {options.samples} samples evaluated")
            in_turn(evaluated(name, options.samples), options.rounds)
    if "path" in options.parts and "ResNet195k" in options.networks:
        print(f"ResNet195k, {options.points - 2} moving points of a path, batch {NETWORKS['ResNet195k'][2]}")
        in_turn(path("ResNet195k", options.points), options.rounds, warm_up=1)


if __name__ == "__main__":
    main()
