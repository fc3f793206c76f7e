"""The Hessian of a small network's loss in two parts, and the Jacobian of its outputs."""

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.hessian.derivatives import derivatives
from lossbars.landscapes.perceptron import Perceptron


def split(net: Perceptron, theta: Float[Tensor, " d"]) -> tuple[Float[Tensor, "d d"], Float[Tensor, "d d"]]:
    """H0 and H1 of H = H0 + H1 (Tanner's lecture, "Hessian for two layer net").

    H0 = Jᵀ ∇²ℓ J is the Gauss–Newton part, J being the Jacobian of all outputs and ℓ the loss as a function of them; H1
    is the sum of the outputs' second derivatives, each times the slope of ℓ. Each is computed by itself. Raises
    ValueError for a network with weight decay, which is in neither.
    """
    if net.weight_decay:
        raise ValueError(f"{net.name}: H0 and H1 split a loss of outputs alone, without weight decay")
    place = theta.detach()[None].requires_grad_()
    with torch.enable_grad():
        outputs = net.outputs(place).flatten(1)
        leaf = outputs.detach().requires_grad_()
        loss = net.error(leaf.view(1, len(net.x), -1).transpose(1, 2) - net.y.to(leaf).T)
        (slope,) = torch.autograd.grad(loss.sum(), leaf, create_graph=True)
        weighted = (outputs * slope.detach()).sum()
        (bent,) = torch.autograd.grad(weighted, place, create_graph=True)
    slopes = derivatives(outputs, place)[0]
    return slopes.T @ derivatives(slope, leaf)[0] @ slopes, derivatives(bent, place)[0]


def jacobian(net: Perceptron, theta: Float[Tensor, " d"]) -> tuple[Float[Tensor, " k"], Float[Tensor, "k d"]]:
    """Differences of all outputs to their targets, sample after sample, and their derivatives."""
    place = theta.detach()[None].requires_grad_()
    with torch.enable_grad():
        differences = (net.outputs(place) - net.y.to(place)).flatten(1)
    return differences.detach()[0], derivatives(differences, place)[0]
