"""What the papers report: a claim per row, put beside what was obtained.

Tables of one experiment in, a table out. How a claim is judged is in :mod:`lossbars.claims.claim`.
"""

from dataclasses import asdict, replace
from functools import partial
from typing import Any

import pandas as pd

from lossbars.claims.claim import COLUMNS, Claim
from lossbars.claims.papers import FIGURE_ONLY, V1, V3
from lossbars.experiments.networks.claims import depth as depth_findings
from lossbars.experiments.networks.claims import generic as findings
from lossbars.experiments.networks.claims import modulo as modulo_findings
from lossbars.experiments.networks.claims import path_optimisers as path_findings
from lossbars.experiments.networks.claims.convolutional import CONVOLUTIONAL, VERSIONS, generalisation
from lossbars.experiments.networks.claims.deep import SHORTCUTS, TRANSFORMER, WIDE
from lossbars.experiments.networks.claims.generic import Check, Claims, Results
from lossbars.experiments.networks.claims.triangles import COMPLEX_SADDLES, ONE_SADDLE, REGIMES
from lossbars.experiments.networks.embeddings import claims as embedding_findings
from lossbars.workflow.blocks import base

DEFINITION = "a definition, not a claim of the papers"
GENERIC: Claims = [
    (Claim("minima", "Number of minima.", DEFINITION), findings.count_minima),
    (
        Claim("to-score-direct", "TO-score of the direct barcode (Algorithm 1).", f"{V3}, §3.4, definition 3"),
        partial(findings.to_scores, convention="direct"),
    ),
    (
        Claim("to-score-merged", "TO-score of the merged barcode (Algorithm 2, r = 0).", f"{V3}, §3.4, definition 3"),
        partial(findings.to_scores, convention="merged"),
    ),
    (
        Claim(
            "direct-above-merged",
            "No merged bar ends above the direct bar of the same minimum.",
            "follows from the definitions",
        ),
        findings.direct_above_merged,
    ),
]

DEPTH: Claims = [
    (
        Claim(
            "depth-to-score",
            "The TO-score (√2, direct) falls with the number of hidden layers.",
            f"{V3}, §4.1, fig. 3; {V1}, §2.1, fig. 3",
            FIGURE_ONLY,
        ),
        partial(depth_findings.falls_with_depth, measure=depth_findings.to_score),
    ),
    (
        Claim(
            "depth-length",
            "Bars get shorter as depth grows (mean length of the finite direct bars).",
            f"{V3}, §4.1, fig. 2; {V1}, §2.1, fig. 2",
            FIGURE_ONLY,
        ),
        partial(depth_findings.falls_with_depth, measure=depth_findings.mean_length),
    ),
    (
        Claim(
            "depth-death",
            "Bars get lower as depth grows (mean death of the finite direct bars).",
            f"{V3}, §4.1, fig. 2; {V1}, §2.1, fig. 2",
            FIGURE_ONLY,
        ),
        partial(depth_findings.falls_with_depth, measure=depth_findings.mean_death),
    ),
    (
        Claim(
            "curve-maxima",
            "Mean and std of the maxima of the optimised curves (published for 2, 3 and 4 layers).",
            f"{V3}, appendix E, fig. 18; {V1}, appendix H, fig. 13",
            FIGURE_ONLY,
        ),
        depth_findings.curve_maxima,
    ),
]

TABLE_14 = f"{V1}, appendix I, table 14"
LENET_EPOCHS = 50  # topological-obstructions.txt, table 7


def _table_14(id: str, name: str, column: str, mean: str, std: str) -> tuple[Claim, Check]:
    claim = Claim(id, f"{name} of the LeNet minima on FashionMNIST.", TABLE_14, f"{mean} ± {std}")
    check = partial(findings.against_table, column=column, mean=float(mean), std=float(std), epochs=LENET_EPOCHS)
    return claim, check


RECIPES: tuple[Claim, Check] = (
    Claim("recipes", "Curves of the same pairs by several recipes.", "not in the papers"),
    path_findings.recipes_compared,
)
MODULO: tuple[Claim, Check] = (
    Claim("modulo-permutations", "Barcodes modulo permutations of units, beside the plain ones.", "not in the papers"),
    modulo_findings.modulo_permutations,
)

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


EMBEDDINGS: Claims = [
    (embedding_findings.PRESERVED, embedding_findings.preserved),
    (embedding_findings.LOWER, embedding_findings.lower),
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


def claim_rows(results: Results) -> pd.DataFrame:
    """A row per claim; an experiment that the papers do not have gets the generic rows."""
    own = {"experiment": results.experiment, "budget": budget(results.recipe)}
    claims = CLAIMS.get(results.experiment, GENERIC)
    if any(sum(base(kind) == "curves" for kind in plain_recipes(model)) > 1 for model in results.models.values()):
        claims = [*claims, RECIPES]
    if len(results.aligned):
        claims = [*claims, MODULO]
    if results.recipe.get("embeddings"):
        claims = [*claims, *EMBEDDINGS]
    return pd.DataFrame([own | asdict(claim) | asdict(check(results)) for claim, check in claims], columns=COLUMNS)


def plain_recipes(model: dict[str, Any]) -> list[str]:
    """Kinds of a model's curves and triangles whose corners are the minima as they are."""
    return [kind for kind in model["recipes"] if model.get(kind, {}).get("align", "none") == "none"]


def budget(recipe: dict[str, Any]) -> str:
    """Seeds, epochs and samples in one line; epochs as a range where models differ."""
    models = list(recipe["models"].values())
    groups = max(len(own.get("groups", ())) for own in models)
    parts = [f"{recipe['seeds']} minima" + (f" of each of {groups} types" if groups else "")]
    for kind in ("minima", "curves", "triangles"):
        epochs = sorted({number for own in models for number in _epochs(own, kind)})
        if epochs:
            span = str(epochs[0]) if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}"
            parts.append(f"{span} {'epochs ' if len(parts) == 1 else ''}for {kind}")
    share, first = recipe["scale"]["samples"], recipe.get("samples")
    whole = f"the first {first} training samples" if first else "all training samples"
    parts.append(whole if share == 1 else f"{100 * share:g}% of {whole}")
    return ", ".join(parts)


def _epochs(model: dict[str, Any], kind: str) -> list[int]:
    """Of every recipe for ``minima``, ``curves`` or ``triangles``."""
    if kind == "minima" and model.get("groups"):
        return [own["minima"]["epochs"] for own in model["groups"]]
    return [own["epochs"] for name, own in model.items() if base(name) == kind]
