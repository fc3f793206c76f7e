"""What the papers report of experiments on networks: which claims are asked of which experiment.

How a claim is judged is in the other modules of this folder.
"""

from dataclasses import replace
from functools import partial

from lossbars.claims.claim import Check, Claim, Claims
from lossbars.claims.papers import V1
from lossbars.experiments.networks.claims import modulo, path_optimisers
from lossbars.experiments.networks.claims.convolutional import CONVOLUTIONAL, VERSIONS, generalisation
from lossbars.experiments.networks.claims.deep import SHORTCUTS, TRANSFORMER, WIDE
from lossbars.experiments.networks.claims.depth import DEPTH
from lossbars.experiments.networks.claims.generic import GENERIC, against_table
from lossbars.experiments.networks.claims.results import Results
from lossbars.experiments.networks.claims.triangles import COMPLEX_SADDLES, ONE_SADDLE, REGIMES
from lossbars.experiments.networks.config import Experiment, Model
from lossbars.experiments.networks.embeddings.claims import EMBEDDINGS
from lossbars.workflow.blocks import base
from lossbars.workflow.settings import ClaimsSettings
from lossbars.workflow.work import Work

TABLE_14 = f"{V1}, appendix I, table 14"
LENET_EPOCHS = 50  # V1, table 7


def _table_14(id: str, name: str, column: str, mean: str, std: str) -> tuple[Claim, Check]:
    claim = Claim(id, f"{name} of the LeNet minima on FashionMNIST.", TABLE_14, f"{mean} ± {std}")
    check = partial(against_table, column=column, mean=float(mean), std=float(std), epochs=LENET_EPOCHS)
    return claim, check


LENET: Claims = [
    _table_14("train-loss", "Train loss, without L2 (the paper does not say which),", "loss", "0.1596", "0.0050"),
    _table_14(
        "train-loss-l2", "Train loss, with L2 (the paper does not say which),", "loss_with_l2", "0.1596", "0.0050"
    ),
    _table_14("test-loss", "Test loss", "test_loss", "0.2600", "0.0034"),
    _table_14("train-accuracy", "Train accuracy in %", "train_accuracy", "94.3204", "0.2578"),
    _table_14("test-accuracy", "Test accuracy in %", "test_accuracy", "90.7725", "0.2987"),
    REGIMES,
    ONE_SADDLE,
    COMPLEX_SADDLES,
]


def _not_in_papers(claims: Claims, data: str) -> Claims:
    return [
        (replace(claim, source=f"not in the papers; {claim.source}, asked of {data}", published="—"), check)
        for claim, check in claims
    ]


CLAIMS: dict[str, Claims] = {
    "digits": _not_in_papers([*DEPTH, ONE_SADDLE], "the bundled digits") + GENERIC,
    "fc-mnist": DEPTH + GENERIC,
    "fc-fmnist": DEPTH + GENERIC,
    "lenet-fmnist": LENET + GENERIC,
    "cnn-cifar10": CONVOLUTIONAL + GENERIC,
    "shortcuts-cifar10": SHORTCUTS + GENERIC,
    "wrn-cifar100": WIDE + GENERIC,
    "gpt-oscar": TRANSFORMER + GENERIC,
    **{experiment: generalisation(experiment) + GENERIC for experiment in VERSIONS},
}


def claims(experiment: str, config: Experiment) -> Claims:
    """The claims of an experiment; one that the papers do not have gets the generic ones."""
    models = config.models.values()
    asked = [*CLAIMS.get(experiment, GENERIC)]
    if any(len(plain_curves(model)) > 1 for model in models):
        asked.append((path_optimisers.CLAIM, path_optimisers.recipes_compared))
    if any(model.aligned for model in models):
        asked.append((modulo.CLAIM, modulo.modulo_permutations))
    return asked + (EMBEDDINGS if config.embeddings else [])


def plain_curves(model: Model) -> list[str]:
    """Kinds of a model's curves between its minima as they are."""
    return [kind for kind in model.kinds if base(kind) == "curves" and kind not in model.aligned]


def results(work: Work[ClaimsSettings[Experiment]]) -> Results:
    """The tables of an experiment."""
    return Results(
        work.settings,
        bars=work.table("bars"),
        minima=work.trained("minima"),
        curves=work.trained("curves"),
        aligned=work.trained("aligned"),
        triangles=work.trained("triangles"),
        robustness=work.tables("robustness"),
        embeddings=work.tables("embeddings"),
    )


def budget(results: Results) -> str:
    """Seeds, epochs and samples in one line; epochs as a range where models differ."""
    models = list(results.models.values())
    groups = max(len(model.groups) for model in models)
    parts = [f"{results.config.seeds} minima" + (f" of each of {groups} types" if groups else "")]
    for kind in ("minima", "curves", "triangles"):
        epochs = sorted({number for model in models for number in _epochs(model, kind)})
        if epochs:
            span = str(epochs[0]) if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}"
            parts.append(f"{span} {'epochs ' if len(parts) == 1 else ''}for {kind}")
    share, first = results.settings.scale["samples"], results.config.samples
    samples = f"the first {first} training samples" if first else "all training samples"
    parts.append(samples if share == 1 else f"{100 * share:g}% of {samples}")
    return ", ".join(parts)


def _epochs(model: Model, kind: str) -> list[int]:
    """Of every recipe for ``minima``, ``curves`` or ``triangles``."""
    if kind == "minima" and model.groups:
        return [group.minima.epochs for group in model.groups.values()]
    return [recipe.epochs for name, recipe in model.kinds.items() if base(name) == kind]
