"""Minimisers of small networks that interpolate their samples: least squares to rounding."""

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import least_squares
from torch import Tensor

from lossbars.hessian.gauss_newton import jacobian
from lossbars.landscapes.perceptron import Perceptron

FINISHING = 5  # Gauss–Newton steps of least norm at the end, each of which squares a small error
EVALUATIONS = 2000


def interpolate(net: Perceptron, theta: Float[Tensor, " d"]) -> Float[Tensor, " d"]:
    """A zero of all differences to the targets near ``theta``, as well as rounding allows; the loss tells how well.

    scipy's trust-region least squares, then Gauss–Newton. It may end at a minimum that does not interpolate.
    """

    def parts(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        differences, slopes = jacobian(net, torch.from_numpy(np.ascontiguousarray(place)))
        return differences.numpy(), slopes.numpy()

    exact = {"ftol": 1e-15, "xtol": 1e-15, "gtol": 1e-15, "max_nfev": EVALUATIONS}
    place = least_squares(lambda p: parts(p)[0], theta.numpy(), lambda p: parts(p)[1], method="trf", **exact).x
    for _ in range(FINISHING):
        differences, slopes = parts(place)
        step = np.linalg.lstsq(slopes, differences, rcond=None)[0]
        if np.abs(parts(place - step)[0]).max() >= np.abs(differences).max():
            break
        place = place - step
    return torch.from_numpy(place)
