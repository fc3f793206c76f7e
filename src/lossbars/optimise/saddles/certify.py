"""Certified saddles: from the highest places of curves to saddles of index 1, and from these down to minima.

A curve's maximum is an upper bound of the saddle between its ends. It is certified when a critical point with exactly
one negative eigenvalue is found from it that is not higher, and when both descents from there end in minima. Where a
descent ends in a minimum that was not given, that minimum is found. All of it is computed in float64.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from lossbars.hessian.derivatives import RECORD, Batches
from lossbars.landscape import Landscape
from lossbars.optimise.saddles.certificates import DEFAULT, Certified, Certifying
from lossbars.optimise.saddles.certified_descent import LossInBox
from lossbars.optimise.saddles.climb import Tops, climb
from lossbars.optimise.saddles.descents import descend_from_given, descend_from_saddles, gradient_scales
from lossbars.optimise.saddles.examination import Examination
from lossbars.optimise.saddles.minimum_names import MinimumNames

Box = Sequence[tuple[float, float]]


def certify(
    landscape: Landscape,
    tops: Float[Tensor, "n d"],
    minima: Float[Tensor, "m d"],
    *,
    batches: Batches = RECORD,
    box: Box | None = None,
    settings: Certifying = DEFAULT,
    report: Callable[[str], None] | None = None,
) -> Certified:
    """Climb from each top to a saddle, examine it, and descend from it on both sides.

    ``tops`` are places near saddles, such as the maxima of curves between the m ≥ 1 given ``minima``. The function is
    the mean loss over all samples of ``batches``, which a network needs (its loss of record has no second derivatives),
    or the loss of record. With a ``box`` descents stay inside, and minima on its faces count; a saddle must lie inside.
    Each given minimum is followed down as well, so that an end is known by the minimum that both lead to. Raises
    ValueError where no minimum is given.
    """
    if not len(minima):
        raise ValueError("certify: at least one minimum is needed, for distances to be measured in")
    objective = loss_in_box(landscape, minima.double(), batches, box)
    starts = Tops.of(objective, settings, tops.double(), minima.double())
    saddles = climb(starts, report)
    if report:
        report(f"climbed from {len(tops)} tops")
    ends = descend_from_saddles(starts, saddles)
    if report:
        report(f"descended from {len(tops)} saddles")
    scales = gradient_scales(starts, saddles)
    given = descend_from_given(starts, float(scales.median()) if len(tops) else 1.0)
    names = MinimumNames(objective, settings, given.theta, given.value)
    certificates = Examination(starts, saddles, ends, names).certificates()
    places = torch.cat([starts.given, names.places[len(minima) :]])
    values = torch.cat([objective.value(starts.given), names.values[len(minima) :]])
    return Certified(certificates, places, values, len(minima), tuple(names.found_by))


def loss_in_box(landscape: Landscape, like: Tensor, batches: Batches, box: Box | None) -> LossInBox:
    """The mean loss over ``batches``, on a box where there is one."""
    sides = like.new_tensor(box) if box is not None else like.new_tensor([[-torch.inf, torch.inf]] * like.shape[1])
    return LossInBox(landscape, sides[:, 0], sides[:, 1], batches)
