"""The inverse K-FAC matrix of networks of linear layers (Martens & Grosse 2015, §3), of many networks at once.

For a layer with inputs a (a 1 appended where there are biases) and gradients δ of its outputs, the block of the
Fisher matrix is taken for E[δδᵀ] ⊗ E[aaᵀ]. Means are over the whole training set; the targets' Hessian is sampled by
random signs, the same in every call, whose mean is exact. To the product's eigenvalues λ and a damping are added, as to
the eigenvalues of the objective's own Gauss–Newton matrix.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode

from lossbars.landscape import Landscape
from lossbars.landscapes.network.landscape import NetworkLandscape
from lossbars.landscapes.network.smoothness import RESHAPES, SMOOTH
from lossbars.landscapes.network.stacked_linear import stacked_linear
from lossbars.landscapes.objective import Objective
from lossbars.optimise.rows import State, prefixed, under

DAMPING = 1e-3
DRAWS = 4  # of the targets' Hessian for each sample
PASSES = 3  # what a matrix costs in gradients: one pass forward, DRAWS back


class _Linears(TorchFunctionMode):
    """Keeps inputs, weights and outputs of linear layers, and which other functions gave tensors."""

    def __init__(self, stacked: bool) -> None:
        super().__init__()
        self.linear = stacked_linear if stacked else F.linear
        self.calls: list[tuple[Tensor, Tensor, Tensor]] = []
        self.others: list[Any] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is F.linear:
            result = self.linear(*args, **(kwargs or {}))
            self.calls.append((args[0], args[1], result))
        else:
            result = func(*args, **(kwargs or {}))
            if isinstance(result, Tensor):
                self.others.append(func)
        return result


def find_kfac(landscape: Landscape) -> "Kfac | None":
    """For a network, or its objective, whose layers are linear and whose units are smooth; None for others.

    Each layer is used once. Kinks, as ReLU has, make the matrix a hindrance.
    """
    weight_decay = landscape.weight_decay if isinstance(landscape, Objective) else 0.0
    network = landscape.data if isinstance(landscape, Objective) else landscape
    if not isinstance(network, NetworkLandscape) or network.stacking != "batched":
        return None
    few = network.train.x[:3].to(network.device)
    with torch.no_grad(), _Linears(stacked=False) as seen:
        network.module.eval()(few)
    smooth = all(func in SMOOTH or func in RESHAPES for func in seen.others)
    layers = [m for m in network.module.modules() if isinstance(m, nn.Linear)]
    once = sorted(id(weight) for _, weight, _ in seen.calls) == sorted(id(layer.weight) for layer in layers)
    return Kfac(network, weight_decay) if smooth and once else None


class Kfac:
    """Inverse K-FAC matrices of n networks, each at its own θ.

    Memory is Σ (in² + out²) numbers over the layers of each network. The inputs of the first layer are the data: their
    factor is one for all networks and for every θ.
    """

    def __init__(self, network: NetworkLandscape, weight_decay: float) -> None:
        self.network, self.weight_decay = network, weight_decay
        weights = [name for name in network.shapes if name.endswith("weight")]
        biases = [f"{name.removesuffix('weight')}bias" for name in weights]
        self.biases = {a: b if b in network.shapes else None for a, b in zip(weights, biases, strict=True)}
        self.shared: State = {}  # factors of the first layer
        self.factors: State = {}  # eigenvalues and vectors, each with a leading axis of networks

    def rebuild(self, theta: Float[Tensor, "n d"]) -> None:
        """New matrices, at these θ."""
        signs = torch.Generator().manual_seed(0)
        totals: State = {}
        for x, y in self.network.record.batches(self.network.train):
            for key, product in self._products(theta, x, y, signs).items():
                totals[key] = totals[key] + product if key in totals else product
        self.factors = {}
        for key, total in totals.items():
            values, vectors = _eigenvectors(total / len(self.network.train))
            place = self.shared if values.dim() == 1 else self.factors
            place |= {f"values of {key}": values.clamp_min(0), f"vectors of {key}": vectors}

    def _products(self, theta: Tensor, x: Tensor, y: Tensor, signs: torch.Generator) -> State:
        """Σ aaᵀ and Σ δδᵀ of every layer over some samples, but for those aaᵀ that are known."""
        parameters = {name: p.requires_grad_() for name, p in self.network.unflatten(theta.detach()).items()}
        names = {id(p): name for name, p in parameters.items()}
        with torch.enable_grad(), _Linears(stacked=True) as seen:
            output = functional_call(self.network.module.eval(), parameters, (x.to(theta.dtype),))
        roots = [_curvature_root(output.detach(), y, signs) for _ in range(DRAWS)]
        places = [place for *_, place in seen.calls]
        errors = [torch.autograd.grad(output, places, root, retain_graph=True) for root in roots]
        found: State = {}
        for i, (given, weight, _) in enumerate(seen.calls):
            name, a = names[id(weight)], given.detach()
            if self.biases[name]:
                a = torch.cat([a, a.new_ones(*a.shape[:-1], 1)], -1)
            if f"values of in {name}" not in self.shared:
                found[f"in {name}"] = a.mT @ a
            error = torch.cat([drawn[i] for drawn in errors], 1)
            found[f"out {name}"] = error.mT @ error / DRAWS
        return found

    def __call__(self, vectors: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        """The inverse matrix of each network times its vector."""
        result = torch.empty_like(vectors)
        pieces, places = self.network.unflatten(vectors), self.network.unflatten(result)
        factors = self.factors | self.shared
        for weight, bias in self.biases.items():
            block = pieces[weight] if bias is None else torch.cat([pieces[weight], pieces[bias][:, :, None]], 2)
            left, right = factors[f"vectors of out {weight}"], factors[f"vectors of in {weight}"]
            sizes = factors[f"values of out {weight}"][:, :, None] * factors[f"values of in {weight}"][..., None, :]
            block = left @ (left.mT @ block @ right / (sizes + self.weight_decay + DAMPING)) @ right.mT
            places[weight].copy_(block[:, :, : pieces[weight].shape[2]])
            if bias is not None:
                places[bias].copy_(block[:, :, -1])
        return result

    def keep(self, rows: Bool[Tensor, " n"]) -> None:
        """Go on with these networks alone."""
        self.factors = {name: value[rows] for name, value in self.factors.items()}

    def state(self) -> State:
        """The matrices, for a checkpoint."""
        return prefixed("shared", self.shared) | prefixed("factors", self.factors)

    def restore(self, state: State) -> None:
        """The matrices that :meth:`state` gave."""
        held = {name: value.to(self.network.device, copy=True) for name, value in state.items()}
        self.shared, self.factors = under("shared", held), under("factors", held)


def _eigenvectors(matrix: Float[Tensor, "*n k k"]) -> tuple[Float[Tensor, "*n k"], Float[Tensor, "*n k k"]]:
    """Eigenvalues and vectors; in float64 if float32 does not converge, as for layers that weight decay has emptied.

    Vectors are laid out as a checkpoint gives them back: products of the other layout differ in the last bits.
    """
    try:
        values, vectors = torch.linalg.eigh(matrix)
    except torch.linalg.LinAlgError:  # type: ignore[attr-defined]  # public, but not in its stubs
        values, vectors = torch.linalg.eigh(matrix.double())
    return values.to(matrix), vectors.to(matrix).contiguous()


def _curvature_root(output: Tensor, y: Tensor, signs: torch.Generator) -> Float[Tensor, "n b q"]:
    """Random vectors v with mean vvᵀ the Hessian of each sample's loss by its outputs (n, b, q)."""
    drawn = torch.randint(2, output.shape[1:], generator=signs).to(output) * 2 - 1
    if y.is_floating_point():
        return (math.sqrt(2 / output.shape[-1]) * drawn).expand_as(output)
    shares = output.softmax(-1)
    return shares.sqrt() * drawn - shares * (shares.sqrt() * drawn).sum(-1, keepdim=True)
