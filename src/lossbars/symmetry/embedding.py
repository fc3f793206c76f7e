"""Loss-preserving embeddings of a network's parameters into those of a wider or deeper network.

Barannikov et al. 2022, §3.5. Networks are known here by the names and shapes of their parameters alone. A wider
network gets units whose incoming and outgoing weights are zero. A deeper one gets layers directly after the last
hidden layer, with the identity for weights and zero biases: they pass on what a ReLU has made non-negative. (So does
a convolution whose kernels are one at their centre; pooling in two rounds is pooling in one.) No shape tells the
activation: deepening is right for ReLU alone.

A new channel before BatchNorm gets scale and shift zero too. It is zero for every input, so its statistics,
recomputed or of a batch, are zero, and nothing that the network gives depends on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Size, Tensor

from lossbars.landscapes.network.stacked_linear import Shapes, unflattened


def widen(parameters: Mapping[str, Tensor], shapes: Shapes) -> dict[str, Tensor]:
    """Every tensor (n, *small) in the leading corner of zeros (n, *large): units with no weights in or out.

    A convolution's output is flattened channel by channel, so the corner is right for the linear layer after it too.
    """
    wide = {}
    for name, shape in shapes.items():
        tensor = parameters[name]
        wide[name] = tensor.new_zeros(len(tensor), *shape)
        corner = tuple(slice(size) for size in tensor.shape)
        wide[name][corner] = tensor
    return wide


def deepen(
    parameters: Mapping[str, Tensor], sources: Mapping[str, str], added: Shapes, units: int
) -> dict[str, Tensor]:
    """Parameters (n, ...) by their names in the deeper network, and those of its added layers of ``units`` units.

    ``sources`` has the old name of every new one; ``added`` are the shapes of what is new.
    """
    deep = {name: parameters[source] for name, source in sources.items()}
    like = next(iter(parameters.values()))
    return deep | {name: _identity(shape, units).to(like).expand(len(like), *shape) for name, shape in added.items()}


def _identity(shape: Size, units: int) -> Tensor:
    """1 where an output meets the input of its number, at the centre of a kernel; zero for a bias."""
    tensor = torch.zeros(shape)
    if len(shape) > 1:
        kernels, diagonal = tensor.view(*shape[:2], -1), torch.arange(units)
        kernels[diagonal, diagonal, kernels.shape[2] // 2] = 1.0
    return tensor


@dataclass(frozen=True)
class Embedding:
    """A map of the parameters of one network into those of another, made by :func:`embedding`."""

    small: Shapes
    large: Shapes
    sources: Mapping[str, str]  # name in the large network → name in the small one, of all but the added layers
    units: int  # k, of each added layer

    @property
    def added(self) -> Shapes:
        """Parameters of the added layers."""
        return {name: shape for name, shape in self.large.items() if name not in self.sources}

    @property
    def ones(self) -> int:
        """By how much ‖θ‖² grows: k for every added layer."""
        return self.units * sum(len(shape) > 1 for shape in self.added.values())

    def apply(self, theta: Float[Tensor, "n d"]) -> Float[Tensor, "n e"]:
        """The same networks in the parameters of the large one; their outputs are the same up to rounding."""
        parameters = unflattened(theta, self.small)
        wide = widen(deepen(parameters, self.sources, self.added, self.units), self.large)
        return torch.cat([tensor.flatten(1) for tensor in wide.values()], dim=1)


def embedding(small: Shapes, large: Shapes) -> Embedding:
    """The embedding of the small network's parameters into the large one's: wider, deeper, or both.

    Weights are taken to act in the order of their names. Raises ValueError, which says why, where there is none.
    """
    ours, theirs = _layers(small), _layers(large)
    if list(small) == list(large):
        layers = dict(zip(theirs, ours, strict=True))
        sources, units = {name: name for name in large}, 0
    else:
        layers = _deeper(small, large)
        sources = {
            _sibling(new, leaf): _sibling(old, leaf) for new, old in layers.items() for leaf in _leaves(old, small)
        }
        units = small[ours[-2]][0]
    result = Embedding(dict(small), dict(large), sources, units)
    _check_sources(result)
    _check_ends(result, ours, theirs)
    _check_flattening(result, layers)
    _check_added(result, small[ours[-2]] if units else Size())
    return result


def _none(why: str) -> ValueError:
    return ValueError(f"there is no loss-preserving embedding of the small network into the large one: {why}")


def _layers(shapes: Shapes) -> list[str]:
    """Names of the weights of linear and convolutional layers, in order."""
    return [name for name, shape in shapes.items() if len(shape) > 1]


def _sibling(weight: str, leaf: str) -> str:
    return weight[: weight.rfind(".") + 1] + leaf


def _leaves(weight: str, shapes: Shapes) -> list[str]:
    """``weight`` and ``bias``, of a weight's layer."""
    layer = weight.rpartition(".")[0]
    return [name.rpartition(".")[2] for name in shapes if name.rpartition(".")[0] == layer]


def _deeper(small: Shapes, large: Shapes) -> dict[str, str]:
    """Weight of the large network → weight of the small one: the first hidden layers, and the last layer."""
    ours, theirs = _layers(small), _layers(large)
    if len(theirs) <= len(ours):
        raise _none(
            f"their parameters have other names, and the second has {len(theirs)} layers, the first {len(ours)}"
        )
    if len(ours) < 2:
        raise _none("a layer can be added after a hidden layer alone, and the first has none")
    for shapes in (small, large):
        weighted = {name.rpartition(".")[0] for name in _layers(shapes)}
        if other := [name for name in shapes if name.rpartition(".")[0] not in weighted]:
            raise _none(f"an added layer would be normalised, or changed otherwise, by {other[0]}")
    return dict(zip(theirs, ours[:-1], strict=False)) | {theirs[-1]: ours[-1]}


def _check_sources(result: Embedding) -> None:
    """Every tensor of the small network has a place, large enough, with kernels of the same size."""
    if missing := set(result.small) - set(result.sources.values()):
        raise _none(f"the second has no place for {sorted(missing)[0]}")
    for name, source in result.sources.items():
        if name not in result.large:
            raise _none(f"the second has no {name} for {source}")
        ours, theirs = result.small[source], result.large[name]
        fits = len(ours) == len(theirs) and all(a <= b for a, b in zip(ours, theirs, strict=True))
        if not fits or ours[2:] != theirs[2:]:
            raise _none(f"{source} of shape {tuple(ours)} does not fit into {name} of shape {tuple(theirs)}")


def _check_ends(result: Embedding, ours: list[str], theirs: list[str]) -> None:
    for what, mine, their, axis in (("inputs", ours[0], theirs[0], 1), ("outputs", ours[-1], theirs[-1], 0)):
        if (a := result.small[mine][axis]) != (b := result.large[their][axis]):
            raise _none(f"the first has {a} {what}, the second {b}")


def _check_flattening(result: Embedding, layers: Mapping[str, str]) -> None:
    """A linear layer after a convolution sees as many places of each channel in both networks."""
    names = _layers(result.large)
    for before, name in pairwise(names):
        if len(result.large[before]) == len(result.large[name]) or name not in layers:
            continue
        last = _layers(result.small).index(layers[name]) - 1
        channels = result.small[_layers(result.small)[last]][0], result.large[before][0]
        inputs = result.small[layers[name]][1], result.large[name][1]
        if inputs[0] * channels[1] != inputs[1] * channels[0]:
            raise _none(
                f"{name} sees {inputs[1]} numbers of {channels[1]} channels, in the first {inputs[0]} of {channels[0]}"
            )


def _check_added(result: Embedding, hidden: Size) -> None:
    """Added layers are of the kind of the one before them, wide enough, and their kernels have a centre."""
    for name, shape in result.added.items():
        if len(shape) == 1:
            continue
        if len(shape) != len(hidden) or min(shape[:2]) < result.units or any(size % 2 == 0 for size in shape[2:]):
            raise _none(f"{name} of shape {tuple(shape)} cannot be the identity of {result.units} units")
