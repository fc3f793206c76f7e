"""The claims of all experiments that ran, in one document and one table."""

from typing import Any

import pandas as pd

from lossbars.claims.claim import COLUMNS
from lossbars.workflow.artefacts import made_by, read_table
from lossbars.workflow.marks import write_document
from lossbars.workflow.tasks import NoSettings
from lossbars.workflow.work import Work

INTRODUCTION = """\
# What the papers report, against what was obtained

Papers: Barannikov et al., *Topological obstructions in neural networks' learning*; Barannikov et al., *Loss barcode:
a topological measure of escapability in loss landscapes*; Barannikov et al., *Barcodes as summary*; Freeman & Bruna,
*Topology and geometry of half-rectified network optimization*; Tanner, *Topology of the loss landscape* (a lecture),
with Pennington & Bahri, *Geometry of neural network loss surfaces via random matrix theory*. A verdict is what the
numbers of this run say, whichever way they fall. ± is one standard deviation, and the detail says of what. That
numbers fall with depth or width *holds* where every step from one network to the next falls by more than its spread,
that of its two ends added in squares; it *does not hold* where a step rises by more than its spread; otherwise it is
*undecided*. Numbers that are all equal, without any spread, are *no difference*.
"""


def step(work: Work[NoSettings]) -> None:
    """Write a section per experiment (Markdown), and the table of all rows."""
    parts, sections = [], []
    for path in work.files("claims"):
        maker = made_by(path)
        rows = read_table(path, work.keys("claims"))
        parts.append(rows)
        sections.append(_section(maker.experiment, maker.recipe, rows))
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)
    work.write_table("table", rows)
    write_document(work.outputs["text"], "\n".join([INTRODUCTION, _summary(rows), *sections]), work.job)


def scale_in_words(scale: dict[str, float]) -> str:
    """Which part of the recipe's budget was spent: ``full budget``, ``2% of the budget``, or each part by name."""
    if set(scale.values()) == {1}:
        return "full budget"
    if len(set(scale.values())) == 1:
        return f"{100 * next(iter(scale.values())):g}% of the budget"
    return ", ".join(f"{100 * value:g}% of the {name}" for name, value in scale.items() if value != 1)


def _summary(rows: pd.DataFrame) -> str:
    counts = rows.groupby(["experiment", "verdict"], sort=False).size()
    lines = [_line([experiment, verdict, str(n)]) for (experiment, verdict), n in counts.items()]
    return "\n".join([*_head(["Experiment", "Verdict", "Claims"]), *lines, ""])


def _section(experiment: str, recipe: dict[str, Any], rows: pd.DataFrame) -> str:
    head = f"## {experiment} ({scale_in_words(recipe['scale'])})"
    budgets = "; ".join(dict.fromkeys(rows["budget"]))
    lines = [
        _line(
            [
                f"**{row.verdict}**",
                f"{row.claim} *{row.source}*",
                row.published,
                _broken(row.obtained),
                _broken(row.detail),
            ]
        )
        for row in rows.itertuples()
    ]
    columns = ["Verdict", "Claim and source", "Published", "Obtained", "Detail"]
    return "\n".join([head, "", recipe["config"]["title"], "", f"Budget: {budgets}.", "", *_head(columns), *lines, ""])


def _broken(enumeration: str) -> str:
    return enumeration.replace("; ", ";<br>")


def _head(columns: list[str]) -> list[str]:
    return [_line(columns), _line(["---"] * len(columns))]


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
