"""What strings on landscapes cost. Loads no torch."""

from lossbars.experiments.strings.config import StringsModel
from lossbars.workflow.landscape_costs import GRADIENT, STEP, evaluation
from lossbars.workflow.training_costs import BEADS, TRAINED_BEADS


def string_seconds(own: StringsModel, pairs: int) -> float:
    """Of strings between pairs of points of a landscape; a bead takes all its epochs where a pair does not connect."""
    assert own.landscape
    recipe, levels = own.strings, len(own.thresholds)
    gradient = GRADIENT * evaluation(own.landscape)
    trained = recipe.epochs * recipe.family.rounds * (STEP + pairs * TRAINED_BEADS * gradient)
    checked = pairs * BEADS * (recipe.grid.between + 2 * recipe.grid.refinements) * evaluation(own.landscape)
    return levels * (trained + checked)
