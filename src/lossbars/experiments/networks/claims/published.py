"""Means over minima that the papers print in tables, against what was obtained."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from lossbars.claims.claim import AGREES, DIFFERS, INCOMPARABLE, Check, Claim, Claims, Finding, mean_and_std
from lossbars.claims.papers import MINIMA_COLUMNS, V1, V3
from lossbars.experiments.networks.claims.results import Results, unmeasured
from lossbars.experiments.networks.model import Model
from lossbars.networks.specs import NetworkSpec, ResNetSpec, WideResNetSpec
from lossbars.recipes import Minima
from lossbars.seeding import group_of


def against_table(
    results: Results,
    column: str,
    published: str,
    epochs: int,
    network: NetworkSpec | None = None,
    group: int | None = None,
) -> Finding:
    """The mean of ``column`` over minima against a ``published`` mean ± std of minima of so many epochs.

    Minima are those of one ``network``, of one ``group``, or all; models may share these, and each counts once.
    """
    minima, models = results.minima, list(results.models)
    if network is not None:
        models = [key for key in models if results.models[key].network == network][:1]
        minima = minima[minima["model"].isin(models)]
    elif group is not None:
        minima = minima[minima["seed"].map(group_of) == group]
    else:
        minima = minima.drop_duplicates(["seed", column])
    if minima.empty:
        return unmeasured("minima in groups" if network is None else "a model with that network")
    values = minima[column].to_numpy(dtype=np.float64)
    mean, std = map(float, published.split(" ± "))
    away = (values.mean() - mean) / std
    verdict = AGREES if abs(away) <= 2 else DIFFERS
    trained = {_minima(results.models[key], group).epochs for key in models}
    if trained != {epochs} or not results.all_samples:
        verdict = INCOMPARABLE
    of_all = network is None and group is None
    distance = f"{abs(away):.2f}" if of_all else f"{abs(away):.2g}"
    detail = f"{distance} published std {'above' if away > 0 else 'below'} the published mean"
    if of_all:
        detail = f"± is the std over minima; {detail}{_of_models(results, column)}"
    return Finding(mean_and_std(values, " minima"), verdict, detail)


def _minima(model: Model, group: int | None) -> Minima:
    """The recipe for a model's minima, or for those of one of its groups."""
    return model.minima if group is None else list(model.groups.values())[group].minima


def _of_models(results: Results, column: str) -> str:
    tables = {model: results.minima[results.minima["model"] == model] for model in results.models}
    texts = {model: mean_and_std(table[column]) for model, table in tables.items() if len(table)}
    return f"; {results.each(texts)}" if len(texts) > 1 else ""


def _row(id: str, claim: str, source: str, column: str, published: str, **known: Any) -> tuple[Claim, Check]:
    check = partial(against_table, column=column, published=published, **known)
    return Claim(id, claim, source, published), check


# LeNet on FashionMNIST, WideResNet-16-10 on CIFAR100 ---------------------------------------------

PLAIN, WITH_L2 = (f"Train loss, {how} L2 (the paper does not say which)," for how in ("without", "with"))
TABLE_14 = f"{V1}, appendix I, table 14"
TABLE_3, TABLE_6 = f"{V1}, §4, table 3", f"{V3}, appendix H, table 6"


def _lenet(id: str, name: str, column: str, published: str) -> tuple[Claim, Check]:
    return _row(id, f"{name} of the LeNet minima on FashionMNIST.", TABLE_14, column, published, epochs=50)


def _wide(id: str, name: str, source: str, column: str, published: str) -> tuple[Claim, Check]:
    network = WideResNetSpec(kind="wide-resnet", depth=16, width=10)
    return _row(id, f"{name} of the minima.", source, column, published, network=network, epochs=200)


LENET: Claims = [
    _lenet("train-loss", PLAIN, "data_loss", "0.1596 ± 0.0050"),
    _lenet("train-loss-l2", WITH_L2, "objective", "0.1596 ± 0.0050"),
    _lenet("test-loss", "Test loss", "test_loss", "0.2600 ± 0.0034"),
    _lenet("train-accuracy", "Train accuracy in %", "train_accuracy", "94.3204 ± 0.2578"),
    _lenet("test-accuracy", "Test accuracy in %", "test_accuracy", "90.7725 ± 0.2987"),
]
WIDE: Claims = [
    _wide("train-loss", PLAIN, TABLE_6, "data_loss", "0.00276 ± 0.00053"),
    _wide("train-loss-l2", WITH_L2, TABLE_6, "objective", "0.00276 ± 0.00053"),
    _wide("train-loss-v1", PLAIN, TABLE_3, "data_loss", "0.0072 ± 0.0007"),
    _wide("train-loss-l2-v1", WITH_L2, TABLE_3, "objective", "0.0072 ± 0.0007"),
    _wide("train-accuracy", "Train accuracy in %", TABLE_6, "train_accuracy", "99.98080 ± 0.00349"),
    _wide("train-accuracy-v1", "Train accuracy in %", TABLE_3, "train_accuracy", "99.9812 ± 0.0060"),
    _wide("test-loss", "Test loss", f"{TABLE_6}; {TABLE_3}", "test_loss", "0.90929 ± 0.01299"),
    _wide("test-accuracy", "Test accuracy in %", f"{TABLE_6}; {TABLE_3}", "test_accuracy", "77.92800 ± 0.26649"),
]

# Minima of two types on CIFAR10 and SVHN ---------------------------------------------------------

Row = tuple[str, str, str, str]  # train loss, train accuracy, test loss, test accuracy


@dataclass(frozen=True)
class TwoTypes:
    """A table of minima of two types: where it is, how many epochs each type was trained, and its rows."""

    source: str
    epochs: tuple[int, int]
    first: Row
    second: Row

    @property
    def claims(self) -> Claims:
        """A claim on each number, column by column."""
        claims = []
        for (column, name), *pair in zip(MINIMA_COLUMNS.items(), self.first, self.second, strict=True):
            for group, published in enumerate(pair):
                id, claim = f"{column.replace('_', '-')}-type-{group + 1}", f"{name} of minima of type {group + 1}."
                claims.append(_row(id, claim, self.source, column, published, group=group, epochs=self.epochs[group]))
        return claims


TWO_TYPES = {
    "resnet-cifar10": TwoTypes(
        f"{V3}, appendix H, table 7",
        (4500, 300),
        ("0.04926 ± 0.00687", "99.95300 ± 0.03544", "1.01237 ± 0.03886", "72.66125 ± 0.82658"),
        ("0.04865 ± 0.00120", "99.98925 ± 0.00386", "0.63170 ± 0.00770", "80.83000 ± 0.25070"),
    ),
    "resnet-svhn": TwoTypes(
        f"{V3}, appendix H, table 7",
        (1500, 100),
        ("0.00611 ± 0.00052", "99.99659 ± 0.00236", "0.42377 ± 0.01645", "89.99789 ± 0.37510"),
        ("0.00341 ± 0.00019", "99.99744 ± 0.00045", "0.23817 ± 0.01015", "94.22057 ± 0.17428"),
    ),
    "resnet-cifar10-flow": TwoTypes(
        f"{V1}, §3.2, table 1",
        (1500, 300),
        ("0.009 ± 0.001", "99.97 ± 0.02", "1.74 ± 0.058", "67.41 ± 0.93"),
        ("0.002 ± 0.0001", "99.99 ± 0.01", "1.32 ± 0.033", "75.74 ± 0.64"),
    ),
    "resnet-svhn-flow": TwoTypes(
        f"{V1}, §3.2, table 2",
        (1500, 100),
        ("0.008 ± 0.001", "99.98 ± 0.02", "0.53 ± 0.025", "88.12 ± 0.40"),
        ("0.001 ± 0.0001", "99.99 ± 0.01", "0.42 ± 0.015", "93.29 ± 0.19"),
    ),
}

# Residual networks with and without shortcuts on CIFAR10 -----------------------------------------

TABLE_8: dict[tuple[int, int, bool], Row] = {  # depth, width, whether with shortcuts
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


def resnet(depth: int, width: int, shortcuts: bool) -> ResNetSpec:
    """A network of the table."""
    return ResNetSpec(kind="resnet", depth=depth, width=width, shortcuts=shortcuts)


def _of_resnet(place: tuple[int, int, bool], column: str, published: str) -> tuple[Claim, Check]:
    depth, width, shortcuts = place
    name = (f"ResNet-{depth}" if width == 1 else f"WideResNet-{depth}-{width}") + ("" if shortcuts else "-NS")
    id, claim = f"{column.replace('_', '-')}-{name.lower()}", f"{MINIMA_COLUMNS[column]} of {name}."
    known: dict[str, Any] = {"network": resnet(*place), "epochs": SHORTCUT_EPOCHS}
    return _row(id, claim, f"{V3}, appendix H, table 8", column, published, **known)


RESNETS: Claims = [
    _of_resnet(place, column, published)
    for place, row in TABLE_8.items()
    for column, published in zip(MINIMA_COLUMNS, row, strict=True)
]
