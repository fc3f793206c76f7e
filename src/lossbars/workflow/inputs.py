"""Which artefacts a job reads, from the keys that it expects. Loads no torch."""

from collections import Counter
from collections.abc import Sequence

from lossbars.workflow.tasks import Expected

TENSORS = ("curves", "triangles", "minima")  # rules that read tensors, where all others read tables and records


def inputs(artefacts: Sequence[Expected]) -> dict[str, list[Expected]]:
    """Path → the artefacts that the job behind it reads, of those given."""
    by_key: dict[str, list[Expected]] = {}
    for one in {one.path: one for one in artefacts}.values():  # experiments share data sets
        by_key.setdefault(one.job.key, []).append(one)
    found: dict[tuple[str, str], list[Expected]] = {}  # by job and part: a job has several files
    for one in artefacts:
        if (one.job.key, one.part) not in found:
            keys = dict.fromkeys(one.job.expects.values())
            found[one.job.key, one.part] = [
                other for key in keys for other in by_key.get(key, ()) if _reads(one, other)
            ]
    return {one.path: found[one.job.key, one.part] for one in artefacts}


def _reads(one: Expected, other: Expected) -> bool:
    if one.rule == "provenance":  # it looks at everything
        return True
    if one.rule == "sublevel_barcode" and other.rule == "cloud":  # of the first cloud
        return other.part == "0"
    if one.rule in TENSORS:
        blocks = Counter(other.part.split("+") if other.part else [])
        return other.path.endswith(".safetensors") and blocks <= Counter(one.part.split("+"))
    if one.rule == "embedding":
        return other.path.endswith((".safetensors", ".json"))
    if one.job.recipe.get("figure") == "path-norms" and other.part:
        return other.path.endswith(".safetensors")
    return other.path.endswith((".parquet", ".json", ".svg"))
