"""The report, from made-up artefacts."""

import base64
import re
from html.parser import HTMLParser
from math import nan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lossbars.claims.claim import COLUMNS
from lossbars.documents.report import report
from lossbars.documents.usage import COLUMNS as USAGE_COLUMNS
from lossbars.workflow.artefacts import ArtefactError, write_records, write_table
from lossbars.workflow.job import Job

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle id="clip" cx="5" cy="5" r="{}"/></svg>'
EMPTY_TAGS = {"meta", "img", "br", "hr", "link", "input"}
SCALE = {"epochs": 0.02, "seeds": 0.02, "samples": 0.02}
VERDICTS = ["holds", "does not hold at this budget", "undecided: differences are within the spread"]


class Page(HTMLParser):
    """Text and attributes of a page whose tags must be balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in EMPTY_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.seen if name == tag]


def record(experiment: str, convention: str, score: float) -> dict[str, Any]:
    bars = [
        {"dim": 0, "birth": 0.25, "death": None, "born_at": [0], "dies_at": None},
        {"dim": 0, "birth": 0.5, "death": 1.25, "born_at": [1], "dies_at": [0, 1]},
    ]
    scores = {"sqrt2": score, "linf": 0.375}
    own = {"experiment": experiment, "model": "mlp-1", "convention": convention, "bars": bars, "to_score": scores}
    return own | {"to_score_by_index": {"0": scores}}


RULES = {"minima": (3, ["dataset"]), "curves": (1, ["dataset", "minima"])}
USED = [
    ("minima", "mlp-1", "0", 2000, 1500.0, 10, 90.0, 80.0),
    ("minima", "mlp-1", "1", 1000, 950.0, 10, 30.0, 28.0),
    ("minima", "mlp-1", "2", 1000, nan, 10, nan, nan),
    ("curves", "mlp-1", "0+1", 1600, nan, 120, 7260.0, nan),
    ("tables", "", "", 1000, nan, 10, nan, nan),
]


def make(folder: Path, experiments: list[str]) -> tuple[Job, list[Path], list[Path], list[Path], list[Path]]:
    """A report job and its inputs: claims, figures, barcodes, usage."""
    expects, claims, figures, barcodes, usage, recipes = {}, [], [], [], [], {}
    for experiment in experiments:
        recipes[experiment] = {
            "title": f"Networks <of> {experiment}",
            "figures": ["barcodes", "to-score"],
            "models": {"mlp-1": {"label": "one layer"}, "mlp-2": {"label": ""}},
        }
        maker = Job("claims", experiment, "", {"scale": SCALE}, "code")
        expects[f"claims/{experiment}"] = maker.key
        cells = [(experiment, f"c{i}", f"{experiment} claims {i} < 3.", "figure 3", "—") for i in range(len(VERDICTS))]
        rows = [
            (*cell, "a: 1.5; b: 2.5", "4 minima", verdict, "why") for cell, verdict in zip(cells, VERDICTS, strict=True)
        ]
        claims.append(folder / experiment / "claims.parquet")
        write_table(claims[-1], pd.DataFrame(rows, columns=COLUMNS), maker)
        for i, figure in enumerate(["barcodes", "to-score"]):
            figures.append(folder / f"{experiment}-{figure}.svg")
            figures[-1].write_text(SVG.format(i + len(figures)))
        maker = Job("barcode", experiment, "mlp-1", {}, "code")
        expects[f"barcode/{experiment}/mlp-1"] = maker.key
        barcodes.append(folder / experiment / "barcode.json")
        write_records(barcodes[-1], [record(experiment, "direct", 0.5303), record(experiment, "merged", 0.4111)], maker)
        maker = Job("usage", experiment, "", {}, "code")
        expects[f"usage/{experiment}"] = maker.key
        usage.append(folder / experiment / "usage.parquet")
        write_table(usage[-1], pd.DataFrame(USED, columns=USAGE_COLUMNS), maker)
    recipe = {
        "experiments": recipes,
        "given": {key: f"experiments:\n  {key}: {{}}\n" for key in experiments},
        "rules": dict.fromkeys(experiments, RULES),
    }
    return Job("report", "", "", recipe, "code", expects), claims, figures, barcodes, usage


def test_the_page_holds_every_figure_claim_and_score(tmp_path: Path) -> None:
    job, claims, figures, barcodes, usage = make(tmp_path, ["fc", "fc-mnist"])  # one key begins as the other does
    out = tmp_path / "report.html"
    report(job, claims, figures, barcodes, usage, out)
    page = Page(out.read_text())
    images = page.of("img")
    shown = [
        base64.b64decode(str(image["src"]).removeprefix("data:image/svg+xml;base64,")).decode() for image in images
    ]
    assert shown == [figure.read_text() for figure in figures]
    assert all(image["alt"] for image in images)
    for experiment in ("fc", "fc-mnist"):
        assert f"Networks <of> {experiment}" in page.text
        assert all(f"{experiment} claims {i} < 3." in page.text for i in range(len(VERDICTS)))
    for text in (*VERDICTS, "0.5303", "0.4111", "one layer", "1.250", "2% of the budget", '"figures"', "torch"):
        assert text in page.text, text


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    job, claims, figures, barcodes, usage = make(tmp_path, ["fc"])
    report(job, claims, figures, barcodes, usage, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    page = Page(text)
    assert "http://" not in text and "https://" not in text
    assert not page.of("script") and not page.of("link") and "@import" not in text and "url(" not in text
    targets = {str(attributes["id"]) for _, attributes in page.seen if "id" in attributes}
    links = [str(attributes[name]) for _, attributes in page.seen for name in ("href", "src") if name in attributes]
    assert all(link.startswith("data:") or link.removeprefix("#") in targets for link in links)
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_tables_have_headers(tmp_path: Path) -> None:
    job, claims, figures, barcodes, usage = make(tmp_path, ["fc"])
    report(job, claims, figures, barcodes, usage, tmp_path / "report.html")
    page = Page((tmp_path / "report.html").read_text())
    assert len(page.of("table")) == len(page.of("caption")) == 3
    assert all(header.get("scope") in ("col", "row", "colgroup") for header in page.of("th"))


def cells(text: str, rule: str) -> list[str]:
    """The row of a rule in the table of resources."""
    row = re.search(rf'<tr><th scope="row">{rule}</th>(.*?)</tr>', text, re.DOTALL)
    assert row
    return re.findall(r"<td[^>]*>(.*?)</td>", row[1])


def test_what_was_used_stands_beside_what_was_asked_for(tmp_path: Path) -> None:
    report(*make(tmp_path, ["fc"]), tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    # jobs, measured; memory asked, used, largest share; time asked, longest, largest share, sum; load
    first = ["3", "2", "2,000", "1,500", "95%", "10 min", "90 s", "15%", "2 min", "90%"]
    assert cells(text, "minima") == first
    assert cells(text, "curves") == ["1", "1", "1,600", "–", "–", "2 h 00", "2 h 01", "101%", "2 h 01", "–"]
    assert cells(text, "tables") == ["1", "0", "1,000", "–", "–", "10 min", "–", "–", "–", "–"]


def test_rules_are_drawn_with_their_jobs_and_the_configuration_is_shown(tmp_path: Path) -> None:
    job, claims, figures, barcodes, usage = make(tmp_path, ["fc"])
    report(job, claims, figures, barcodes, usage, tmp_path / "report.html")
    page = Page((tmp_path / "report.html").read_text())
    assert len(page.of("rect")) == 2 and len([p for p in page.of("path") if p["class"] == "arrow"]) == 1
    assert "3 jobs" in page.text and "1 job" in page.text and "1 jobs" not in page.text
    assert job.recipe["given"]["fc"] in page.text


def test_the_same_inputs_give_the_same_page(tmp_path: Path) -> None:
    made = make(tmp_path, ["fc"])
    report(*made, tmp_path / "one.html")
    report(*made, tmp_path / "two.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_strangers_are_refused(tmp_path: Path) -> None:
    job, claims, figures, barcodes, usage = make(tmp_path, ["fc"])
    stray = tmp_path / "other-barcodes.svg"
    stray.write_text(SVG)
    with pytest.raises(ArtefactError, match="a figure of no experiment"):
        report(job, claims, [*figures, stray], barcodes, usage, tmp_path / "report.html")
    with pytest.raises(ArtefactError, match="is missing"):
        report(
            job,
            claims,
            [tmp_path / "fc-barcodes.svg", tmp_path / "gone" / "fc-to-score.svg"],
            [],
            usage,
            tmp_path / "r",
        )
    without = Job("report", "", "", job.recipe, "code", {"claims/fc": job.expects["claims/fc"]})
    with pytest.raises(ArtefactError, match="made by another recipe"):
        report(without, claims, figures, barcodes, usage, tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()
