"""Where searches for critical points of small tanh nets end: zeros of the gradient by least squares, or of an index.

Starts are those of the experiment ``hessian``: random weights and inputs, 100 steps of gradient descent. Least squares
is MINPACK's Levenberg–Marquardt (scipy's ``root``) on ∇L with the exact Hessian; like Pennington and Bahri (2017) it
minimises |∇L|². The index of the other search is that of its start. Gradients are shares of that at the random start.
"""

import argparse

import numpy as np
import torch
from scipy.optimize import root

from lossbars.hessian.critical_search import descend, follow
from lossbars.hessian.derivatives import gradient_and_hessian, index
from lossbars.landscapes.perceptron import Architecture, Perceptron

SMALL, ROUNDED = 3e-3, 1e-9


def main() -> None:
    """Print a line per number of samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=12)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--width", type=int, default=8)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print("| samples | search | median gradient | at most 3e-3 | at most 1e-9 |")
    print("|---|---|---|---|---|")
    for samples in (64, 32, 16):
        for name, shares in compared(arguments.width, samples, arguments.starts, arguments.steps).items():
            small, rounded = ((shares <= limit).sum() for limit in (SMALL, ROUNDED))
            print(
                f"| {samples} | {name} | {np.median(shares):.1e} | {small} of {len(shares)} | {rounded} |", flush=True
            )


def compared(width: int, samples: int, starts: int, steps: int) -> dict[str, np.ndarray]:
    """Gradients where both searches end."""
    random = torch.Generator().manual_seed(samples)
    x, y = (torch.randn(samples, width, generator=random, dtype=torch.float64) for _ in range(2))
    net = Perceptron(Architecture((width,), "tanh", False), x, y, "half-square")
    start = torch.randn(starts, net.dim, generator=random, dtype=torch.float64) / width**0.5
    unit = torch.linalg.vector_norm(net.value_and_gradient(start, None)[1], dim=1).numpy().copy()
    begin = descend(net, start, 0.2, 100)
    wanted = index(torch.linalg.eigvalsh(gradient_and_hessian(net, begin)[1]))
    ends = [least_squares(net, row.numpy(), steps) for row in begin]
    return {
        "least squares": np.array(ends) / unit,
        "of the start's index": follow(net, begin, wanted, steps).gradient.numpy() / unit,
    }


def least_squares(net: Perceptron, start: np.ndarray, steps: int) -> float:
    """The gradient's norm where least squares ends."""

    def parts(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        gradient, matrix = gradient_and_hessian(net, torch.from_numpy(np.ascontiguousarray(place))[None])
        return gradient[0].numpy(), matrix[0].numpy()

    found = root(parts, start, jac=True, method="lm", options={"maxiter": steps, "xtol": 1e-14, "ftol": 1e-14})
    return float(np.linalg.norm(parts(found.x)[0]))


if __name__ == "__main__":
    main()
