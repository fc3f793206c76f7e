"""What the papers report of convolutional networks on CIFAR10 and SVHN."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from lossbars.claims.claim import FAILS, HOLDS, UNMEASURED, Check, Claim, Claims, Finding, mean_and_std, number
from lossbars.claims.papers import FIGURE_ONLY, MINIMA_COLUMNS, V1, V3
from lossbars.claims.verdicts import falls
from lossbars.experiments.networks.claims import generalisation as generalisation_findings
from lossbars.experiments.networks.claims.depth import mean_death, subset_spread
from lossbars.experiments.networks.claims.results import Results, finite
from lossbars.networks.specs import CNNSpec


def convolutional(results: Results, batch_norm: bool) -> dict[tuple[int, int], str]:
    """Layers and channels → model, of those with or without BatchNorm."""
    networks = {key: model.network for key, model in results.models.items()}
    return {
        (network.depth, network.channels): key
        for key, network in networks.items()
        if isinstance(network, CNNSpec) and network.batch_norm is batch_norm
    }


def deaths_fall(results: Results, along: str) -> Finding:
    """Whether the mean death falls with ``channels`` of one layer, or with ``layers`` of 32 channels, at each step."""
    models = convolutional(results, batch_norm=False) or convolutional(results, batch_norm=True)
    of_one = (lambda place: place[0] == 1) if along == "channels" else (lambda place: place[1] == 32)
    chosen = [models[place] for place in sorted(filter(of_one, models))]
    bars = {model: finite(results.bars, model, "direct") for model in chosen}
    if len(chosen) < 2 or any(rows.empty for rows in bars.values()):
        return Finding("—", UNMEASURED, "this needs finite bars of two networks or more")
    values = [mean_death(rows) for rows in bars.values()]
    spreads = [subset_spread(results.robustness, model, mean_death)[0] for model in chosen]
    texts = {model: f"{number(v)} ± {number(s, 2)}" for model, v, s in zip(chosen, values, spreads, strict=True)}
    verdict = results.qualified(falls(values, spreads))
    return Finding(
        results.each(texts), verdict, "mean death of the finite direct bars; ± is the std over subsets of minima"
    )


def batch_norm_lowers(results: Results, what: str) -> Finding:
    """Whether with BatchNorm the mean loss of the ``minima``, or of the ``saddles``, is lower for every network."""
    plain, normed = convolutional(results, batch_norm=False), convolutional(results, batch_norm=True)
    both = sorted(set(plain) & set(normed))
    texts, lower = {}, []
    for place in both:
        one, two = (_losses(results, models[place], what) for models in (plain, normed))
        if not len(one) or not len(two):
            continue
        lower.append(two.mean() < one.mean())
        texts[plain[place]] = f"{mean_and_std(one)}, with BatchNorm {mean_and_std(two)}"
    if not texts:
        return Finding("—", UNMEASURED, "this needs networks with and without BatchNorm")
    return Finding(results.each(texts), results.qualified(HOLDS if all(lower) else FAILS), f"mean ± std of the {what}")


def _losses(results: Results, model: str, what: str) -> np.ndarray:
    if what == "minima":
        return results.minima.loc[results.minima["model"] == model, "loss"].to_numpy(dtype=np.float64)
    return finite(results.bars, model, "direct")["death"].to_numpy(dtype=np.float64)


FIGURE_4 = f"{V3}, §4.2, fig. 4; {V1}, §2.2, fig. 4"
FIGURE_5 = f"{V3}, §4.2, fig. 5; {V1}, appendix, fig. 8"

CONVOLUTIONAL: Claims = [
    (
        Claim("channels-death", "Saddles fall with the channels of a single convolution.", FIGURE_4, FIGURE_ONLY),
        partial(deaths_fall, along="channels"),
    ),
    (
        Claim("layers-death", "Saddles fall with the number of convolutions.", FIGURE_4, FIGURE_ONLY),
        partial(deaths_fall, along="layers"),
    ),
    (
        Claim("batch-norm-minima", "With BatchNorm minima are lower, at every depth.", FIGURE_5, FIGURE_ONLY),
        partial(batch_norm_lowers, what="minima"),
    ),
    (
        Claim("batch-norm-saddles", "With BatchNorm saddles are lower, at every depth.", FIGURE_5, FIGURE_ONLY),
        partial(batch_norm_lowers, what="saddles"),
    ),
]

# Column → (mean, std) of type 1 and of type 2.
Table = dict[str, tuple[tuple[str, str], tuple[str, str]]]
TABLE_7: dict[str, Table] = {
    "CIFAR10": {
        "loss": (("0.04926", "0.00687"), ("0.04865", "0.00120")),
        "train_accuracy": (("99.95300", "0.03544"), ("99.98925", "0.00386")),
        "test_loss": (("1.01237", "0.03886"), ("0.63170", "0.00770")),
        "test_accuracy": (("72.66125", "0.82658"), ("80.83000", "0.25070")),
    },
    "SVHN": {
        "loss": (("0.00611", "0.00052"), ("0.00341", "0.00019")),
        "train_accuracy": (("99.99659", "0.00236"), ("99.99744", "0.00045")),
        "test_loss": (("0.42377", "0.01645"), ("0.23817", "0.01015")),
        "test_accuracy": (("89.99789", "0.37510"), ("94.22057", "0.17428")),
    },
}
TABLES_1_2: dict[str, Table] = {
    "CIFAR10": {
        "loss": (("0.009", "0.001"), ("0.002", "0.0001")),
        "train_accuracy": (("99.97", "0.02"), ("99.99", "0.01")),
        "test_loss": (("1.74", "0.058"), ("1.32", "0.033")),
        "test_accuracy": (("67.41", "0.93"), ("75.74", "0.64")),
    },
    "SVHN": {
        "loss": (("0.008", "0.001"), ("0.001", "0.0001")),
        "train_accuracy": (("99.98", "0.02"), ("99.99", "0.01")),
        "test_loss": (("0.53", "0.025"), ("0.42", "0.015")),
        "test_accuracy": (("88.12", "0.40"), ("93.29", "0.19")),
    },
}


@dataclass(frozen=True)
class Version:
    """One of the two texts: where it says what, and how long it trained the minima of either type."""

    figure: str
    source: str
    table: Table
    epochs: tuple[int, int]


VERSIONS = {
    "resnet-cifar10": Version(f"{V3}, §5, fig. 6", f"{V3}, appendix H, table 7", TABLE_7["CIFAR10"], (4500, 300)),
    "resnet-svhn": Version(f"{V3}, §5, fig. 6", f"{V3}, appendix H, table 7", TABLE_7["SVHN"], (1500, 100)),
    "resnet-cifar10-flow": Version(f"{V1}, §3.2, fig. 5", f"{V1}, §3.2, table 1", TABLES_1_2["CIFAR10"], (1500, 300)),
    "resnet-svhn-flow": Version(f"{V1}, §3.2, fig. 5", f"{V1}, §3.2, table 2", TABLES_1_2["SVHN"], (1500, 100)),
}


def _row(version: Version, column: str, group: int) -> tuple[Claim, Check]:
    mean, std = version.table[column][group]
    check = partial(
        generalisation_findings.group_against_table,
        group=group,
        column=column,
        mean=float(mean),
        std=float(std),
        epochs=version.epochs[group],
    )
    id = f"{column.replace('_', '-')}-type-{group + 1}"
    return Claim(
        id, f"{MINIMA_COLUMNS[column]} of minima of type {group + 1}.", version.source, f"{mean} ± {std}"
    ), check


def generalisation(experiment: str) -> Claims:
    """Claims on minima of two types, by the text that an experiment follows."""
    version = VERSIONS[experiment]
    saddles = Claim(
        "type-1-higher", "Saddles of type 1 minima are always above those of type 2.", version.figure, FIGURE_ONLY
    )
    curves = Claim("within-across", "Maxima of the curves within the types and across.", f"{V1}, §3.2")
    return [
        (saddles, generalisation_findings.first_group_higher),
        (curves, generalisation_findings.curves_within_and_across),
        *(_row(version, column, group) for column in version.table for group in (0, 1)),
    ]
