"""What an embedding's job costs: two descents in the larger network, one after the other. Loads no torch."""

from lossbars.datasets.specs import Size
from lossbars.experiments.networks.config import Experiment
from lossbars.recipes import Descent, Triangles
from lossbars.recipes.refinement import refined
from lossbars.workflow.training_costs import Training, control_points


def embedding_trainings(whole: Experiment, name: str, size: Size, samples: int) -> tuple[Training, Training]:
    """The descent from the embedded minima, and the optimisation of the paths: one for every minimum but the lowest."""
    one = whole.embeddings[name]
    small = whole.models[one.small]
    minima = whole.seeds * max(1, len(small.groups))
    curves = [r for kind, r in small.kinds.items() if kind != "minima" and not isinstance(r, Triangles)]
    points = 2 * (one.snapshots + 1) + max(control_points(recipe)[0] for recipe in curves)
    intervals = (points - 1) * (one.path.grid.between + 1)
    measured = intervals + 1 + refined(intervals, one.path.grid.refinements)

    def job(recipe: Descent, stacked: int, nodes: int, free: int, places: int, evaluations: int) -> Training:
        net, batch = whole.models[one.large].network.size(size), min(recipe.batch_size, samples)
        moments = 1 if recipe.optimiser == "sgd" else 2
        return Training(net, size, samples, stacked, nodes, free, places, batch, recipe.epochs, evaluations, moments)

    down = job(one.descent, minima, one.snapshots + 2, 1, 1, 1)
    return down, job(one.path, minima - 1, points, points - 2, one.path.points, 2 * measured)
