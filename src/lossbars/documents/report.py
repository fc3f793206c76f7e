"""The report: figures, claims and TO-scores of all experiments that ran, in one page that opens from disk."""

import base64
import json
import math
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from lossbars import __version__
from lossbars.claims import claim
from lossbars.claims.claim import number
from lossbars.documents.claims_report import scale_in_words
from lossbars.documents.plan import ReportSettings
from lossbars.documents.rule_drawing import HEIGHT, TIP, WIDTH, draw
from lossbars.documents.usage import usage_rows
from lossbars.plots.bars import unresolved
from lossbars.workflow.artefacts import LIBRARIES, ArtefactError, made_by, read_records, read_table
from lossbars.workflow.files import exists
from lossbars.workflow.marks import write_document
from lossbars.workflow.records import score_of
from lossbars.workflow.work import Work

GOOD, BAD = (claim.HOLDS, claim.AGREES, claim.IN_INTERVAL), (claim.FAILS, claim.DIFFERS)
MINIMA_DIGITS = {  # columns of the table of minima, and the significant digits that are shown
    "objective": 6,
    "data_loss": 4,
    "train_accuracy": 4,
    "test_accuracy": 4,
    "gradient_norm": 2,
    "residue": 2,
    "bar": 3,
    "nearest": 3,
    "nearest_permuted": 3,
}
POLISH = {
    "gradient": "gradient vanished, {} passes",
    "fall": "nothing left to fall, {} passes",
    "budget": "budget, {} passes",
    "precision": "at the limit of its precision, {} passes",
    "unpolished": "not polished",
    "descent": "end of a descent from a saddle",
}
SADDLE = ("saddle", "ends", "gradient", "index", "eigenvalues", "found_by")
TONES = dict.fromkeys(GOOD, "good") | dict.fromkeys(BAD, "bad")


def step(work: Work[ReportSettings]) -> None:
    """Write one self-contained HTML page with a section per experiment of the claims.

    Raises ArtefactError for a figure that belongs to none of them.
    """
    drawings = {path.stem: path for path in work.files("figures")}
    used = {made_by(path).experiment: path for path in work.files("usage")}
    sections = [_section(path, work, drawings, used) for path in work.files("claims")]
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
    write_document(work.outputs["page"], page, work.job)


def _section(
    path: Path, work: Work[ReportSettings], drawings: dict[str, Path], used: dict[str, Path]
) -> dict[str, Any]:
    maker, rows, settings = made_by(path), read_table(path, work.keys("claims")), work.settings
    key = maker.experiment
    config, rules = settings.experiments[key], settings.rules[key]
    verdicts = rows["verdict"].value_counts(sort=False)
    return {
        "key": key,
        "title": config["title"],
        "scale": scale_in_words(maker.recipe["scale"]),
        "budget": "; ".join(dict.fromkeys(rows["budget"])),
        "verdicts": [(verdict, _tone(verdict), int(count)) for verdict, count in verdicts.items()],
        "claims": [row | {"tone": _tone(row["verdict"])} for row in rows.to_dict("records")],
        "figures": _figures(key, settings, drawings),
        "scores": _scores(key, config, work),
        "minima": _minima(key, config, work),
        "certified": _certified(key, config, work),
        "graph": draw({rule: needs for rule, (_, needs) in rules.items()}),
        "counts": {rule: count for rule, (count, _) in rules.items()},
        "usage": usage_rows(read_table(used[key], work.keys("usage"))) if key in used else [],
        "given": settings.given[key],
        "recipe": json.dumps(config, indent=2, ensure_ascii=False),
    }


def _tone(verdict: str) -> str:
    if verdict.startswith("undecided") or verdict == claim.NOT_CONVERGED:
        return "open"
    return TONES.get(verdict.removesuffix(claim.AT_BUDGET), "plain")


def _lines(text: str) -> list[str]:
    """The parts of an enumeration, which a cell shows one below the other."""
    return text.split("; ")


def _figures(experiment: str, settings: ReportSettings, drawings: dict[str, Path]) -> list[dict[str, str]]:
    config, shown = settings.experiments[experiment], []
    for kind in config["figures"]:
        key = f"{experiment}-{kind}"
        if key in drawings:
            caption = settings.captions[experiment][kind]
            names = ", ".join(model["label"] or name for name, model in config["models"].items())
            text = f"{kind} figure of {config['title']}, for {names}. Its numbers are in the tables of this section."
            exists(drawings[key])
            source = "data:image/svg+xml;base64," + base64.b64encode(drawings[key].read_bytes()).decode()
            shown.append({"key": key, "caption": caption, "alt": text, "source": source})
    return shown


def _scores(experiment: str, config: dict[str, Any], work: Work[ReportSettings]) -> list[dict[str, str]]:
    """A row per model and convention, models in the order of drawing."""
    makers = {path: made_by(path) for path in work.files("barcodes")}
    paths = {maker.model: path for path, maker in makers.items() if maker.experiment == experiment}
    rows = []
    for model in config["models"]:
        if model in paths:
            label = config["models"][model]["label"] or model
            records = read_records(paths[model], work.keys("barcodes"))
            rows += [{"model": label} | _score(record) for record in records]
    return rows


def _open_ended(bars: Sequence[Mapping[str, Any]]) -> str:
    """How many bars have not converged; nothing of barcodes that have no residues."""
    if not bars or "birth_residue" not in bars[0]:
        return "–"
    table = pd.DataFrame(bars, columns=["birth", "death", "birth_residue", "death_residue"], dtype=float)
    return f"{unresolved(table.fillna({'death': math.inf})).sum()} of {len(bars)}"


def _rows(option: str, experiment: str, config: dict[str, Any], work: Work[ReportSettings]) -> list[dict[str, Any]]:
    """The rows of an experiment's table, models in the order of drawing; none where it has no such table."""
    tables = [path for path in work.files(option) if made_by(path).experiment == experiment]
    if not tables:
        return []
    table = read_table(tables[0], work.keys(option))
    parts = [table[table["model"] == model] for model in config["models"]]
    return [{str(name): value for name, value in row.items()} for part in parts for row in part.to_dict("records")]


def _minima(experiment: str, config: dict[str, Any], work: Work[ReportSettings]) -> list[dict[str, str]]:
    """A row per minimum, models in the order of drawing."""
    return [
        {"model": config["models"][row["model"]]["label"] or row["model"], "seed": str(row["seed"]), "is": row["is"]}
        | {name: _shown(row[name], digits) for name, digits in MINIMA_DIGITS.items()}
        | {"curvature": _curvature(row), "same_as": row["same_as"] or "–"}
        | {"stopped": POLISH[row["stopped"]].format(row["polish_passes"]), "found_on": row["found_on"] or "–"}
        for row in _rows("minima", experiment, config, work)
    ]


def _certified(experiment: str, config: dict[str, Any], work: Work[ReportSettings]) -> list[dict[str, str]]:
    """A row per finite bar of the barcodes with saddles, models in the order of drawing; none where none were made."""
    return [
        {"model": config["models"][row["model"]]["label"] or row["model"], "barcode": row["barcode"]}
        | {"minimum": str(row["minimum"]), "birth": number(row["birth"], 8), "death": number(row["death"], 8)}
        | (_saddle(row) if row["saddle"] >= 0 else dict.fromkeys(SADDLE, "–") | {"saddle": "none: a curve"})
        for row in _rows("certified", experiment, config, work)
    ]


def _saddle(row: dict[str, Any]) -> dict[str, str]:
    """What is shown of the saddle that ends a bar."""
    lowest = [number(value, 2) for name, value in row.items() if name.startswith("eigenvalue_")][:2]
    shown = (
        str(row["saddle"]),
        f"{row['a']:.0f} and {row['b']:.0f}",
        number(row["gradient_norm"] / row["gradient_scale"], 2),
        f"{row['index']:.0f}",
        ", ".join(lowest),
        row["found_by"],
    )
    return dict(zip(SADDLE, shown, strict=True))


def _shown(value: float, digits: int) -> str:
    return "–" if math.isnan(value) else number(value, digits)


def _curvature(row: dict[str, Any]) -> str:
    """The least eigenvalue with its error, and what a negative one means; why there is none."""
    if math.isnan(row["least_eigenvalue"]):
        return row["no_curvature"] or "–"
    words, error = number(row["least_eigenvalue"], 2), row["eigenvalue_error"]
    if not math.isnan(error):  # of a whole Hessian, as certificates have it, rounding is the only one
        words = f"{words} ± {number(error, 1)}"
    if row["least_eigenvalue"] >= -(0 if math.isnan(error) else error):
        return words
    falls = row["falls_along_it"]
    return f"{words}, {f'falls {number(falls, 2)} along it' if falls > 0 else 'held by kinks'}"


def _score(record: dict[str, Any]) -> dict[str, str]:
    bars = [bar for bar in record["bars"] if bar["dim"] == 0]
    saddles = [bar["death"] for bar in bars if bar["death"] is not None]
    higher = score_of(record["to_score_by_index"]["1"]["sqrt2"])
    return {
        "convention": record["convention"],
        "minima": str(len(bars)),
        "lowest": number(min(bar["birth"] for bar in bars)),
        "highest": number(max(saddles)) if saddles else "–",
        **{metric: number(float(score)) for metric, score in record["to_score"].items()},
        "index1": "not measured" if higher is None else number(higher),
        "open": _open_ended(bars),
    }
