"""What an experiment on functions obtained, as its claims read it."""

from lossbars.claims.claim import UNMEASURED, Finding
from lossbars.claims.results import FunctionResults, judged
from lossbars.experiments.functions.bars import TOLERANCE
from lossbars.plots.bars import SHARE

PAPER = "Barannikov et al., Barcodes as summary"  # function-barcodes.txt
OURS = "not in the papers"
NOISE = f"bars no longer than {SHARE:.0%} of the longest finite one are left out"
WITHIN = f"within {TOLERANCE:.0%} of the longest finite bar"


def one_component(results: FunctionResults) -> Finding:
    """Whether the graph of every cloud is connected, as its box is."""
    clouds = results.bars[results.bars["source"] == "cloud"] if len(results.bars) else results.bars
    if clouds.empty:
        return Finding("—", UNMEASURED, "this needs a cloud")
    counts = clouds.groupby(["model", "seed"])["components"].first()
    texts = {m: ", ".join(str(int(n)) for n in sorted(set(counts[m]))) for m in results.models if m in counts}
    detail = "components of each cloud's graph; one of them more is a half-line that the function has not"
    return Finding(results.each(texts), judged(results, bool((counts == 1).all())), detail)
