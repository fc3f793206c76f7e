"""Start → minimum."""

from collections.abc import Callable, Sequence

from jaxtyping import Float
from torch import Generator, Tensor

from lossbars.landscape import Batch, Landscape
from lossbars.landscapes.objective import trained_on
from lossbars.optimise.descent import Checkpoint, Problem, descend
from lossbars.recipes import Descent


def minimise(
    landscape: Landscape,
    start: Float[Tensor, "n d"],
    recipe: Descent,
    generators: Sequence[Generator],
    names: Sequence[str] | None = None,
    checkpoint: Checkpoint | None = None,
    report: Callable[[str], None] | None = None,
) -> Float[Tensor, "n d"]:
    """Descend from n starts at once, each with its own generator and so its own order of the data.

    Each row is what it would be alone, up to rounding. Raises :class:`lossbars.optimise.descent.Diverged` and Stopped.
    """
    if len(generators) != len(start):
        raise ValueError(f"{len(start)} starts need as many generators, there are {len(generators)}")

    objective = trained_on(landscape, recipe.penalty)

    def gradient(variables: Tensor, _: int, batch: Batch | None, out: Tensor) -> Tensor:
        losses, gradients = objective.value_and_gradient(variables[:, 0], batch)
        out.copy_(gradients.unsqueeze(1))
        return losses

    problem = Problem(
        gradient=gradient,
        batches=lambda: landscape.batches(generators),
        steps_per_epoch=landscape.steps_per_epoch,
        generators=generators,
        names=names or [f"row {i}" for i in range(len(start))],
    )
    end = descend(start.unsqueeze(1), problem, recipe, checkpoint, report)
    return end[:, 0]
