"""Records of tensors that all have a leading axis of rows: rows leave them, and they go through a checkpoint."""

from dataclasses import fields
from typing import TypeVar

from jaxtyping import Bool
from torch import Tensor

State = dict[str, Tensor]


class Rows:
    """Base of dataclasses whose every field is a tensor (n, ...), one entry for each of n rows."""

    def keep(self, rows: Bool[Tensor, " n"]) -> None:
        """Go on with these rows alone."""
        for name, value in self.state().items():
            setattr(self, name, value[rows])

    def state(self) -> State:
        """The fields by name, for a checkpoint."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]


AnyRows = TypeVar("AnyRows", bound=Rows)


def rows_of(kind: type[AnyRows], state: State, like: Tensor) -> AnyRows:
    """The record whose :meth:`Rows.state` was taken, on the device of ``like``."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return kind(**{name: state[name].to(like.device, copy=True) for name in names})


def prefixed(prefix: str, state: State) -> State:
    """The state under names that begin with ``prefix`` and a dot."""
    return {f"{prefix}.{name}": value for name, value in state.items()}


def under(prefix: str, state: State) -> State:
    """The part of a state that :func:`prefixed` gave those names."""
    return {name.removeprefix(f"{prefix}."): value for name, value in state.items() if name.startswith(f"{prefix}.")}
