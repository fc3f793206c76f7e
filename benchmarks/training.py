"""Training deep networks, and curves between them, beside plain PyTorch loops of the usual public form.

    python -P benchmarks/training.py [--networks resnet-56 wrn-16-10 resnet-195k] [--device cuda] [--precision tf32]
        [--batch 128] [--rounds 5] [--steps 4] [--stacked 8] [--out FILE]

The plain loops: torchvision's transforms in a DataLoader, an nn.Module, torch.optim.SGD, one network after the other;
for a curve one t in each batch, θ(t) into the module, its gradient to the bend. Ours: the landscape and the steps of
the workflow. Both are timed in turn, so that a drift of the machine's speed touches both; the first round is warm-up.
Images are random. Printed: seconds of an epoch of 50,000 images by the median step (least to most), the share of the
machine's peak, which is a large matrix product's, timed in turn with the steps, and the ratios, the second to plain
PyTorch whose data are on the device already.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from torchvision import transforms

from lossbars.datasets.dataset import Split, as_inputs, normalised
from lossbars.datasets.specs import Size
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.network.precision import products_in
from lossbars.networks.resnet import ResNet
from lossbars.networks.resnet_195k import ResNet195k
from lossbars.networks.specs import ResNet195kSpec, ResNetSpec, WideResNetSpec
from lossbars.networks.wide_resnet import WideResNet
from lossbars.optimise.connect import _Connection
from lossbars.optimise.optimisers import Optimiser
from lossbars.recipes import Curves, Minima, Normalisation
from lossbars.seeding import generator
from lossbars.simplices import Chain
from lossbars.simplices.simplex import Simplices

IMAGES, SHAPE = 50_000, (3, 32, 32)
RULE = Normalisation(mean=[0.4914, 0.4822, 0.4465], std=[0.2023, 0.1994, 0.2010])
SGD = {
    "optimiser": "sgd",
    "schedule": {"kind": "constant", "lr": 1e-2},
    "epochs": 1,
    "momentum": 0.9,
    "weight_decay": 5e-4,
}


@dataclass(frozen=True)
class Case:
    make: Callable[[], nn.Module]
    classes: int
    products: int  # multiply-adds of one image


def cases() -> dict[str, Case]:
    ten, hundred = Size(IMAGES, 0, 3072, 10), Size(IMAGES, 0, 3072, 100)
    resnet = ResNetSpec(kind="resnet", depth=56).size(ten).products
    wide = WideResNetSpec(kind="wide-resnet").size(hundred).products
    small = ResNet195kSpec(kind="resnet-195k").size(ten).products
    return {
        "resnet-56": Case(lambda: ResNet(SHAPE, 10, 56), 10, resnet),
        "wrn-16-10": Case(lambda: WideResNet(SHAPE, 100, 16, 10), 100, wide),
        "resnet-195k": Case(lambda: ResNet195k(SHAPE, 10), 10, small),
    }


# Plain PyTorch -----------------------------------------------------------------------------------


class Pictures(TorchDataset):
    """As torchvision's data sets are: an image a time, through its transforms."""

    def __init__(self, images: np.ndarray, labels: Tensor) -> None:
        self.images, self.labels = images, labels
        self.transform = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(RULE.mean, RULE.std),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return self.transform(self.images[i]), self.labels[i]


def plain_batches(images: np.ndarray, labels: Tensor, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from DataLoader(Pictures(images, labels), batch_size=batch, shuffle=True, drop_last=True)


def plain_training(case: Case, batches: Iterator[tuple[Tensor, Tensor]], device: torch.device) -> Callable[[], None]:
    net = case.make().to(device)
    optimiser = torch.optim.SGD(net.parameters(), lr=1e-2, momentum=0.9, weight_decay=5e-4)

    def step() -> None:
        x, y = next(batches)
        optimiser.zero_grad()
        F.cross_entropy(net(x.to(device)), y.to(device)).backward()
        optimiser.step()

    return step


def plain_curve(case: Case, batches: Iterator[tuple[Tensor, Tensor]], device: torch.device) -> Callable[[], None]:
    """A chain with one bend, as Garipov et al. train it."""
    net = case.make().to(device)
    ends = [{k: p.detach().clone() for k, p in case.make().to(device).named_parameters()} for _ in range(2)]
    bend = {k: ((ends[0][k] + ends[1][k]) / 2).requires_grad_() for k in ends[0]}
    optimiser = torch.optim.SGD(list(bend.values()), lr=1e-2, momentum=0.9)

    def step() -> None:
        x, y = next(batches)
        t = float(torch.rand(()))
        end, weight = (ends[0], 2 * t) if t < 0.5 else (ends[1], 2 - 2 * t)
        theta = {k: weight * bend[k] + (1 - weight) * end[k] for k in bend}
        optimiser.zero_grad()
        loss = F.cross_entropy(functional_call(net, theta, (x.to(device),)), y.to(device))
        (loss + 2.5e-4 * sum(p.square().sum() for p in theta.values())).backward()
        optimiser.step()

    return step


# Ours --------------------------------------------------------------------------------------------


def our_training(of: NetworkLandscape, n: int) -> Callable[[], None]:
    """n networks, each with batches of its own."""
    recipe = Minima(**SGD)
    generators = [generator("benchmark", "training", "order", i) for i in range(n)]
    optimiser = Optimiser(recipe, of.init(n, generators[0]))
    batches = endless(lambda: of.batches(generators))

    def step() -> None:
        _, gradient = of.value_and_gradient(optimiser.variables, next(batches))
        optimiser.gradient.copy_(gradient).add_(optimiser.variables, alpha=recipe.weight_decay)
        optimiser.step(1e-2)

    return step


def our_curves(of: NetworkLandscape, n: int) -> Callable[[], None]:
    """n chains with one bend."""
    recipe = Curves(**SGD, family={"kind": "chain", "bends": 1})
    places = [generator("benchmark", "training", "places", i) for i in range(n)]
    order = generator("benchmark", "training", "order", 0)
    corners = of.init(2 * n, order).view(n, 2, -1)
    start = Simplices(Chain(1), Chain(1).start(corners))
    connection = _Connection(of, start, recipe, order, places)
    connection.begin_epoch()
    optimiser = Optimiser(recipe, start.nodes[:, connection.free].contiguous())
    batches = endless(lambda: of.batches([order]))

    def step() -> None:
        connection.gradient(optimiser.variables, 0, next(batches), optimiser.gradient)
        optimiser.step(1e-2)

    return step


def endless(one_pass: Callable[[], Iterator]) -> Iterator:
    while True:
        yield from one_pass()


# Timing ------------------------------------------------------------------------------------------


def seconds(step: Callable[[], None], steps: int, device: torch.device) -> float:
    """Of one step."""
    begin = time.perf_counter()
    for _ in range(steps):
        step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - begin) / steps


def product(n: int, device: torch.device, precision: str) -> tuple[Callable[[], None], int]:
    """A large matrix product, and its multiply-adds."""
    a = torch.rand(n, n, device=device, dtype=torch.bfloat16 if precision == "bfloat16" else torch.float32)

    def multiply() -> None:
        with products_in("tf32" if precision == "tf32" else "float32"):
            torch.mm(a, a)

    return multiply, n**3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=list(cases()), choices=list(cases()))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="float32", choices=["float32", "tf32", "bfloat16"])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=2, help="of a round")
    parser.add_argument("--stacked", type=int, default=8, help="networks, or curves, of resnet-195k at once")
    parser.add_argument("--images", type=int, default=2048)
    parser.add_argument("--product", type=int, help="rows of the large matrices; 2048, on a GPU 8192, by default")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    device, found = torch.device(given.device), []
    name = torch.cuda.get_device_name() if device.type == "cuda" else platform.processor() or platform.machine()
    print(f"torch {torch.__version__}, {name}, {torch.get_num_threads()} threads")
    for network in given.networks:
        for kind in ("training", "curves"):
            found.append(compared(network, kind, given, device))
            print(line(found[-1]), flush=True)
    if given.out:
        given.out.write_text(json.dumps({"machine": name, "torch": torch.__version__, "rows": found}, indent=1))


def compared(network: str, kind: str, given: argparse.Namespace, device: torch.device) -> dict[str, object]:
    """Plain and ours in turn, of one network or of several."""
    case, n = cases()[network], given.stacked if network == "resnet-195k" else 1
    images = np.random.default_rng(0).integers(0, 256, (given.images, 32, 32, 3), dtype=np.uint8)
    labels = torch.arange(given.images) % case.classes
    x = normalised(as_inputs(torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()), RULE)
    of = NetworkLandscape(
        case.make, Split(x, labels), given.batch, device, "crop-flip", precision=given.precision, black=RULE.black
    )
    loaded = plain_batches(images, labels, given.batch)
    held = list(islice(loaded, 4))
    at_hand = endless(lambda: iter([(a.to(device), b.to(device)) for a, b in held]))
    plain = plain_training if kind == "training" else plain_curve
    ours = (our_training if kind == "training" else our_curves)(of, n)
    ways = {"plain": plain(case, loaded, device), "plain, data at hand": plain(case, at_hand, device), "ours": ours}
    rows = given.product or (8192 if device.type == "cuda" else 2048)
    multiply, adds = product(rows, device, given.precision)
    times: dict[str, list[float]] = {way: [] for way in ways}
    products = []
    for _ in range(given.rounds + 1):
        for way, step in ways.items():
            times[way].append(seconds(step, given.steps, device) * (1 if way == "ours" else n))
            products.append(seconds(multiply, 3, device))
    top = adds / statistics.median(products)
    epochs = {way: [IMAGES / given.batch * one / n for one in all_[1:]] for way, all_ in times.items()}
    median = {way: statistics.median(all_) for way, all_ in epochs.items()}
    return {
        "network": network,
        "kind": kind,
        "n": n,
        "facts": of.facts,
        "batch": given.batch,
        "epoch_seconds": {way: [median[way], min(all_), max(all_)] for way, all_ in epochs.items()},
        "peak": 2 * top,
        "of_peak": {way: 3 * case.products * IMAGES / one / top for way, one in median.items()},
        "ratio": median["plain"] / median["ours"],
        "ratio_at_hand": median["plain, data at hand"] / median["ours"],
    }


def line(row: dict[str, object]) -> str:
    parts = [
        f"{way} {middle:.4g} s ({least:.4g} to {most:.4g}), {100 * row['of_peak'][way]:.1f}%"
        for way, (middle, least, most) in row["epoch_seconds"].items()
    ]
    parts.append(f"product {1e-12 * row['peak']:.3g} TFLOP/s")
    ratios = f"ratio {row['ratio']:.2f}, {row['ratio_at_hand']:.2f} with data at hand"
    return f"{row['network']}, {row['kind']} of {row['n']} ({row['facts']['stacking']}): " + "; ".join([*parts, ratios])


if __name__ == "__main__":
    main()
