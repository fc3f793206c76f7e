"""The report: figures, claims and TO-scores of all experiments that ran, in one page that opens from disk."""

import base64
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from lossbars import __version__
from lossbars.claims import claim as findings
from lossbars.claims.claim import number
from lossbars.documents.claims_report import read_claims, scale_in_words
from lossbars.documents.rule_drawing import HEIGHT, TIP, WIDTH, draw
from lossbars.documents.usage import usage_rows
from lossbars.workflow.artefacts import LIBRARIES, ArtefactError, made_by, read_records, read_table
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.marks import write_document

CAPTIONS = {
    "barcodes": "Barcodes: a bar for each minimum, from its loss up to the height at which a direct curve can reach "
    "something lower. The arrow is the half-line of the lowest minimum.",
    "to-score": "TO-score of each network: the longest finite bar of its direct barcode, over √2.",
    "profiles": "Loss along the optimised curves between all pairs of minima, beside the straight segments.",
    "modulo": "Barcodes as they are and modulo permutations of units; and the largest loss on the straight segments "
    "between two minima, and between one and a copy of the other whose units are permuted to match.",
    "triangle": "Loss on one optimised seven-point triangle of each network. Its 1-saddle bar reaches from the maximum "
    "on the sides to the maximum on the whole triangle.",
    "robustness": "Error bars on bars: how deaths and births vary when only a subset of the minima is known.",
    "persistence": "Persistence diagrams of the merged barcodes: every bar as a point, its death above its birth.",
    "embeddings": "Penalties of minima, against the maxima of paths between what they descend to in a larger network.",
    "complexity": "Barcodes of each network, with the mean test error of its minima.",
    "one-saddles": "1-saddle barcodes: loops of curves, up to the height of the triangles that fill them.",
    "surface": "The functions of two variables.",
    "pairs": "Minima, and the saddles that end their bars, on the colours of the function.",
    "sublevel-bars": "Barcodes of clouds of points: a bar for each minimum, up to the height at which a path can reach "
    "something lower. The arrow is the half-line of the lowest minimum.",
    "tiny-bars": "Barcodes of the losses of tiny networks, beside the published tops of the bars.",
    "bridge": "Two ways to one barcode: bars of a cloud of points beside those of optimised curves.",
    "string-lengths": "Normalised length of strings between models, and their number of beads, against the threshold.",
    "string-answers": "Share of pairs of models that strings connect, against the threshold.",
    "string-views": "Strings along the principal components of their beads, coloured by the loss or error there.",
    "string-bridge": "Strings and curves between the same minima: heights of each pair, and the bars by both.",
    "components": "Barcodes, and beside them N(λ): how many connected components the set of all places with a loss of "
    "at most λ has.",
    "polynomials": "Polynomials of degree six with a local minimum to escape, one for each length of its bar.",
    "rates": "The smallest learning rate that escapes the local minimum, against the length of its bar.",
    "regimes": "Gradient descent near the local minimum: it stays, it neither converges nor escapes, it escapes.",
    "trajectories": "Gradient descent that escapes, on its polynomial.",
    "steps": "Steps to escape against the learning rate; 0 where gradient descent never escapes.",
    "death-error": "Error of the deaths of bars by several path optimisers, against the gradients that a curve takes.",
    "insertion": "A path before and after points are inserted where neighbours have come apart.",
    "spectra": "Spectra of Wishart plus Wigner matrices, a model of Hessians: computed, and of sampled matrices.",
    "index-energy": "Share of negative eigenvalues of the Hessian at critical points, against their energy.",
    "critical-energy": "The energy at which negative eigenvalues appear, against parameters over data points.",
    "net-spectrum": "Spectra of the Hessian of a small net and of its two parts, and of the Hessian by Lanczos.",
    "null-space": "Dimension of the null space of the Hessian where a net interpolates its samples.",
    "convergence": "Bottleneck distances between barcodes of two clouds of a size, and to the exact barcode where it "
    "is known.",
}
GOOD, BAD = (findings.HOLDS, findings.AGREES, findings.IN_INTERVAL), (findings.FAILS, findings.DIFFERS)
TONES = dict.fromkeys(GOOD, "good") | dict.fromkeys(BAD, "bad")


def report(
    job: Job, claims: list[Path], figures: list[Path], barcodes: list[Path], usage: list[Path], out: Path
) -> None:
    """Write one self-contained HTML page with a section per experiment of the claims.

    Raises ArtefactError for a figure or a barcode that belongs to none of them.
    """
    drawings = {path.stem: path for path in figures}
    used = {made_by(path).experiment: path for path in usage}
    sections = [_section(path, job, drawings, barcodes, used) for path in claims]
    known = {figure["key"] for section in sections for figure in section["figures"]}
    if stray := set(drawings) - known:
        raise ArtefactError(f"{drawings[min(stray)]} is a figure of no experiment of this report: delete it")
    versions = {"lossbars": __version__, "Python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in LIBRARIES}
    # SVG names such as #clip1 would collide between inlined figures, so these are images with their own documents.
    jinja = Environment(
        loader=PackageLoader("lossbars", "documents"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    box = {"width": WIDTH, "height": HEIGHT, "tip": TIP}
    page = jinja.get_template("report.html.j2").render(sections=sections, versions=versions, lines=_lines, box=box)
    write_document(out, page, job)


def _section(
    path: Path, job: Job, drawings: dict[str, Path], barcodes: list[Path], used: dict[str, Path]
) -> dict[str, Any]:
    own, rows = made_by(path), read_claims(path, job)
    key = own.experiment
    recipe = job.recipe["experiments"][key]
    verdicts = rows["verdict"].value_counts(sort=False)
    return {
        "key": key,
        "title": recipe["title"],
        "scale": scale_in_words(own.recipe["scale"]),
        "budget": "; ".join(dict.fromkeys(rows["budget"])),
        "verdicts": [(verdict, _tone(verdict), int(count)) for verdict, count in verdicts.items()],
        "claims": [row | {"tone": _tone(row["verdict"])} for row in rows.to_dict("records")],
        "figures": _figures(key, recipe, drawings),
        "scores": _scores(key, recipe, job, barcodes),
        "graph": draw({rule: needs for rule, (_, needs) in job.recipe["rules"][key].items()}),
        "counts": {rule: count for rule, (count, _) in job.recipe["rules"][key].items()},
        "usage": usage_rows(read_table(used[key], job.expects[f"usage/{key}"])) if key in used else [],
        "given": job.recipe["given"][key],
        "recipe": json.dumps(recipe, indent=2, ensure_ascii=False),
    }


def _tone(verdict: str) -> str:
    if verdict.startswith("undecided"):
        return "open"
    return TONES.get(verdict.removesuffix(findings.AT_BUDGET), "plain")


def _lines(text: str) -> list[str]:
    """The parts of an enumeration, which a cell shows one below the other."""
    return text.split("; ")


def _figures(experiment: str, recipe: dict[str, Any], drawings: dict[str, Path]) -> list[dict[str, str]]:
    found = []
    for kind in recipe["figures"]:
        key = f"{experiment}-{kind}"
        if key in drawings:
            caption = CAPTIONS.get(kind, kind)
            names = ", ".join(own["label"] or model for model, own in recipe["models"].items())
            text = f"{kind} figure of {recipe['title']}, for {names}. Its numbers are in the tables of this section."
            found.append({"key": key, "caption": caption, "alt": text, "source": _data_uri(drawings[key])})
    return found


def _data_uri(path: Path) -> str:
    if not path.is_file():
        raise ArtefactError(f"{path} is missing: run the rule that makes it")
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode()


def _scores(experiment: str, recipe: dict[str, Any], job: Job, barcodes: list[Path]) -> list[dict[str, str]]:
    """A row per model and convention, models in the order of drawing."""
    makers = {path: made_by(path) for path in barcodes}
    paths = {maker.model: path for path, maker in makers.items() if maker.experiment == experiment}
    rows = []
    for model in recipe["models"]:
        if model in paths:
            key = job.expects.get(f"barcode/{experiment}/{model}", "none: this file is no input of the job")
            label = recipe["models"][model]["label"] or model
            rows += [{"model": label} | _score(record) for record in read_records(paths[model], key)]
    return rows


def _score(record: dict[str, Any]) -> dict[str, str]:
    bars = [bar for bar in record["bars"] if bar["dim"] == 0]
    saddles = [bar["death"] for bar in bars if bar["death"] is not None]
    higher = record.get("to_score_by_index", {}).get("1", {})
    return {
        "convention": record["convention"],
        "minima": str(len(bars)),
        "lowest": number(min(bar["birth"] for bar in bars)),
        "highest": number(max(saddles)) if saddles else "–",
        "sqrt2": number(record["to_score"]["sqrt2"]),
        "linf": number(record["to_score"]["linf"]),
        "index1": number(higher["sqrt2"]) if higher else "–",
    }


if __name__ == "__main__":
    run(report)
