"""Recording what a GPU is told to do in a training step, and replaying it without asking Python again.

A small network's step is hundreds of kernels of microseconds: starting them one by one takes longer than they run.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Function = Callable[..., tuple[Tensor, ...]]
Recorded = tuple[Callable[[], None], tuple[Tensor, ...]]  # what replays, and where its results then are
Recorder = Callable[[Callable[[], tuple[Tensor, ...]]], Recorded]
TOLERANCE = 1e-3  # of a replay's results, in norm
WARM_UP = 3  # calls before a recording: libraries choose their kernels and take their memory in the first ones


def cuda_graph(call: Callable[[], tuple[Tensor, ...]]) -> Recorded:
    """Record a call as a CUDA graph."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UP):
            call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = call()
    return graph.replay, results


class Replay:
    """A function of tensors whose results depend on nothing else, recorded once for each set of shapes.

    A recording must give what the function gives, on the first inputs and on others; else, and where the function
    cannot be recorded, it is called as it is. Results are overwritten by the next call.
    """

    def __init__(self, function: Function, recorder: Recorder = cuda_graph) -> None:
        self.function, self.recorder = function, recorder
        self.recorded: dict[object, tuple[tuple[Tensor, ...], Recorded] | None] = {}

    @property
    def used(self) -> bool:
        """Whether every set of shapes so far could be recorded."""
        return bool(self.recorded) and all(one is not None for one in self.recorded.values())

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Results for these inputs."""
        key = tuple((tuple(one.shape), one.stride(), one.dtype) for one in inputs)
        if key not in self.recorded:
            return self._record(key, inputs)
        if (recorded := self.recorded[key]) is None:
            return self.function(*inputs)
        held, (replay, results) = recorded
        for place, given in zip(held, inputs, strict=True):
            place.copy_(given)
        replay()
        return results

    def _record(self, key: object, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        expected = tuple(one.clone() for one in self.function(*inputs))
        held = tuple(one.clone() for one in inputs)
        self.recorded[key] = None
        try:
            recorded = self.recorder(lambda: self.function(*held))
        except RuntimeError:  # an operation that waits for the GPU, say
            return expected
        if not all(self._same(held, recorded, _scaled(inputs, factor)) for factor in (2, 1)):
            return expected
        self.recorded[key] = (held, recorded)
        return self(*inputs)

    def _same(self, held: tuple[Tensor, ...], recorded: Recorded, inputs: tuple[Tensor, ...]) -> bool:
        """Whether a replay and the function agree on inputs, recorded ones or others."""
        expected = self.function(*inputs)
        for place, given in zip(held, inputs, strict=True):
            place.copy_(given)
        recorded[0]()
        pairs = zip(recorded[1], expected, strict=True)
        return all(bool((a - b).norm() <= TOLERANCE * b.norm()) for a, b in pairs)


def _scaled(inputs: tuple[Tensor, ...], factor: int) -> tuple[Tensor, ...]:
    """Real numbers times a factor; whole ones, as classes are, as they are."""
    return tuple(one * factor if one.is_floating_point() else one for one in inputs)
