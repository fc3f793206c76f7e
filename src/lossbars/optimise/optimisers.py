"""SGD, Adam and AdamW on one array, by torch's functional forms.

They are the fused kernels that ``torch.optim.SGD``, ``Adam`` and ``AdamW`` run.
"""

import torch
from torch import Tensor

from lossbars.landscapes.torch_private import adam, sgd
from lossbars.recipes import Descent

BETAS, EPSILON = (0.9, 0.999), 1e-8  # torch's, and Kingma and Ba's
SPARE = 1e-6  # torch's clip_grad_norm_ adds it to the norm


class Optimiser:
    """Moves ``variables`` in place, against ``gradient``; ``moments`` are what it remembers.

    Weight decay is part of the training loss, at θ, but for AdamW's, which acts on the variables themselves. Gradients
    longer than the recipe's ``clip`` are shortened to it first, each along the last axis by itself.
    """

    def __init__(self, recipe: Descent, variables: Tensor) -> None:
        self.recipe, self.variables = recipe, variables
        self.gradient = torch.zeros_like(variables)
        self.moments: dict[str, Tensor] = {}

    def step(self, lr: float) -> None:
        """One step at learning rate ``lr``."""
        if self.recipe.clip is not None:
            clip_(self.gradient, self.recipe.clip)
        if self.recipe.optimiser == "sgd":
            self._sgd(lr)
        else:
            self._adam(lr)

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows alone; rows (r,) are numbers."""
        shape = self.variables.shape
        self.variables, self.gradient = self.variables[rows], self.gradient[rows]
        self.moments = {
            name: moment[rows] if moment.shape == shape else moment for name, moment in self.moments.items()
        }

    def _sgd(self, lr: float) -> None:
        buffers = [self.moments.get("momentum")]
        sgd(
            [self.variables],
            [self.gradient],
            buffers,
            fused=True,
            weight_decay=0.0,
            momentum=self.recipe.momentum,
            lr=lr,
            dampening=0.0,
            nesterov=self.recipe.nesterov,
            maximize=False,
        )
        if buffers[0] is not None:
            self.moments["momentum"] = buffers[0]

    def _adam(self, lr: float) -> None:
        decoupled = self.recipe.optimiser == "adamw"
        if not self.moments:
            step = torch.zeros((), dtype=torch.float32, device=self.variables.device)
            zeros = torch.zeros_like(self.variables)
            self.moments = {"mean": zeros, "square": zeros.clone(), "step": step}
        adam(
            [self.variables],
            [self.gradient],
            [self.moments["mean"]],
            [self.moments["square"]],
            [],
            [self.moments["step"]],
            fused=True,
            amsgrad=False,
            beta1=BETAS[0],
            beta2=BETAS[1],
            lr=lr,
            weight_decay=self.recipe.weight_decay if decoupled else 0.0,
            eps=EPSILON,
            maximize=False,
            decoupled_weight_decay=decoupled,
        )


def clip_(gradient: Tensor, most: float) -> None:
    """Shorten vectors along the last axis to a norm of at most ``most``, in place, as clip_grad_norm_ does.

    Their norms are taken one by one, so that each has the bits that it has alone. One that is not finite leaves NaN.
    """
    for row in gradient.flatten(0, -2):
        row.mul_((most / (torch.linalg.vector_norm(row) + SPARE)).clamp(max=1.0))
