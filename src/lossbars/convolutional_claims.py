"""What the papers report of convolutional networks on CIFAR10 and SVHN."""

from functools import partial

from lossbars import convolution_findings, generalisation_findings
from lossbars.findings import Check, Claim, Claims

V1, V3 = "Barannikov et al., Topological obstructions", "Barannikov et al., Loss barcode"
FIGURE_ONLY = "in the figure only"
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

# Table 7 of Loss barcode: column → (mean, std) of type 1 and of type 2; epochs of each are those of table 1.
TABLE_7 = {
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
EPOCHS = {"CIFAR10": (4500, 300), "SVHN": (1500, 100)}
NAMES = {
    "loss": "Train loss",
    "train_accuracy": "Train accuracy in %",
    "test_loss": "Test loss",
    "test_accuracy": "Test accuracy in %",
}


def _table_7(data: str) -> Claims:
    return [
        _row(data, column, group, mean, std)
        for column, types in TABLE_7[data].items()
        for group, (mean, std) in enumerate(types)
    ]


def _row(data: str, column: str, group: int, mean: str, std: str) -> tuple[Claim, Check]:
    name = f"{NAMES[column]} of minima of type {group + 1} on {data}."
    id = f"{column.replace('_', '-')}-type-{group + 1}"
    check = partial(
        generalisation_findings.group_against_table,
        group=group,
        column=column,
        mean=float(mean),
        std=float(std),
        epochs=EPOCHS[data][group],
    )
    return Claim(id, name, f"{V3}, appendix H, table 7", f"{mean} ± {std}"), check


def generalisation(data: str) -> Claims:
    """Claims on minima of two types, on ``CIFAR10`` or ``SVHN``."""
    source = f"{V3}, §5, fig. 6; {V1}, §3.2, fig. 5"
    saddles = Claim("type-1-higher", "Saddles of type 1 minima are always above those of type 2.", source, FIGURE_ONLY)
    curves = Claim("within-across", "Maxima of the curves within the types and across.", f"{V1}, §3.2", FIGURE_ONLY)
    return [
        (saddles, generalisation_findings.first_group_higher),
        (curves, generalisation_findings.curves_within_and_across),
        *_table_7(data),
    ]
