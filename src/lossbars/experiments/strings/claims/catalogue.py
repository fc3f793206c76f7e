"""Claims about level sets and Dynamic String Sampling (Freeman & Bruna 2017).

How it is judged: :mod:`lossbars.experiments.strings.claims.findings`.
"""

from functools import partial

from lossbars.claims.claim import Claims, judged_by
from lossbars.claims.papers import HALF_RECTIFIED as PAPER
from lossbars.experiments.strings.claims.findings import (
    StringResults,
    all_connect,
    beads_grow,
    follows_power_law,
    has_spike,
    is_cubic,
    lowest_length,
    near_one,
    swapped_apart,
)
from lossbars.experiments.strings.config import StringSampling
from lossbars.experiments.strings.fits import CONNECTED, NEAR
from lossbars.workflow.settings import ClaimsSettings
from lossbars.workflow.work import Work

FIGURE_ONLY = "in figures only"

GENERAL: Claims = [
    judged_by(all_connect, "connects", "Pairs connect for every data set and architecture.", f"{PAPER}, §4"),
    judged_by(
        near_one,
        "near-one",
        "The normalised length is near 1 down to a threshold.",
        f"{PAPER}, §4, table 1",
        FIGURE_ONLY,
    ),
    judged_by(
        partial(follows_power_law, name="length", what="the mean length below the last threshold where it is near 1"),
        "length-power-law",
        "Below it, it grows approximately as a power law.",
        f"{PAPER}, §4.2, 4.3",
        FIGURE_ONLY,
    ),
    judged_by(beads_grow, "beads-grow", "The number of beads grows as the threshold falls.", f"{PAPER}, §4"),
    judged_by(
        partial(follows_power_law, name="beads", what="the mean number of beads, at the same thresholds"),
        "beads-power-law",
        "The number of beads grows approximately as a power law.",
        f"{PAPER}, §4.1",
    ),
]
CUBIC = judged_by(
    has_spike, "cubic-spike", "On the cubic task the length spikes while beads are few.", f"{PAPER}, §4.1", FIGURE_ONLY
)
OF_DATA = {
    "mnist": judged_by(
        partial(lowest_length, most=NEAR),
        "mnist-near-one",
        "On MNIST the length is very low even at low errors.",
        f"{PAPER}, §4.2",
        FIGURE_ONLY,
    ),
    "cifar10": judged_by(
        partial(lowest_length, most=None),
        "cifar10-above-one",
        "On CIFAR10 it is large at modest accuracies.",
        f"{PAPER}, §4.2",
        FIGURE_ONLY,
    ),
}
SWAPPED = judged_by(
    swapped_apart,
    "swapped-units",
    "A 2-3-2 network and its copy with two units swapped are not connected; with more units they are.",
    f"{PAPER}, §2.3, appendix E",
)


def results(work: Work[ClaimsSettings[StringSampling]]) -> StringResults:
    """The table of all answers."""
    return StringResults(work.settings, work.table("answers"))


def claims(experiment: str, config: StringSampling) -> Claims:  # noqa: ARG001
    """The claims that an experiment can speak to."""
    models = config.models.values()
    ends = {model.ends for model in models}
    checks = [*GENERAL] if "random" in ends else []
    checks += [CUBIC] if any(map(is_cubic, models)) else []
    checks += [OF_DATA[config.data]] if isinstance(config.data, str) and config.data in OF_DATA else []
    checks += [SWAPPED] if "swapped" in ends else []
    return checks


def budget(results: StringResults) -> str:
    """Pairs, thresholds and gradients in one line."""
    most = results.answers.groupby(["model", "pair"])["gradients"].max()
    tried = " or ".join(map(str, sorted({len(model.thresholds) for model in results.models.values()})))
    connected = (results.answers["answer"] == CONNECTED).sum()
    return (
        f"{results.config.pairs} pairs of each model, {tried} thresholds, {connected} connections, "
        f"{most.min():,} to {most.max():,} gradients of beads a pair"
    )
