"""What the papers report of experiments on networks: which claims are asked of which experiment.

How a claim is judged is in the other modules of this folder.
"""

from dataclasses import replace

from lossbars.claims.claim import Check, Claim, Claims
from lossbars.claims.papers import FIGURE_ONLY, V1
from lossbars.experiments.networks.claims.certificates import CERTIFICATES
from lossbars.experiments.networks.claims.convolutional import CONVOLUTIONAL
from lossbars.experiments.networks.claims.depth import DEPTH
from lossbars.experiments.networks.claims.generalisation import two_types
from lossbars.experiments.networks.claims.generic import GENERIC
from lossbars.experiments.networks.claims.published import LENET, TWO_TYPES, WIDE
from lossbars.experiments.networks.claims.recipes import PERMUTATIONS, RECIPES
from lossbars.experiments.networks.claims.results import Results
from lossbars.experiments.networks.claims.robustness import ROBUSTNESS
from lossbars.experiments.networks.claims.shortcuts import SHORTCUTS
from lossbars.experiments.networks.claims.transformer import TRANSFORMER
from lossbars.experiments.networks.claims.triangles import COMPLEX_SADDLES, ONE_SADDLE, REGIMES
from lossbars.experiments.networks.config import Experiment
from lossbars.experiments.networks.embeddings.claims import EMBEDDINGS
from lossbars.experiments.networks.model import Model
from lossbars.workflow.blocks import base
from lossbars.workflow.settings import ClaimsSettings
from lossbars.workflow.work import Work


def _sourced(claim_and_check: tuple[Claim, Check], **changes: str) -> tuple[Claim, Check]:
    """A claim that is asked of another experiment than the one that the paper makes it of."""
    claim, check = claim_and_check
    return replace(claim, **changes), check


def _not_in_papers(claims: Claims, asked_of: str) -> Claims:
    return [
        _sourced(one, source=f"not in the papers; {one[0].source}, asked of {asked_of}", published="—")
        for one in claims
    ]


CLAIMS: dict[str, Claims] = {
    "digits": _not_in_papers([*DEPTH, ONE_SADDLE], "the bundled digits"),
    "fc-mnist": DEPTH,
    "fc-fmnist": DEPTH,
    "lenet-fmnist": [*LENET, REGIMES, ONE_SADDLE, COMPLEX_SADDLES],
    "cnn-cifar10": CONVOLUTIONAL,
    "shortcuts-cifar10": SHORTCUTS,
    "wrn-cifar100": [
        *WIDE,
        _sourced(ONE_SADDLE, source=f"{V1}, appendix I, fig. 15; fig. 6b"),
        _sourced(COMPLEX_SADDLES, source=f"{V1}, §4, fig. 6b", published=FIGURE_ONLY),
        *_not_in_papers([REGIMES], "this network"),
        *ROBUSTNESS,
    ],
    "gpt-oscar": TRANSFORMER,
    **{experiment: two_types(experiment) for experiment in TWO_TYPES},
}


def claims(experiment: str, config: Experiment) -> Claims:
    """The claims of an experiment; one that the papers do not have gets the generic ones."""
    models = config.models.values()
    asked = [*CLAIMS.get(experiment, []), *GENERIC]
    if any(len(plain_curves(model)) > 1 for model in models):
        asked.append(RECIPES)
    if any(model.aligned for model in models):
        asked.append(PERMUTATIONS)
    if all(model.certificates for model in models):
        asked += CERTIFICATES
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
