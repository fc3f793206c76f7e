"""Memory and time of strings, between networks and between places of landscapes. Loads no torch."""

from lossbars.datasets.specs import Size
from lossbars.experiments.strings.config import StringSampling, StringsModel
from lossbars.workflow.blocks import block_seeds
from lossbars.workflow.landscape_costs import GRADIENT, PROCESS, START, STEP, evaluation
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import Request, cpu_request, stated
from lossbars.workflow.tasks import Task
from lossbars.workflow.training_costs import BEADS, TRAINED_BEADS, Training, data_size, training_request


def string_request(plan: Plan, task: Task) -> Request:
    """The request of a job, which connects the pairs of one block."""
    config: StringSampling = plan.experiments[task.experiment]  # type: ignore[assignment]
    model, pairs = config.models[task.model], len(block_seeds(task.part))
    if model.landscape:
        computed = cpu_request(PROCESS, START + landscape_seconds(model, pairs))
    else:
        size, samples = data_size(plan, task.experiment)
        computed = training_request(string_training(model, size, samples, pairs), config.device != "cpu")
    return stated(computed, config.resources, model.resources)


def landscape_seconds(model: StringsModel, pairs: int) -> float:
    """Seconds of strings between points of a landscape; a bead takes all its epochs where a pair does not connect."""
    assert model.landscape
    recipe, levels = model.strings, len(model.thresholds)
    gradient = GRADIENT * evaluation(model.landscape)
    trained = recipe.epochs * recipe.family.rounds * (STEP + pairs * TRAINED_BEADS * gradient)
    checked = pairs * BEADS * recipe.grid.of_segment * evaluation(model.landscape)
    return levels * (trained + checked)


def string_training(model: StringsModel, size: Size, samples: int, stacked: int) -> Training:
    """Strings of pairs of networks at falling thresholds: about one round of training, and a check of all, at each."""
    assert model.network
    recipe, levels = model.strings, len(model.thresholds)
    looked = size.train if model.level.of == "train" else size.test
    share = min(model.level.samples or looked, looked) / samples
    checked = BEADS * recipe.grid.of_segment
    return Training(
        model.network.size(size),
        size,
        samples,
        stacked,
        BEADS,
        TRAINED_BEADS,
        TRAINED_BEADS,
        min(recipe.batch_size, samples),
        recipe.epochs * levels,
        max(1, round(share * checked * levels)),
        1 if recipe.optimiser == "sgd" else 2,
    )
