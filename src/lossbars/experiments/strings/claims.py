"""What is claimed of level sets and Dynamic String Sampling. How it is judged: :mod:`.strings.findings`."""

from dataclasses import asdict
from functools import partial

import pandas as pd

from lossbars.claims.claim import COLUMNS, Claim
from lossbars.claims.papers import HALF_RECTIFIED as PAPER
from lossbars.experiments.strings.findings import (
    Check,
    StringResults,
    all_connect,
    beads_grow,
    follows_power_law,
    has_spike,
    lowest_length,
    near_one,
    swapped_apart,
)
from lossbars.experiments.strings.fits import CONNECTED, NEAR, beads_law, length_law

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


def claim_rows(results: StringResults) -> pd.DataFrame:
    """A row per claim that the experiment can speak to."""
    ends = {own["ends"] for own in results.models.values()}
    tasks = {(own.get("landscape") or {}).get("task") for own in results.models.values()}
    checks = [*GENERAL] if "random" in ends else []
    checks += [CUBIC] if "cubic" in tasks else []
    checks += [OF_DATA[data]] if (data := results.recipe["data"]) in OF_DATA else []
    checks += [SWAPPED] if "swapped" in ends else []
    own = {"experiment": results.experiment, "budget": budget(results)}
    rows = [own | asdict(claim) | asdict(check(results)) for claim, check in checks]
    return pd.DataFrame(rows, columns=COLUMNS)


def budget(results: StringResults) -> str:
    """Pairs, thresholds and gradients in one line."""
    most = results.answers.groupby(["model", "pair"])["gradients"].max()
    tried = " or ".join(map(str, sorted({len(own["thresholds"]) for own in results.models.values()})))
    connected = (results.answers["answer"] == CONNECTED).sum()
    return (
        f"{results.recipe['pairs']} pairs of each model, {tried} thresholds, {connected} connections, "
        f"{most.min():,} to {most.max():,} gradients of beads a pair"
    )
