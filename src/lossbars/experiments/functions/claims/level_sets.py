"""Claims about level sets of small networks (Freeman & Bruna 2017, §2, and Tanner's lecture on the loss landscape).

Judged by the merged bars of optimised curves. A bar counts where it is longer than the tolerance that the recipe of the
curves states (column ``threshold``): minima that form a continuum are found as several places of one valley, and the
curve between two of them climbs a little. The height of a curve is an upper bound: one component is shown by a curve,
several are not proved by the lack of one.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from lossbars.claims.claim import Claims, Finding, judged_by, number, unmeasured
from lossbars.claims.papers import HALF_RECTIFIED, LECTURE, OURS
from lossbars.experiments.functions.claims.results import FunctionResults
from lossbars.landscapes.specs import PerceptronSpec
from lossbars.landscapes.toy_data import TASKS
from lossbars.plots.bars import finite, lengths, longest

UPPER = "curves bound the heights of saddles from above"
NEAR = 0.02  # of the loss of a net that says nothing, within which a saddle is the known one


class Net(NamedTuple):
    """A small network, and the merged bars of its optimised curves."""

    model: str
    landscape: PerceptronSpec
    bars: pd.DataFrame

    @property
    def hidden(self) -> int:
        """Units of the one hidden layer."""
        return self.landscape.hidden[0]


def nets(results: FunctionResults, activation: str) -> list[Net]:
    """Small networks with one hidden layer and this activation, that have optimised curves."""
    models = results.with_landscape(kind="perceptron", activation=activation, output="identity")
    several = [Net(model, results.models[model].landscape, results.barcode(model, "merged")) for model in models]
    return [net for net in several if len(net.bars) and len(net.landscape.hidden) == 1]


def ends(landscape: PerceptronSpec) -> int:
    """min(inputs, outputs) of the landscape's task."""
    x, y = TASKS[landscape.task]()
    return min(x.shape[1], y.shape[1])


def long(bars: pd.DataFrame) -> pd.DataFrame:
    """Finite bars that are longer than the tolerance."""
    return finite(bars)[lengths(finite(bars)) > finite(bars)["threshold"]]


def _said(bars: pd.DataFrame) -> str:
    """The bars that count, and of the others how many there are and how long they are at most."""
    counted = long(bars).sort_values("birth")
    tolerance = number(float(bars["threshold"].iloc[0]), 2)
    left = finite(bars).drop(counted.index)
    some = f"{len(left)} up to {number(longest(left), 2)}" if len(left) else "none"
    several = ", ".join(f"[{number(b)}, {number(d)}]" for b, d in counted[["birth", "death"]].to_numpy())
    return f"{f'half-line and {several}' if several else 'one half-line'} (within {tolerance}: {some})"


def linear_one_component(results: FunctionResults) -> Finding:
    """Whether linear networks with a wide hidden layer have no bar but the half-line."""
    wide = [net for net in nets(results, "identity") if net.hidden > ends(net.landscape)]
    texts = {model: _said(bars) for model, _, bars in wide}
    agree = all(long(bars).empty for _, _, bars in wide)
    detail = f"merged bars of curves; {UPPER}"
    return results.finding(texts, agree, detail, "curves of a linear net wider than its ends")


def rank_loss(landscape: PerceptronSpec, rank: int) -> float:
    """Least mean square error of a linear map of at most this rank (Eckart–Young, on the fitted values).

    y (m, q) is split into what x (m, p) explains, of which the leading ``rank`` directions are kept, and the rest.
    """
    x, y = (part.numpy() for part in TASKS[landscape.task]())
    fitted = x @ np.linalg.pinv(x) @ y
    lost = np.linalg.svd(fitted, compute_uv=False)[rank:]
    return float((np.sum((y - fitted) ** 2) + np.sum(lost**2)) / y.size)


def linear_narrow(results: FunctionResults) -> Finding:
    """Whether a linear net with h = inputs = outputs hidden units has two components, up to the best map of rank h − 1.

    Its determinants' signs are those of both layers; to change one sign without the other a path must be singular.
    """
    square = [
        net
        for net in nets(results, "identity")
        if net.hidden == ends(net.landscape) and net.landscape.error == "mse" and not net.landscape.weight_decay
    ]
    texts, agree = {}, True
    for model, landscape, bars in square:
        saddle, nothing = (rank_loss(landscape, rank) for rank in (ends(landscape) - 1, 0))
        tops = long(bars)["death"].to_numpy()
        agree &= len(tops) == 1 and abs(tops[0] - saddle) <= NEAR * nothing
        texts[model] = f"{_said(bars)}, against {number(saddle, 4)}"
    detail = f"the known saddle within {NEAR:.0%} of the loss of a net that returns 0; {UPPER}"
    needed = "curves of a linear net as narrow as its ends, without weight decay"
    return results.finding(texts, bool(agree), detail, needed)


def relu_several_components(results: FunctionResults) -> Finding:
    """Whether some ReLU network has several components at some level, though a linear one on the same task has one."""
    rectified = nets(results, "relu")
    if not rectified:
        return unmeasured("curves of a ReLU net")
    narrowest = min(net.hidden for net in rectified)
    narrow = [net for net in rectified if net.hidden == narrowest]
    texts = {model: _said(bars) for model, _, bars in narrow}
    several = all(len(long(bars)) for _, _, bars in narrow)
    detail = f"ReLU nets of {narrowest} hidden units; {UPPER}: a better curve may shorten a bar, so this is no proof"
    return Finding(results.each(texts), results.judged(several), detail)


def wider_fewer(results: FunctionResults) -> Finding:
    """Whether the widest ReLU network has fewer and shorter bars than a narrower one on the same loss."""
    by_loss: dict[tuple[Any, ...], list[Net]] = {}
    for net in nets(results, "relu"):
        loss = tuple(getattr(net.landscape, key) for key in ("task", "error", "biases", "weight_decay"))
        by_loss.setdefault(loss, []).append(net)
    compared = [sorted(several, key=lambda net: net.hidden) for several in by_loss.values()]
    compared = [several for several in compared if several[0].hidden < several[-1].hidden]
    if not compared:
        return unmeasured("curves of two ReLU nets of different widths on one loss")
    texts: dict[str, str] = {}
    fewer = True
    for several in compared:
        texts |= {model: _said(bars) for model, _, bars in several}
        narrow, wide = (long(several[place].bars) for place in (0, -1))
        fewer &= len(wide) < len(narrow) and longest(wide) < longest(narrow)
    return Finding(results.each(texts), results.judged(fewer), f"the narrowest against the widest; {UPPER}")


LEVEL_SET_CLAIMS: Claims = [
    judged_by(
        linear_one_component,
        "linear-one-component",
        "A linear network with more hidden units than inputs or outputs has one component at every level, and with "
        "two layers under weight decay too.",
        f'{HALF_RECTIFIED}, proposition 2.2; {LECTURE}, "linear network"',
        "1",
    ),
    judged_by(
        linear_narrow,
        "linear-narrow",
        "With no more hidden units than inputs and outputs it has two, up to the best map of lower rank.",
        f"{OURS}; the saddle follows from Eckart and Young",
    ),
    judged_by(
        relu_several_components,
        "relu-several-components",
        "On chosen data a ReLU network has more than one component: a model and its copy with permuted units are "
        "not connected (three permuted points, 2-3-2).",
        f'{HALF_RECTIFIED}, §2.3.1 and appendix E; {LECTURE}, "ReLU network"',
        "> 1",
    ),
    judged_by(
        wider_fewer,
        "relu-wider-fewer",
        "Over-parametrisation can connect the level sets of a ReLU network.",
        f'{LECTURE}, "Over parameterisation"; {HALF_RECTIFIED}, corollary 2.5',
        "1 if wide enough",
    ),
]
