"""What is claimed of level sets and Dynamic String Sampling (Freeman & Bruna 2017).

How it is judged: :mod:`lossbars.experiments.strings.claims.findings`.
"""

from functools import partial

from lossbars.claims.claim import Check, Claim
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
from lossbars.experiments.strings.fits import CONNECTED, NEAR, beads_law, length_law
from lossbars.workflow.settings import ClaimsSettings
from lossbars.workflow.work import Work

FIGURE_ONLY = "in figures only"

GENERAL: list[tuple[Claim, Check]] = [
    (Claim("connects", "Pairs connect for every data set and architecture.", f"{PAPER}, §4"), all_connect),
    (
        Claim(
            "near-one",
            "The normalised length is near 1 down to a threshold.",
            f"{PAPER}, §4, table 1",
            FIGURE_ONLY,
        ),
        near_one,
    ),
    (
        Claim(
            "length-power-law",
            "Below it, it grows approximately as a power law.",
            f"{PAPER}, §4.2, 4.3",
            FIGURE_ONLY,
        ),
        partial(follows_power_law, law=length_law, what="the mean length below the last threshold where it is near 1"),
    ),
    (Claim("beads-grow", "The number of beads grows as the threshold falls.", f"{PAPER}, §4"), beads_grow),
    (
        Claim("beads-power-law", "The number of beads grows approximately as a power law.", f"{PAPER}, §4.1"),
        partial(follows_power_law, law=beads_law, what="the mean number of beads, at the same thresholds"),
    ),
]
CUBIC: tuple[Claim, Check] = (
    Claim(
        "cubic-spike",
        "On the cubic task the length spikes while beads are few.",
        f"{PAPER}, §4.1",
        FIGURE_ONLY,
    ),
    has_spike,
)
OF_DATA: dict[str, tuple[Claim, Check]] = {
    "mnist": (
        Claim(
            "mnist-near-one",
            "On MNIST the length is very low even at low errors.",
            f"{PAPER}, §4.2",
            FIGURE_ONLY,
        ),
        partial(lowest_length, most=NEAR),
    ),
    "cifar10": (
        Claim("cifar10-above-one", "On CIFAR10 it is large at modest accuracies.", f"{PAPER}, §4.2", FIGURE_ONLY),
        partial(lowest_length, most=None),
    ),
}
SWAPPED: tuple[Claim, Check] = (
    Claim(
        "swapped-units",
        "A 2-3-2 network and its copy with two units swapped are not connected; with more units they are.",
        f"{PAPER}, §2.3, appendix E",
    ),
    swapped_apart,
)


def results(work: Work[ClaimsSettings[StringSampling]]) -> StringResults:
    """The table of all answers."""
    return StringResults(work.settings, work.table("answers"))


def claims(experiment: str, config: StringSampling) -> list[tuple[Claim, Check]]:  # noqa: ARG001
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
        f"{results.settings.config.pairs} pairs of each model, {tried} thresholds, {connected} connections, "
        f"{most.min():,} to {most.max():,} gradients of beads a pair"
    )
