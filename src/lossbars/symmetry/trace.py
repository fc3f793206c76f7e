"""Which axes of a network's parameters count the same units, found by watching one forward pass.

Each tensor of the pass may carry units along one of its axes. A layer joins the axes of its parameters to the units
that come in and to those that it gives, and a sum of two tensors makes their units the same. What is not known to treat
all units alike freezes them: frozen units stay where they are, as do inputs and outputs of the network.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from lossbars.symmetry.unit_groups import UnitGroups


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


# Names without underscores at their ends: add is that of add_ and of __add__ too.
ELEMENTWISE = _words(
    "relu relu6 leaky_relu elu selu celu gelu silu mish sigmoid tanh softplus softsign hardtanh hardswish hardsigmoid",
    "logsigmoid tanhshrink threshold sin cos exp log log1p sqrt rsqrt square abs neg reciprocal sign pow clamp clip",
    "add iadd radd sub isub rsub mul imul rmul div idiv truediv itruediv rtruediv rdiv maximum minimum layer_norm",
    "dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout clone contiguous detach float double to",
)
POOLING = frozenset(f"{kind}_pool{n}d" for kind in ("max", "avg", "adaptive_max", "adaptive_avg") for n in (1, 2, 3))
RESHAPING = _words("flatten view reshape squeeze unsqueeze unflatten")
REDUCING = _words("mean sum amax amin")
CONVOLUTIONS = _words("conv1d conv2d conv3d")
LOOKING = _words(  # they read no value
    "shape ndim dtype device requires_grad layout size dim len numel is_contiguous is_floating_point is_cuda grad_fn",
    "is_leaf set_grad_enabled",
)


@dataclass(frozen=True)
class Units:
    """The units along one axis of a tensor: their group, the axis, and the number of entries of each unit."""

    group: int
    right: int  # the axis, counted from the right: 1 is the last
    span: int = 1

    def axis(self, tensor: Tensor) -> int:
        """The axis, counted from the left."""
        return tensor.dim() - self.right


@dataclass(frozen=True)
class Call:
    """A call that gave a tensor."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    result: Tensor

    def argument(self, place: int, name: str, default: Any = None) -> Any:
        """An argument, by position or by name."""
        return self.args[place] if len(self.args) > place else self.kwargs.get(name, default)

    @property
    def x(self) -> Tensor:
        """The first argument: what a layer takes, or the tensor whose method is called."""
        first: Tensor = self.argument(0, "input")
        return first


class UnitTape(TorchFunctionMode):
    """Follows the units of a module through its forward pass."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.names = {id(p): name for name, p in module.named_parameters()}
        self.groups = UnitGroups()
        self.carried: dict[int, Units] = {}
        self.kept: list[Tensor] = []  # a number of an object is its own only as long as it lives

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if (name := _name(func)) not in LOOKING:
            self._follow(name, args, kwargs or {}, result)
        return result

    def freeze(self, *values: Any) -> None:
        """Units of all tensors in there stay where they are, and so do parameters, whole."""
        for tensor in _tensors(values):
            if units := self.carried.get(id(tensor)):
                self.groups.freeze(units.group)
            if name := self.names.get(id(tensor)):
                for axis in range(tensor.dim()):
                    self.groups.join(name, axis, self.groups.fixed)

    def _follow(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        rule = self._rule(name) if isinstance(result, Tensor) and "out" not in kwargs else None
        units = rule(Call(args, kwargs, result)) if rule else None
        if units is None:
            self.freeze(args, kwargs, result)
        if isinstance(result, Tensor) and id(result) not in self.names:
            self.carried.pop(id(result), None)
            if units:
                self.carried[id(result)] = units
                self.kept.append(result)

    def _rule(self, name: str) -> Callable[[Call], Units | None] | None:
        """The rule for the units of a call's result; None for an unknown operation."""
        if name in ELEMENTWISE:
            return self._elementwise
        if name in POOLING:
            return self._pooled
        if name in RESHAPING:
            return self._reshaped
        if name in REDUCING:
            return self._reduced
        layers = {"linear": self._linear, "batch_norm": self._batch_norm, "embedding": self._embedding}
        return (layers | dict.fromkeys(CONVOLUTIONS, self._convolution)).get(name)

    # Layers ---------------------------------------------------------------------------------------

    def _linear(self, call: Call) -> Units | None:
        return self._layer(call, call.x.dim() - 1)

    def _convolution(self, call: Call) -> Units | None:
        without_samples = call.x.dim() != call.argument(1, "weight").dim()
        return None if call.argument(6, "groups", 1) != 1 or without_samples else self._layer(call, 1)

    def _layer(self, call: Call, axis: int) -> Units | None:
        """Units of the input along ``axis`` go into a weight (out, in, ...), and new ones come out along the same."""
        weight, bias = call.argument(1, "weight"), call.argument(2, "bias")
        names = [self.names.get(id(one)) for one in (weight, bias) if one is not None]
        units = self.carried.get(id(call.x))
        if None in names or weight.dim() < 2 or (units and units.axis(call.x) != axis):
            return None
        self.groups.join(str(names[0]), 1, *((units.group, units.span) if units else (self.groups.fixed, 1)))
        given = self.groups.new(weight.shape[0])
        for name in names:
            self.groups.join(str(name), 0, given)
        return Units(given, call.result.dim() - axis)

    def _embedding(self, call: Call) -> Units | None:
        weight = call.argument(1, "weight")
        if not (name := self.names.get(id(weight))):
            return None
        given = self.groups.new(weight.shape[1])
        self.groups.join(name, 0, self.groups.fixed)
        self.groups.join(name, 1, given)
        return Units(given, 1)

    def _batch_norm(self, call: Call) -> Units | None:
        units = self.carried.get(id(call.x))
        affine = [call.argument(3, "weight"), call.argument(4, "bias")]
        names = [self.names.get(id(one)) for one in affine if one is not None]
        if not units or units.axis(call.x) != 1 or None in names:
            return None
        for name in names:
            self.groups.join(str(name), 0, units.group, units.span)
        return units

    # Other operations -----------------------------------------------------------------------------

    def _elementwise(self, call: Call) -> Units | None:
        """Operands are broadcast from the right; each must carry the same units, be a parameter, or treat all alike."""
        operands = list(_tensors((call.args, call.kwargs)))
        tracked = [units for one in operands if (units := self.carried.get(id(one)))]
        if not tracked or len({(units.right, units.span) for units in tracked}) > 1:
            return None
        units = tracked[0]
        length = self.groups.sizes[self.groups.root(units.group)] * units.span
        others = [one for one in operands if id(one) not in self.carried and one.dim() >= units.right]
        unlike = [one for one in others if one.shape[-units.right] > 1]
        if call.result.shape[-units.right] != length or any(id(one) not in self.names for one in unlike):
            return None
        for other in tracked[1:]:
            self.groups.merge(units.group, other.group)
        for one in operands:
            if name := self.names.get(id(one)):
                for axis in range(one.dim()):
                    along = one.dim() - axis == units.right and one.shape[axis] == length
                    self.groups.join(name, axis, *((units.group, units.span) if along else (self.groups.fixed, 1)))
        return units

    def _pooled(self, call: Call) -> Units | None:
        x, units = call.x, self.carried.get(id(call.x))
        kept = x.dim() > 2 and call.result.shape[:2] == x.shape[:2]
        return units if units and kept and units.axis(x) == 1 else None

    def _reshaped(self, call: Call) -> Units | None:
        """Units stay apart where all from their axis on stays; or where all before it stays, and so does it, or it
        becomes one with all that follows."""
        x, units = call.x, self.carried.get(id(call.x))
        if not units:
            return None
        before, after, axis = x.shape, call.result.shape, units.axis(x)
        if before[axis:] == after[-units.right :]:
            return units
        if len(after) <= axis or before[:axis] != after[:axis]:
            return None
        if before[axis] == after[axis]:
            return Units(units.group, len(after) - axis, units.span)
        return Units(units.group, 1, units.span * before[axis + 1 :].numel()) if len(after) == axis + 1 else None

    def _reduced(self, call: Call) -> Units | None:
        x, units, axes = call.x, self.carried.get(id(call.x)), call.argument(1, "dim")
        if not units or axes in (None, (), []):  # all of them
            return None
        gone = {a % x.dim() for a in (axes if isinstance(axes, tuple | list) else [axes])}
        if units.axis(x) in gone:
            return None
        behind = sum(a > units.axis(x) for a in gone) if call.result.dim() < x.dim() else 0
        return Units(units.group, units.right - behind, units.span)


def _name(func: Callable[..., Any]) -> str:
    """``add`` of Tensor.add_ and of torch.add; of a property its own name."""
    name = getattr(func, "__name__", "")
    return str(getattr(func.__self__, "__name__", "") if name == "__get__" else name.strip("_"))  # type: ignore[attr-defined]


def _tensors(values: Any) -> Iterator[Tensor]:
    """All tensors in nested arguments."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict | list | tuple):
        for value in values.values() if isinstance(values, dict) else values:
            yield from _tensors(value)


def watch(module: nn.Module, *inputs: Tensor) -> UnitGroups:
    """Groups of units of a module, as it stands; its outputs are frozen."""
    with torch.no_grad(), UnitTape(module) as tape:
        output = module(*inputs)
    tape.freeze(output)
    return tape.groups
