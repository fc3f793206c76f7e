"""Permutations of a network's units that leave what it computes as it is, as permutations of its flat parameters."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn
from torch.func import functional_call

from lossbars.landscapes.network.stacked_linear import unflattened
from lossbars.landscapes.torch_private import BATCH_NORMS
from lossbars.symmetry.trace import watch

TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-3}  # of outputs, as a share of the largest
MOST = 1e-2  # of outputs, where rounding is amplified


@dataclass(frozen=True)
class Place:
    """The place of a group's units in θ: along one axis of one parameter, ``span`` entries of it for each unit."""

    name: str  # of the parameter
    offset: int  # its first entry in θ
    shape: tuple[int, ...]
    axis: int
    span: int

    def rows(self, theta: Float[Tensor, " d"]) -> Float[Tensor, "units r"]:
        """The numbers that belong to each unit."""
        return self._parameter(theta).movedim(self.axis, 0).reshape(self.shape[self.axis] // self.span, -1)

    def permute_(self, theta: Float[Tensor, " d"], order: Int[Tensor, " units"]) -> None:
        """Put the units into another order, in place."""
        index = (order[:, None] * self.span + torch.arange(self.span, device=order.device)).flatten()
        parameter = self._parameter(theta)
        parameter.copy_(parameter.index_select(self.axis, index))

    def _parameter(self, theta: Tensor) -> Tensor:
        return theta[self.offset : self.offset + prod(self.shape)].view(self.shape)


@dataclass(frozen=True)
class Group:
    """Units that may change places with each other, all of their places together."""

    size: int
    places: tuple[Place, ...]

    def permuted(self, theta: Float[Tensor, " d"], order: Int[Tensor, " size"]) -> Float[Tensor, " d"]:
        """θ with unit i what unit ``order[i]`` was."""
        permuted, order = theta.clone(), order.to(theta.device)
        for place in self.places:
            place.permute_(permuted, order)
        return permuted


@dataclass(frozen=True)
class Symmetry:
    """The groups of a network of ``dim`` parameters. Any order of the units of any group computes the same."""

    dim: int
    groups: tuple[Group, ...]

    def permuted(self, theta: Float[Tensor, " d"], orders: Sequence[Int[Tensor, " _"]]) -> Float[Tensor, " d"]:
        """θ with the units of each group in an order of their own."""
        for group, order in zip(self.groups, orders, strict=True):
            theta = group.permuted(theta, order)
        return theta

    def random(self, generator: Generator) -> list[Int[Tensor, " _"]]:
        """A random order of the units of each group."""
        return [torch.randperm(group.size, generator=generator) for group in self.groups]


def find_symmetry(module: nn.Module, x: Tensor) -> Symmetry:
    """The groups of a module, found in one forward pass of a small input ``x`` (b, ...), two samples or more.

    As it is in evaluation, but with BatchNorm's statistics from the batch, since they are recomputed for every θ.
    Raises ValueError where a permutation that was found changes the outputs.
    """
    try:
        module = copy.deepcopy(module).cpu().eval()
    except RuntimeError as error:
        raise ValueError(f"align: this network cannot be copied ({error}): leave align out") from None
    for norm in module.modules():
        if isinstance(norm, BATCH_NORMS):
            norm.train()
    x = x.cpu()
    sizes = {name: tuple(p.shape) for name, p in module.named_parameters()}
    offsets, dim = {}, 0
    for name, shape in sizes.items():
        offsets[name], dim = dim, dim + prod(shape)
    groups = []
    for counted in watch(copy.deepcopy(module), x).free().values():
        ordered = sorted(counted, key=lambda one: (offsets[one[0][0]], one[0][1]))
        places = tuple(Place(name, offsets[name], sizes[name], axis, span) for (name, axis), span in ordered)
        groups.append(Group(places[0].shape[places[0].axis] // places[0].span, places))
    groups = [group for group in groups if group.size > 1]
    symmetry = Symmetry(dim, tuple(sorted(groups, key=lambda group: (group.places[0].offset, group.places[0].axis))))
    check_symmetry(module, x, symmetry)
    return symmetry


def check_symmetry(module: nn.Module, x: Tensor, symmetry: Symmetry) -> None:
    """Raise ValueError unless random parameters, and the same with permuted units, give the same outputs for ``x``.

    In float64, or in float32 where the module computes in no other.
    """
    generator = torch.Generator().manual_seed(0)
    flat = torch.cat([_disturbed(p.detach(), generator).flatten() for p in module.parameters()])
    noise = torch.randn(flat.shape, generator=generator)
    both = [flat, symmetry.permuted(flat, symmetry.random(generator))]
    for dtype, least in TOLERANCES.items():
        nudged = flat.to(dtype) * (1 + 4 * torch.finfo(dtype).eps * noise.to(dtype))
        try:
            one, other, near = (_output(module, theta, x, dtype) for theta in (*both, nudged))
        except RuntimeError:
            if dtype == torch.float32:
                raise
            continue
        change = (one - other).abs().max()
        rounding = (one - near).abs().max()  # which depth may amplify a millionfold
        if not change <= max(least * one.abs().max(), min(100 * rounding, MOST * one.abs().max())):
            names = ", ".join(dict.fromkeys(place.name for group in symmetry.groups for place in group.places))
            raise ValueError(
                f"permuting the units of {names} changes what the network computes, by {change:.2g}: some operation "
                "treats units apart in a way that was not seen; leave out align: weights"
            )
        return


def _disturbed(parameter: Tensor, generator: Generator) -> Tensor:
    """With noise, so that no scales are all 1 and no shifts all 0."""
    spread = float(parameter.std(correction=0)) or 0.1
    return parameter + 0.5 * spread * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)


@torch.no_grad()
def _output(module: nn.Module, theta: Tensor, x: Tensor, dtype: torch.dtype) -> Tensor:
    """Outputs of a copy of the module with these parameters."""
    module = copy.deepcopy(module).to(dtype)
    parameters = unflattened(theta.to(dtype), {name: p.shape for name, p in module.named_parameters()})
    output: Tensor = functional_call(module, parameters, (x.to(dtype) if x.is_floating_point() else x,))
    return output
