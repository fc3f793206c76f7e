"""A network and its data as a landscape.

The loss of record is the mean loss over the whole training set in float32, summed in float64: no
augmentation, dropout off, no weight decay. BatchNorm statistics are recomputed for every θ, with one pass
over the training set in a fixed order, weighted by batch sizes (what Garipov et al. do); θ holds parameters
only, never buffers. Training batches use batch statistics.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from lossbars.augment import crop_flip
from lossbars.convolution import chosen_precision, computing_in, fastest_batch, fastest_layout, laid_out
from lossbars.data import Split
from lossbars.landscape import Batch, Landscape
from lossbars.linear_chain import LinearChain, find_chain
from lossbars.stacking import Parameters, can_stack, stacked_call

STACKED_NUMBERS = 2**21  # 8 MiB in float32: benchmarks/README.md, stack_size.py
Call = Callable[[Parameters, Tensor], Tensor]
EVALUATION_BATCH = 1000  # samples at a time in the loss of record; fixed, since BatchNorm's statistics depend on it


class NetworkLandscape(Landscape):
    """Loss of a module on a training set, as a function of its flat parameters (d).

    ``make`` builds the module; ``train`` is the training set; batches have ``batch_size`` samples, and a
    last smaller one is left out. ``stacking`` is how several networks run at once: ``batched`` matrix
    products or a ``loop``; ``auto`` takes the first where it gives the same numbers. ``precision`` is that of
    training batches alone: the loss of record and its gradient are float32; ``auto`` asks the machine.
    """

    def __init__(
        self,
        make: Callable[[], nn.Module],
        train: Split,
        batch_size: int,
        device: torch.device,
        augment: Literal["none", "crop-flip"] = "none",
        stacking: Literal["auto", "batched", "loop"] = "auto",
        precision: Literal["float32", "bfloat16", "auto"] = "float32",
    ) -> None:
        self.make = make
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # buffers a module draws at random are then the same in every process
            self.module = make().to(device)
        self.device = device
        self.layout = fastest_layout(self.module, device)
        self.evaluated = fastest_batch(self.module, device, EVALUATION_BATCH)
        self.precision = chosen_precision(precision, device)
        self.train = Split(laid_out(train.x.to(device), self.layout), train.y.to(device))
        self.batch_size = min(batch_size, len(train))
        self.steps_per_epoch = len(train) // self.batch_size
        self.augment = augment
        named = list(self.module.named_parameters())
        self.names = [name for name, _ in named]
        self.shapes = [p.shape for _, p in named]
        self.sizes = [p.numel() for _, p in named]
        self.dim = sum(self.sizes)
        self.norms = [m for m in self.module.modules() if isinstance(m, _BatchNorm)]
        self.random = _draws(self.module.train(), self.train.x[:3])
        if _draws(self.module.eval(), self.train.x[:3]):
            raise ValueError("the network draws random numbers in evaluation mode too: it has no one loss of record")
        self.stacking = self._choose(stacking)
        self.chain = self._find_chain() if self.stacking == "batched" and self.precision == "float32" else None
        self._gradient = torch.empty(0, self.dim)

    def _choose(self, stacking: Literal["auto", "batched", "loop"]) -> Literal["batched", "loop"]:
        if stacking == "loop" or self.random:
            return "loop"
        if can_stack(self.module.eval(), self.train.x[:3]):
            return "batched"
        if stacking == "batched":
            raise ValueError("this network cannot be stacked as batched matrix products: use 'auto' or 'loop'")
        return "loop"

    def _find_chain(self) -> LinearChain | None:
        """The layers in a row that the network is: only if they give autograd's numbers on a training batch.

        What a forward pass does in place, or to gradients alone, cannot be seen in its calls.
        """
        chain = find_chain(self.module, self.train.x[:3])
        if chain is None:
            return None
        theta, x = self.init(2, torch.Generator().manual_seed(0)), self.train.x[: self.batch_size]
        found, expected = torch.empty_like(theta), torch.empty_like(theta)
        losses = [
            chain.gradient(self.unflatten(theta), x, _mean_square, self.unflatten(found)),
            self._gradient_into(theta, expected, lambda p: _mean_square(stacked_call(self.module.train(), p, x))),
        ]
        pairs = (losses, (found, expected))
        same = all(a.dtype == b.dtype and torch.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in pairs)
        return chain if same else None

    @property
    def stack_size(self) -> int:
        """On a CPU, as many networks as stay in its caches with their gradients; one, where they run one by one."""
        if self.stacking == "loop":
            return 1
        return sys.maxsize if self.device.type == "cuda" else max(1, STACKED_NUMBERS // self.dim)

    @property
    def facts(self) -> dict[str, str]:
        """How the networks are run, for the records."""
        return {
            "stacking": self.stacking,
            "layout": self.layout,
            "precision": self.precision,
            "device": str(self.device),
        }

    # Parameters -----------------------------------------------------------------------------------

    def init(self, n: int, generator: Generator) -> Float[Tensor, "n d"]:
        """The module's own initialisation, from seeds that the generator gives."""
        seeds = torch.randint(2**62, (n,), generator=generator).tolist()
        rows = []
        for seed in seeds:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                rows.append(self.flatten(self.make()))
        return torch.stack(rows).to(self.device)

    def flatten(self, module: nn.Module) -> Float[Tensor, " d"]:
        """θ of a module of this architecture."""
        return torch.cat([p.detach().reshape(-1) for _, p in module.named_parameters()])

    def unflatten(self, theta: Float[Tensor, "*n d"]) -> Parameters:
        """Views of θ with the module's names and shapes, leading axes kept."""
        pieces = theta.split(self.sizes, dim=-1)
        return {
            name: piece.unflatten(-1, shape) if shape else piece.squeeze(-1)
            for name, shape, piece in zip(self.names, self.shapes, pieces, strict=True)
        }

    # Training batches -----------------------------------------------------------------------------

    def batches(self, generators: Sequence[Generator]) -> Iterator[Batch]:
        """One pass over the training set; see :meth:`Landscape.batches`."""
        orders = [torch.randperm(len(self.train), generator=g) for g in generators]
        noisy = self.random or self.augment != "none"
        for start in range(0, len(self.train) - self.batch_size + 1, self.batch_size):
            index = torch.stack([order[start : start + self.batch_size] for order in orders])
            noise = torch.cat([torch.randint(2**62, (1,), generator=g) for g in generators]) if noisy else None
            yield Batch((index if len(generators) > 1 else index[0]).to(self.device), noise)

    def _inputs(self, batch: Batch) -> Tensor:
        x = self.train.x[batch.index]
        if self.augment == "none" or batch.noise is None:
            return x
        if batch.index.dim() == 1:
            return crop_flip(x, int(batch.noise[0]))
        return torch.stack([crop_flip(row, int(seed)) for row, seed in zip(x, batch.noise, strict=True)])

    # Losses ---------------------------------------------------------------------------------------

    def loss(self, theta: Float[Tensor, "n d"], batch: Batch | None = None) -> Float[Tensor, " n"]:
        """Training loss on a batch (differentiable), or the loss of record (n,) float64."""
        if batch is None:
            with torch.no_grad():
                return self.evaluate(theta, self.train)[0]
        return self._batch_loss(self.unflatten(theta), batch)

    def value_and_gradient(
        self, theta: Float[Tensor, "n d"], batch: Batch | None
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n d"]]:
        """Loss and gradient of every row; on a batch as trained, or of the loss of record.

        BatchNorm's statistics are constants in the latter. The gradient is overwritten by the next call.
        """
        if len(self._gradient) < len(theta) or self._gradient.dtype != theta.dtype:
            self._gradient = theta.new_empty(theta.shape)
        gradient = self._gradient[: len(theta)]
        if batch is None:
            return self._record_gradient(theta, gradient), gradient
        size = self.stack_size
        places = zip(theta.split(size), gradient.split(size), batch.pieces(len(theta), size), strict=True)
        return torch.cat([self._batch_gradient(rows, out, one) for rows, out, one in places]), gradient

    def _batch_gradient(self, theta: Tensor, out: Tensor, batch: Batch) -> Tensor:
        """Training losses; their gradients go into ``out``."""
        if self.chain is None:
            return self._gradient_into(theta, out, partial(self._batch_loss, batch=batch))
        x, y = self._inputs(batch), self.train.y[batch.index]
        return self.chain.gradient(
            self.unflatten(theta), x, lambda output: self._criterion(output, y).mean(1), self.unflatten(out)
        )

    def _gradient_into(self, theta: Tensor, out: Tensor, loss: Callable[[Parameters], Tensor]) -> Tensor:
        """Write the gradient of the summed losses into ``out``; leaves by parameter save a pass over θ."""
        leaves = {name: p.detach().requires_grad_() for name, p in self.unflatten(theta).items()}
        with torch.enable_grad():
            value = loss(leaves)
            gradients = torch.autograd.grad(value.sum(), list(leaves.values()), materialize_grads=True)
        for place, gradient in zip(self.unflatten(out).values(), gradients, strict=True):
            place.copy_(gradient)
        return value.detach()

    def _batch_loss(self, parameters: Parameters, batch: Batch) -> Tensor:
        """(n,) mean training losses of stacked parameters."""
        x, y = self._inputs(batch), self.train.y[batch.index]
        if self.stacking == "batched":
            self.module.train()
            with computing_in(self.precision, self.device):
                output = stacked_call(self.module, parameters, x)
            return self._criterion(self._widened(output), y).mean(1)
        n = len(next(iter(parameters.values())))
        x, y = (x.expand(n, *x.shape), y.expand(n, *y.shape)) if batch.index.dim() == 1 else (x, y)
        return torch.stack([self._one_batch_loss(parameters, i, x[i], y[i], batch.noise) for i in range(n)])

    def _one_batch_loss(self, parameters: Parameters, i: int, x: Tensor, y: Tensor, noise: Tensor | None) -> Tensor:
        self.module.train()
        scratch = {name: buffer.clone() for name, buffer in self.module.named_buffers()}  # written, never read
        one = {name: p[i] for name, p in parameters.items()}
        with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else [], enabled=self.random):
            if self.random and noise is not None:
                torch.manual_seed(int(noise[i if len(noise) > 1 else 0]))
            with computing_in(self.precision, self.device):
                output = functional_call(self.module, one | scratch, (laid_out(x, self.layout),))
        return self._criterion(self._widened(output).unsqueeze(0), y).mean()

    def _widened(self, output: Tensor) -> Tensor:
        """Outputs for the loss function, which is never computed in bfloat16."""
        return output.float() if self.precision == "bfloat16" else output

    def _criterion(self, output: Tensor, y: Tensor) -> Tensor:
        """(n, b) losses of outputs (n, b, q): cross entropy of classes, squared error of real targets."""
        n = len(output)
        if y.is_floating_point():
            if output.shape[1:] != y.shape[-2:]:  # else they would be broadcast
                gives, wanted = tuple(output.shape[2:]), tuple(y.shape[-1:])
                raise ValueError(f"the network gives outputs of shape {gives} for targets of shape {wanted}")
            return (output - y).square().mean(-1)
        return F.cross_entropy(output.transpose(1, 2), y.expand(n, y.shape[-1]), reduction="none")

    # The loss of record ---------------------------------------------------------------------------

    def evaluate(self, theta: Float[Tensor, "n d"], data: Split) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Mean loss and accuracy (NaN for regression) of every row on a data set, float64, by the record's rules."""
        step = len(theta) if self.stacking == "batched" else 1
        parts = [self._evaluate(rows, data) for rows in theta.split(step)]
        return torch.cat([loss for loss, _ in parts]), torch.cat([accuracy for _, accuracy in parts])

    @torch.no_grad()
    def _evaluate(self, theta: Tensor, data: Split) -> tuple[Tensor, Tensor]:
        call = self._record_call(theta)
        loss = torch.zeros(len(theta), dtype=torch.float64, device=self.device)
        correct = torch.zeros_like(loss)
        for x, y in zip(data.x.split(self.evaluated), data.y.split(self.evaluated), strict=True):
            output = call(self.unflatten(theta), x)
            loss += self._criterion(output, y).double().sum(1)
            correct += float("nan") if y.is_floating_point() else (output.argmax(-1) == y).double().sum(1)
        return loss / len(data), correct / len(data)

    def _record_call(self, theta: Tensor) -> Call:
        """Evaluation mode, with BatchNorm statistics of this θ."""
        self.module.eval()
        if self.stacking == "batched":
            return lambda parameters, x: stacked_call(self.module, parameters, x)
        buffers = self._statistics(self.unflatten(theta.squeeze(0)))

        def call(parameters: Parameters, x: Tensor) -> Tensor:
            one = {name: p.squeeze(0) for name, p in parameters.items()}
            return functional_call(self.module, one | buffers, (laid_out(x, self.layout),)).unsqueeze(0)

        return call

    @torch.no_grad()
    def _statistics(self, parameters: Parameters) -> Parameters:
        """Buffers with BatchNorm statistics recomputed over the training set, in its own order."""
        buffers = {name: buffer.clone() for name, buffer in self.module.named_buffers()}
        if not self.norms:
            return buffers
        before = [norm.momentum for norm in self.norms]
        for norm in self.norms:
            norm.train()
        batches = list(self.train.x.split(EVALUATION_BATCH))
        if len(batches) > 1 and len(batches[-1]) == 1:  # BatchNorm takes no variance of a single number
            batches[-2:] = [torch.cat(batches[-2:])]
        seen = 0
        for x in batches:
            seen += len(x)
            for norm in self.norms:
                norm.momentum = len(x) / seen  # the first batch replaces what was there
            functional_call(self.module, parameters | buffers, (x,))
        for norm, momentum in zip(self.norms, before, strict=True):
            norm.momentum = momentum
            norm.eval()
        return buffers

    def _summed_losses(self, parameters: Parameters, call: Call, x: Tensor, y: Tensor) -> Tensor:
        return self._criterion(call(parameters, x), y).double().sum(1)

    def _record_gradient(self, theta: Tensor, gradient: Tensor) -> Tensor:
        total = torch.zeros_like(theta)
        loss = torch.zeros(len(theta), dtype=torch.float64, device=self.device)
        for first in range(0, len(theta), self.stack_size):
            rows = slice(first, first + self.stack_size)
            call = self._record_call(theta[rows])
            for x, y in zip(self.train.x.split(self.evaluated), self.train.y.split(self.evaluated), strict=True):
                summed = partial(self._summed_losses, call=call, x=x, y=y)
                loss[rows] += self._gradient_into(theta[rows], gradient[rows], summed)
                total[rows] += gradient[rows]
        gradient.copy_(total / len(self.train))
        return loss / len(self.train)


def _mean_square(output: Tensor) -> Tensor:
    """(n,) of outputs (n, b, q): some loss that any network has."""
    return output.square().mean((1, 2))


def _draws(module: nn.Module, x: Tensor) -> bool:
    """Whether a pass draws random numbers, as it stands: in dropout layers, or in calls that no layer shows."""
    devices = [x.device] if x.device.type == "cuda" else []
    buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        before = [torch.get_rng_state(), *map(torch.cuda.get_rng_state, devices)]
        functional_call(module, buffers, (x,))
        after = [torch.get_rng_state(), *map(torch.cuda.get_rng_state, devices)]
    return not all(map(torch.equal, before, after))
