"""Whether saddles fall with channels, with layers and with BatchNorm.

Barannikov et al., Loss barcode, §4.2; Topological obstructions, §2.2.
"""

import numpy as np

from lossbars.depth_findings import mean_death, subset_spread
from lossbars.findings import (
    FAILS,
    HOLDS,
    UNMEASURED,
    Finding,
    Results,
    each,
    finite,
    mean_and_std,
    number,
)
from lossbars.verdicts import falls


def convolutional(results: Results, batch_norm: bool) -> dict[tuple[int, int], str]:
    """Layers and channels → model, of those with or without BatchNorm."""
    nets = {key: own["network"] for key, own in results.models.items() if own["network"]["kind"] == "cnn"}
    return {(n["depth"], n["channels"]): key for key, n in nets.items() if n["batch_norm"] is batch_norm}


def deaths_fall(results: Results, along: str) -> Finding:
    """Whether the mean death falls with ``channels`` of one layer, or with ``layers`` of 32 channels, at each step."""
    models = convolutional(results, batch_norm=False) or convolutional(results, batch_norm=True)
    of_one = (lambda place: place[0] == 1) if along == "channels" else (lambda place: place[1] == 32)
    chosen = [models[place] for place in sorted(filter(of_one, models))]
    bars = {model: finite(results.bars, model, "direct") for model in chosen}
    if len(chosen) < 2 or any(own.empty for own in bars.values()):
        return Finding("—", UNMEASURED, "this needs finite bars of two networks or more")
    values = [mean_death(own) for own in bars.values()]
    spreads = [subset_spread(results.robustness, model, mean_death)[0] for model in chosen]
    texts = {model: f"{number(v)} ± {number(s, 2)}" for model, v, s in zip(chosen, values, spreads, strict=True)}
    verdict = results.qualified(falls(values, spreads))
    return Finding(
        each(results, texts), verdict, "mean death of the finite direct bars; ± is the std over subsets of minima"
    )


def batch_norm_lowers(results: Results, what: str) -> Finding:
    """Whether with BatchNorm the mean loss of the ``minima``, or of the ``saddles``, is lower for every network."""
    plain, normed = convolutional(results, batch_norm=False), convolutional(results, batch_norm=True)
    both = sorted(set(plain) & set(normed))
    texts, lower = [], []
    for place in both:
        one, two = (_losses(results, models[place], what) for models in (plain, normed))
        if not len(one) or not len(two):
            continue
        lower.append(two.mean() < one.mean())
        texts.append(f"{results.label(plain[place])}: {mean_and_std(one)}, with BatchNorm {mean_and_std(two)}")
    if not texts:
        return Finding("—", UNMEASURED, "this needs networks with and without BatchNorm")
    return Finding("; ".join(texts), results.qualified(HOLDS if all(lower) else FAILS), f"mean ± std of the {what}")


def _losses(results: Results, model: str, what: str) -> np.ndarray:
    if what == "minima":
        return results.minima.loc[results.minima["model"] == model, "loss"].to_numpy(dtype=np.float64)
    return finite(results.bars, model, "direct")["death"].to_numpy(dtype=np.float64)
