"""Time of a network's loss and gradient, by how many networks are run in one call; 784-32⁴-10, batch 128.

    python benchmarks/stack_size.py [--networks 765] [--rounds 9]

765 networks are the moving points of 45 paths of 19 points. Sizes are timed in turn, round by round; printed: least and
median, in microseconds a network.
"""

import argparse
import statistics
import time

import torch

from lossbars.datasets.dataset import Split
from lossbars.landscape import Batch
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.networks.mlp import MLP

SAMPLES, BATCH = 12_800, 128
SIZES = (9, 17, 34, 73, 128, 255, 765)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("networks", 765), ("rounds", 9)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    train = Split(torch.rand(SAMPLES, 784), torch.randint(0, 10, (SAMPLES,)))
    batch = Batch(torch.randint(0, SAMPLES, (BATCH,)))
    times: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(options.rounds):
        for size, kept in times.items():
            landscape = Stacked(size, lambda: MLP((784,), 10, 4, 32), train, BATCH, train.x.device)
            theta = 0.03 * torch.randn(options.networks, landscape.dim)
            landscape.value_and_gradient(theta, batch)
            begin = time.perf_counter()
            landscape.value_and_gradient(theta, batch)
            kept.append(1e6 * (time.perf_counter() - begin) / options.networks)
    print(f"torch {torch.__version__}, one thread; µs a network, {options.rounds} rounds")
    for size, kept in times.items():
        print(f"  {size:4d} in a call: least {min(kept):6.1f}, median {statistics.median(kept):6.1f}")


class Stacked(NetworkLandscape):
    """With a number of networks in a call that is given."""

    def __init__(self, size: int, *args: object) -> None:
        self._size = size
        super().__init__(*args)  # type: ignore[arg-type]

    @property
    def stack_size(self) -> int:
        return self._size


if __name__ == "__main__":
    main()
