"""What the papers report of deep, wide and transformer networks."""

from dataclasses import replace
from functools import partial
from typing import Any, Literal, get_args

from lossbars.claims.claim import Check, Claim, Claims
from lossbars.claims.papers import FIGURE_ONLY, MINIMA_COLUMNS, V1, V3
from lossbars.experiments.networks.claims import robustness as robustness_findings
from lossbars.experiments.networks.claims import shortcuts as shortcut_findings
from lossbars.experiments.networks.claims import transformer as transformer_findings
from lossbars.experiments.networks.claims.depth import mean_death, mean_length
from lossbars.experiments.networks.claims.triangles import COMPLEX_SADDLES, ONE_SADDLE, REGIMES
from lossbars.networks.specs import ResNetSpec, WideResNetSpec

MEASURES = {"length": ("get shorter", "get longer", mean_length), "death": ("get lower", "get higher", mean_death)}
KINDS = {True: ("", "with shortcuts"), False: ("-ns", "without shortcuts")}

# Networks with and without shortcuts on CIFAR10 --------------------------------------------------

FIGURE_7 = f"{V3}, §6, fig. 7"
Along = Literal["depth", "width"]


def _moves(along: Along, shortcuts: bool, what: str) -> tuple[Claim, Check]:
    suffix, kind = KINDS[shortcuts]
    up = along == "depth" and not shortcuts
    down_words, up_words, measure = MEASURES[what]
    statement = f"Bars {up_words if up else down_words} with {along}, {kind} (mean {what} of the finite direct bars)."
    check = partial(shortcut_findings.moves, shortcuts=shortcuts, along=along, measure=measure, up=up)
    return Claim(f"{along}-{what}{suffix}", statement, FIGURE_7, FIGURE_ONLY), check


def _resnet(depth: int, width: int, shortcuts: bool) -> ResNetSpec:
    return ResNetSpec(kind="resnet", depth=depth, width=width, shortcuts=shortcuts)


WORST = _resnet(110, 1, shortcuts=False)
LARGEST: Claims = [
    (
        Claim(f"largest-{what}", f"ResNet-110-NS has the largest bars (mean {what}).", FIGURE_7, FIGURE_ONLY),
        partial(shortcut_findings.has_largest_bars, network=WORST, measure=measure),
    )
    for what, (_, _, measure) in MEASURES.items()
]
LARGEST_ERROR: tuple[Claim, Check] = (
    Claim("largest-test-error", "ResNet-110-NS has the largest test error.", f"{V3}, §6, table 8"),
    partial(shortcut_findings.has_largest_test_error, network=WORST),
)

TABLE_8 = {  # (depth, width, shortcuts) → train loss, train accuracy, test loss, test accuracy
    (20, 1, True): ("0.01139 ± 0.00014", "99.89133 ± 0.00340", "0.26323 ± 0.00315", "92.80000 ± 0.07071"),
    (20, 1, False): ("0.01694 ± 0.00077", "99.69533 ± 0.01914", "0.32643 ± 0.00856", "91.58667 ± 0.17016"),
    (56, 1, True): ("0.00211 ± 0.00009", "99.99067 ± 0.00525", "0.25668 ± 0.00805", "93.96667 ± 0.21746"),
    (56, 1, False): ("0.01638 ± 0.00109", "99.54000 ± 0.02903", "0.48965 ± 0.00660", "89.08667 ± 0.13123"),
    (110, 1, True): ("0.00128 ± 0.00002", "99.99533 ± 0.00094", "0.26657 ± 0.00586", "94.12333 ± 0.15173"),
    (110, 1, False): ("0.15296 ± 0.05768", "94.91733 ± 1.89809", "0.65718 ± 0.08450", "82.60000 ± 1.09044"),
    (56, 2, True): ("0.00099 ± 0.00017", "99.99867 ± 0.00094", "0.21582 ± 0.01029", "95.00000 ± 0.12028"),
    (56, 2, False): ("0.00190 ± 0.00010", "99.98800 ± 0.00283", "0.40339 ± 0.00455", "91.99667 ± 0.06600"),
}
SHORTCUT_EPOCHS = 300  # of the recipe that section 6 follows (Li et al. 2018)


def _row(id: str, name: str, source: str, published: str, **known: Any) -> tuple[Claim, Check]:
    mean, std = map(float, published.split(" ± "))
    check = partial(shortcut_findings.network_against_table, mean=mean, std=std, **known)
    return Claim(id, name, source, published), check


def _table_8(place: tuple[int, int, bool], column: str, published: str) -> tuple[Claim, Check]:
    depth, width, shortcuts = place
    name = f"{'ResNet' if width == 1 else 'WideResNet'}-{depth}{f'-{width}' if width > 1 else ''}"
    name += "" if shortcuts else "-NS"
    id = f"{column.replace('_', '-')}-{name.lower()}"
    known = {"network": _resnet(*place), "column": column, "epochs": SHORTCUT_EPOCHS}
    return _row(id, f"{MINIMA_COLUMNS[column]} of {name}.", f"{V3}, appendix H, table 8", published, **known)


SHORTCUTS: Claims = [
    *(_moves(along, shortcuts, what) for along in get_args(Along) for shortcuts in KINDS for what in MEASURES),
    *LARGEST,
    LARGEST_ERROR,
    *(
        _table_8(place, column, published)
        for place, row in TABLE_8.items()
        for column, published in zip(MINIMA_COLUMNS, row, strict=True)
    ),
]

# WideResNet-16-10 on CIFAR100 --------------------------------------------------------------------

TABLE_3, TABLE_6 = f"{V1}, §4, table 3", f"{V3}, appendix H, table 6"
UNSAID = "(the paper does not say which)"


def _wide(id: str, name: str, source: str, column: str, published: str) -> tuple[Claim, Check]:
    network = WideResNetSpec(kind="wide-resnet", depth=16, width=10)
    return _row(id, f"{name} of the minima.", source, published, network=network, column=column, epochs=200)


def _sourced(one: tuple[Claim, Check], **changes: str) -> tuple[Claim, Check]:
    return replace(one[0], **changes), one[1]


FIGURE_6B, FIGURE_7_V1 = f"{V1}, §4, fig. 6b", f"{V1}, §4, fig. 7"
WIDE: Claims = [
    _wide("train-loss", f"Train loss, without L2 {UNSAID},", TABLE_6, "loss", "0.00276 ± 0.00053"),
    _wide("train-loss-l2", f"Train loss, with L2 {UNSAID},", TABLE_6, "loss_with_l2", "0.00276 ± 0.00053"),
    _wide("train-loss-v1", f"Train loss, without L2 {UNSAID},", TABLE_3, "loss", "0.0072 ± 0.0007"),
    _wide("train-loss-l2-v1", f"Train loss, with L2 {UNSAID},", TABLE_3, "loss_with_l2", "0.0072 ± 0.0007"),
    _wide("train-accuracy", "Train accuracy in %", TABLE_6, "train_accuracy", "99.98080 ± 0.00349"),
    _wide("train-accuracy-v1", "Train accuracy in %", TABLE_3, "train_accuracy", "99.9812 ± 0.0060"),
    _wide("test-loss", "Test loss", f"{TABLE_6}; {TABLE_3}", "test_loss", "0.90929 ± 0.01299"),
    _wide("test-accuracy", "Test accuracy in %", f"{TABLE_6}; {TABLE_3}", "test_accuracy", "77.92800 ± 0.26649"),
    _sourced(ONE_SADDLE, source=f"{V1}, appendix I, fig. 15; fig. 6b"),
    _sourced(COMPLEX_SADDLES, source=FIGURE_6B, published=FIGURE_ONLY),
    _sourced(REGIMES, source=f"not in the papers; {V1}, appendix I, fig. 16, asked of this network", published="—"),
    (
        Claim(
            "saddles-over-sets",
            "Mean and std of each minimum's saddle over sets of minima.",
            f"{FIGURE_7_V1}a",
            FIGURE_ONLY,
        ),
        robustness_findings.saddles_over_sets,
    ),
    (
        Claim("saddle-over-sizes", "The same of one minimum against the sets' size.", f"{FIGURE_7_V1}b", FIGURE_ONLY),
        robustness_findings.saddle_over_sizes,
    ),
]

# A transformer on OSCAR --------------------------------------------------------------------------

TRANSFORMER: Claims = [
    (
        Claim("two-levels", "There are two levels of quality among the minima.", f"{V3}, §7, fig. 9", FIGURE_ONLY),
        transformer_findings.two_levels,
    ),
    (
        Claim("barriers", "A large barrier remains between the minima.", f"{V3}, §7, fig. 8, 9", FIGURE_ONLY),
        transformer_findings.barriers_remain,
    ),
]
