"""What the papers report of convolutional networks on CIFAR10 and SVHN."""

from dataclasses import dataclass
from functools import partial

from lossbars import convolution_findings, generalisation_findings
from lossbars.findings import Check, Claim, Claims
from lossbars.texts import FIGURE_ONLY, MINIMA_COLUMNS, V1, V3

FIGURE_4 = f"{V3}, §4.2, fig. 4; {V1}, §2.2, fig. 4"
FIGURE_5 = f"{V3}, §4.2, fig. 5; {V1}, appendix, fig. 8"

CONVOLUTIONAL: Claims = [
    (
        Claim("channels-death", "Saddles fall with the channels of a single convolution.", FIGURE_4, FIGURE_ONLY),
        partial(convolution_findings.deaths_fall, along="channels"),
    ),
    (
        Claim("layers-death", "Saddles fall with the number of convolutions.", FIGURE_4, FIGURE_ONLY),
        partial(convolution_findings.deaths_fall, along="layers"),
    ),
    (
        Claim("batch-norm-minima", "With BatchNorm minima are lower, at every depth.", FIGURE_5, FIGURE_ONLY),
        partial(convolution_findings.batch_norm_lowers, what="minima"),
    ),
    (
        Claim("batch-norm-saddles", "With BatchNorm saddles are lower, at every depth.", FIGURE_5, FIGURE_ONLY),
        partial(convolution_findings.batch_norm_lowers, what="saddles"),
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
    own = VERSIONS[experiment]
    saddles = Claim(
        "type-1-higher", "Saddles of type 1 minima are always above those of type 2.", own.figure, FIGURE_ONLY
    )
    curves = Claim("within-across", "Maxima of the curves within the types and across.", f"{V1}, §3.2")
    return [
        (saddles, generalisation_findings.first_group_higher),
        (curves, generalisation_findings.curves_within_and_across),
        *(_row(own, column, group) for column in own.table for group in (0, 1)),
    ]
