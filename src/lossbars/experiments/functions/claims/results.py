"""The bars of an experiment on functions, as its claims read them."""

from dataclasses import dataclass

import pandas as pd

from lossbars.claims.claim import Finding, judged_by, unmeasured
from lossbars.experiments.functions.bar_tables import TOLERANCE
from lossbars.experiments.functions.config import Functions
from lossbars.plots.bars import SHARE
from lossbars.workflow.claims_results import Results

NOISE = f"bars no longer than {SHARE:.0%} of the longest finite one are left out"
WITHIN = f"within {TOLERANCE:.0%} of the longest finite bar"


@dataclass(frozen=True)
class FunctionResults(Results[Functions]):
    """The bars of one experiment on functions."""

    bars: pd.DataFrame  # a row per bar; may be empty

    def with_landscape(self, **wanted: object) -> list[str]:
        """The models whose landscape has these values, as ``name="wavy"``."""
        landscapes = {key: model.landscape for key, model in self.models.items()}
        return [
            key
            for key, landscape in landscapes.items()
            if all(getattr(landscape, name, None) == value for name, value in wanted.items())
        ]

    def of_source(self, model: str, source: str) -> pd.DataFrame:
        """The bars of all clouds of a model, or those of its optimised curves; may be empty."""
        bars = self.bars
        return bars if bars.empty else bars[(bars["model"] == model) & (bars["source"] == source)]

    def barcode(self, model: str, source: str = "cloud") -> pd.DataFrame:
        """The bars of one barcode: of the cloud with the lowest number, or of the optimised curves; may be empty."""
        bars = self.of_source(model, source)
        return bars if bars.empty else bars[bars["seed"] == bars["seed"].min()].reset_index(drop=True)


def one_component(results: FunctionResults) -> Finding:
    """Whether the graph of every cloud is connected, as its box is."""
    clouds = results.bars[results.bars["source"] == "cloud"] if len(results.bars) else results.bars
    if clouds.empty:
        return unmeasured("a cloud")
    counts = clouds.groupby(["model", "seed"])["components"].first()
    texts = {m: ", ".join(str(int(n)) for n in sorted(set(counts[m]))) for m in results.models if m in counts}
    detail = "components of each cloud's graph; one of them more is a half-line that the function has not"
    return Finding(results.each(texts), results.judged(bool((counts == 1).all())), detail)


ONE_COMPONENT = judged_by(
    one_component, "one-component", "The graph of each cloud is connected: one half-line.", "a box is connected", "1"
)
