"""Saddles and minima of convolutional networks on CIFAR10 (Barannikov et al. 2022, §4.2)."""

from functools import partial

import numpy as np

from lossbars.claims.claim import Claims, Finding, mean_and_std, number
from lossbars.claims.papers import V1, V3
from lossbars.claims.verdicts import falls
from lossbars.experiments.networks.claims.depth import mean_death
from lossbars.experiments.networks.claims.results import Results, finite, in_figure, unmeasured
from lossbars.experiments.networks.uncertainty import uncertainty
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
    in_series = (lambda place: place[0] == 1) if along == "channels" else (lambda place: place[1] == 32)
    series = [models[place] for place in sorted(filter(in_series, models))]
    bars = {model: finite(results.bars, model, "direct") for model in series}
    if len(series) < 2 or any(rows.empty for rows in bars.values()):
        return unmeasured("finite bars of two networks or more")
    values = [mean_death(rows) for rows in bars.values()]
    spreads = [uncertainty(results.robustness, model, mean_death) for model in series]
    errors = [spread.error for spread in spreads]
    texts = {model: f"{number(v)}{s.text}" for model, v, s in zip(series, values, spreads, strict=True)}
    kinds = ", or ".join(dict.fromkeys(spread.kind for spread in spreads))
    detail = f"mean death of the finite direct bars; ±: {kinds}"
    return results.of_bars(texts, falls(values, errors), detail)


def batch_norm_lowers(results: Results, what: str) -> Finding:
    """Whether with BatchNorm the mean loss of the ``minima``, or of the ``saddles``, is lower for every network."""
    plain, normed = convolutional(results, batch_norm=False), convolutional(results, batch_norm=True)
    texts, lower = {}, []
    for place in sorted(set(plain) & set(normed)):
        without, with_norm = (_losses(results, models[place], what) for models in (plain, normed))
        if len(without) and len(with_norm):
            lower.append(with_norm.mean() < without.mean())
            texts[plain[place]] = f"{mean_and_std(without)}, with BatchNorm {mean_and_std(with_norm)}"
    if not texts:
        return unmeasured("networks with and without BatchNorm")
    return Finding(results.each(texts), results.judged(all(lower)), f"mean ± std of the {what}")


def _losses(results: Results, model: str, what: str) -> np.ndarray:
    if what == "minima":
        return results.minima.loc[results.minima["model"] == model, "data_loss"].to_numpy(dtype=np.float64)
    return finite(results.bars, model, "direct")["death"].to_numpy(dtype=np.float64)


FIGURE_4 = f"{V3}, §4.2, fig. 4; {V1}, §2.2, fig. 4"
FIGURE_5 = f"{V3}, §4.2, fig. 5; {V1}, appendix, fig. 8"
CONVOLUTIONAL: Claims = [
    *(
        in_figure(f"{along}-death", f"Saddles fall with the {words}.", FIGURE_4, partial(deaths_fall, along=along))
        for along, words in (("channels", "channels of a single convolution"), ("layers", "number of convolutions"))
    ),
    *(
        in_figure(
            f"batch-norm-{what}",
            f"With BatchNorm {what} are lower, at every depth.",
            FIGURE_5,
            partial(batch_norm_lowers, what=what),
        )
        for what in ("minima", "saddles")
    ),
]
