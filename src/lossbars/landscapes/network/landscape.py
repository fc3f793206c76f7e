"""A network and its data as a landscape.

θ holds parameters only, never buffers. Training batches use batch statistics; the loss of record is in
:mod:`lossbars.landscapes.network.evaluation`.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Literal

import torch
from jaxtyping import Float
from torch import Generator, Tensor, nn

from lossbars.datasets.dataset import Split
from lossbars.landscape import Batch, Landscape
from lossbars.landscapes.network.augmentation import crop_flip
from lossbars.landscapes.network.cuda_graph import Replay
from lossbars.landscapes.network.evaluation import Record, losses_of
from lossbars.landscapes.network.execution import check_network, chosen_way, draws, outputs, record_way, repeated
from lossbars.landscapes.network.full_batch import FullBatchGradient, gradient_into, is_chain
from lossbars.landscapes.network.linear_chain import LinearChain, find_chain
from lossbars.landscapes.network.memory import home_of, step_fit
from lossbars.landscapes.network.precision import chosen_precision, computing_in, fastest_layout, laid_out
from lossbars.landscapes.network.stacked_linear import Parameters, stacked_call, unflattened


class NetworkLandscape(Landscape):
    """Loss of a module on a training set, as a function of its flat parameters (d).

    ``make`` builds the module; ``train`` is the training set; batches have ``batch_size`` samples, and a last smaller
    one is left out. ``stacking`` is how several networks run at once: see :mod:`lossbars.landscapes.network.execution`.
    ``precision`` is that of training batches alone: the loss of record and its gradient are float32; ``auto`` asks the
    machine. ``micro_batch`` samples of a batch are taken at a time, and their gradients added up: all where None, or as
    many as fit a GPU. ``black`` are the numbers of a pixel outside an image, for the augmentation.
    """

    def __init__(
        self,
        make: Callable[[], nn.Module],
        train: Split,
        batch_size: int,
        device: torch.device,
        augment: Literal["none", "crop-flip"] = "none",
        stacking: Literal["auto", "batched", "vmap", "loop"] = "auto",
        precision: Literal["float32", "tf32", "bfloat16", "auto"] = "float32",
        micro_batch: int | None = None,
        black: Sequence[float] = (0.0,),
    ) -> None:
        self.make = make
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # buffers a module draws at random are then the same in every process
            self.module = make().to(device)
        self.device = device
        self.layout = fastest_layout(self.module)
        self.precision = chosen_precision(precision, device)
        home = home_of(train.x.nbytes + train.y.nbytes, device)
        self.train = Split(laid_out(train.x.to(home), self.layout), train.y.to(home))
        self.batch_size = min(batch_size, len(train))
        self.steps_per_epoch = len(train) // self.batch_size
        self.augment, self.black = augment, torch.tensor(black, device=device)
        self.shapes = {name: p.shape for name, p in self.module.named_parameters()}
        self.dim = sum(shape.numel() for shape in self.shapes.values())
        few = self.train.x[:3].to(device)
        self.random = draws(self.module.train(), few)
        if draws(self.module.eval(), few):
            raise ValueError("the network draws random numbers in evaluation mode too: it has no one loss of record")
        self.output_numbers = check_network(self.module, few, self.train.y)
        self.stacking = chosen_way(self.module, few, self.random, stacking)
        way = record_way(self.module, few, self.random, stacking, self.stacking)
        self.record = Record(self.module, self.train, way, self.layout, device, self.output_numbers)
        self.fit = step_fit(self.module, few, self.batch_size, micro_batch, device)
        chained = self.stacking == "batched" and self.precision == "float32"
        self.chain = self._find_chain(training=True) if chained else None
        self.full_batch = FullBatchGradient(
            self.record, self.shapes, self.fit, partial(self._find_chain, training=False)
        )
        self.replay = Replay(self._losses_and_gradient) if device.type == "cuda" and not self.random else None
        self._gradient = torch.empty(0, self.dim)

    def _find_chain(self, training: bool) -> LinearChain | None:
        """The layers in a row that the network is in a mode: only if they give autograd's numbers on a batch."""
        chain = find_chain(self.module.train(training), self.train.x[:3].to(self.device))
        if chain is None:
            return None
        theta = self.init(2, torch.Generator().manual_seed(0))
        x, _ = next(self.record.batches(self.train, self.batch_size if training else None))
        call = partial(stacked_call, self.module) if training else self.record.call(self.unflatten(theta))
        return chain if is_chain(chain, theta, self.shapes, x, call) else None

    @property
    def stack_size(self) -> int:
        """As many networks as are taken at a time in a training step; one, where they run one by one."""
        return 1 if self.stacking == "loop" else self.fit.rows

    @property
    def rows_at_once(self) -> int:
        """As many networks as go through the data in one pass of the loss of record."""
        return self.record.rows_at_once(self.dim, self.fit.rows, self.batch_size)

    @property
    def facts(self) -> dict[str, str]:
        """The way in which the networks are run, for the records."""
        return {
            "stacking": self.stacking,
            "layout": self.layout,
            "precision": self.precision,
            "micro_batch": str(self.fit.samples),
            "networks_at_once": str(self.stack_size),
            "steps": "replayed" if self.replay and self.replay.used else "eager",
            "device": str(self.device),
        } | ({"statistics": self.full_batch.statistics} if self.record.norms else {})

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
        return unflattened(theta, self.shapes)

    # Training batches -----------------------------------------------------------------------------

    def batches(self, generators: Sequence[Generator]) -> Iterator[Batch]:
        """One pass over the training set; see :meth:`Landscape.batches`."""
        orders = [torch.randperm(len(self.train), generator=g) for g in generators]
        noisy = self.random or self.augment != "none"
        for start in range(0, len(self.train) - self.batch_size + 1, self.batch_size):
            index = torch.stack([order[start : start + self.batch_size] for order in orders])
            noise = torch.cat([torch.randint(2**62, (1,), generator=g) for g in generators]) if noisy else None
            yield Batch((index if len(generators) > 1 else index[0]).to(self.train.x.device), noise)

    def _samples(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Inputs, augmented, and targets, on the device."""
        x, y = (part[batch.index].to(self.device) for part in (self.train.x, self.train.y))
        if self.augment == "none" or batch.noise is None:
            return x, y
        if batch.index.dim() == 1:
            return crop_flip(x, int(batch.noise[0]), self.black), y
        rows = zip(x, batch.noise, strict=True)
        return torch.stack([crop_flip(row, int(seed), self.black) for row, seed in rows]), y

    # Losses ---------------------------------------------------------------------------------------

    def loss(self, theta: Float[Tensor, "n d"], batch: Batch | None = None) -> Float[Tensor, " n"]:
        """Training loss on a batch (differentiable), or the loss of record (n,) float64."""
        if batch is None:
            with torch.no_grad():
                return self.evaluate(theta, self.train)[0]
        x, y = self._samples(batch)
        return self._losses(self.unflatten(theta), x, y, batch.noise)

    def value_and_gradient(
        self, theta: Float[Tensor, "n d"], batch: Batch | None
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n d"]]:
        """Loss and gradient of every row; on a batch as trained, or of the loss of record.

        BatchNorm's statistics, which are functions of θ, are differentiated in the latter where the graph of a batch of
        them fits (``statistics``); else they are held. The gradient is overwritten by the next call.
        """
        if len(self._gradient) < len(theta) or self._gradient.dtype != theta.dtype:
            self._gradient = theta.new_empty(theta.shape)
        gradient = self._gradient[: len(theta)]
        if batch is None:
            return self.full_batch(theta, gradient), gradient
        size = self.stack_size
        places = zip(theta.split(size), gradient.split(size), batch.pieces(len(theta), size), strict=True)
        return torch.cat([self._batch_gradient(rows, out, one) for rows, out, one in places]), gradient

    def _batch_gradient(self, theta: Tensor, out: Tensor, batch: Batch) -> Tensor:
        """Training losses; their gradients go into ``out``, added up over parts of the batch where it is taken so."""
        x, y = self._samples(batch)
        axis = batch.index.dim() - 1
        parts = list(zip(*(one.tensor_split(self.fit.parts(self.batch_size), axis) for one in (x, y)), strict=True))
        if len(parts) == 1:
            return self._part_gradient(theta, out, x, y, batch.noise)
        total, part = torch.zeros(len(theta), device=self.device, dtype=theta.dtype), torch.empty_like(out)
        out.zero_()
        for i, (some, targets) in enumerate(parts):
            share = some.shape[axis] / x.shape[axis]
            noise = None if batch.noise is None else batch.noise + i  # each part has its own masks of dropout
            total += share * self._part_gradient(theta, part, some, targets, noise)
            out.add_(part, alpha=share)
        return total

    def _part_gradient(self, theta: Tensor, out: Tensor, x: Tensor, y: Tensor, noise: Tensor | None) -> Tensor:
        if self.replay is None:
            return self._eager_gradient(theta, out, x, y, noise)
        losses, gradient = self.replay(theta, x, y)
        out.copy_(gradient)
        return losses.clone()

    def _eager_gradient(self, theta: Tensor, out: Tensor, x: Tensor, y: Tensor, noise: Tensor | None) -> Tensor:
        if self.chain is None:
            loss = partial(self._losses, x=x, y=y, noise=noise)
            return gradient_into(self.unflatten(theta), self.unflatten(out), loss, self.precision)
        return self.chain.gradient(
            self.unflatten(theta), x, lambda output: losses_of(output, y).mean(1), self.unflatten(out)
        )

    def _losses_and_gradient(self, theta: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The function that is replayed: it depends on its arguments alone."""
        out = torch.empty_like(theta)
        return self._eager_gradient(theta, out, x, y, None), out

    def _losses(self, parameters: Parameters, x: Tensor, y: Tensor, noise: Tensor | None) -> Tensor:
        """(n,) mean training losses of stacked parameters on samples that all share, or each has its own."""
        n, own = len(next(iter(parameters.values()))), x.dim() > self.train.x.dim()
        self.module.train()
        if not self.random or noise is None:
            return self._mean_losses(parameters, x, y, own)
        rows = []
        for i in range(n):
            one = {name: p[i : i + 1] for name, p in parameters.items()}
            with torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else []):
                torch.manual_seed(int(noise[i if len(noise) > 1 else 0]))
                rows.append(self._mean_losses(one, x[i] if own else x, y[i] if own else y, own=False))
        return torch.cat(rows)

    def _mean_losses(self, parameters: Parameters, x: Tensor, y: Tensor, own: bool) -> Tensor:
        scratch = repeated(self.module, len(next(iter(parameters.values()))))  # written, never read
        with computing_in(self.precision, self.device):
            output = outputs(self.stacking, self.module, parameters, scratch, x, own, self.layout)
        return losses_of(output.float() if self.precision == "bfloat16" else output, y).mean(1)

    # The loss of record ---------------------------------------------------------------------------

    def evaluate(self, theta: Float[Tensor, "n d"], data: Split) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
        """Mean loss and accuracy (NaN for regression) of every row on a data set, float64, by the record's rules."""
        if not len(theta):
            nothing = torch.empty(0, dtype=torch.float64, device=self.device)
            return nothing, nothing
        parts = [self.record.evaluate(self.unflatten(rows), data) for rows in theta.split(self.rows_at_once)]
        return torch.cat([loss for loss, _ in parts]), torch.cat([accuracy for _, accuracy in parts])
