"""Recording what a GPU is told to do in a training step, and replaying it without asking Python again.

A small network's step is hundreds of kernels of microseconds: starting them one by one takes longer than they run.
"""

from collections.abc import Callable

import torch
from torch import Tensor

Function = Callable[..., tuple[Tensor, ...]]
Recorded = tuple[Callable[[], None], tuple[Tensor, ...]]  # what replays, and where its results then are
Recorder = Callable[[Callable[[], tuple[Tensor, ...]]], Recorded]
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

    A recording must give what the function gave on the first inputs; else, and where the function cannot be
    recorded, it is called as it is. Results are overwritten by the next call.
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
        if (found := self.recorded[key]) is None:
            return self.function(*inputs)
        held, (replay, results) = found
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
        recorded[0]()
        if all(torch.allclose(a, b, rtol=1e-3, atol=1e-5) for a, b in zip(recorded[1], expected, strict=True)):
            self.recorded[key] = (held, recorded)
        return expected
