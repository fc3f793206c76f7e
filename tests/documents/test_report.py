"""The report, from made-up artefacts."""

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from math import nan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lossbars.claims.claim import COLUMNS
from lossbars.documents.plan import ReportSettings
from lossbars.documents.report import _curvature, _score, step
from lossbars.documents.usage import COLUMNS as USAGE_COLUMNS
from lossbars.workflow.artefacts import ArtefactError, write_records, write_table
from lossbars.workflow.job import Job
from lossbars.workflow.work import Work

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
    return own | {"to_score_by_index": {"0": scores, "1": {"sqrt2": None, "linf": None}}}


RULES = {"minima": (3, ["dataset"]), "curves": (1, ["dataset", "minima"])}
USED = [
    ("minima", "mlp-1", "0", 2000, 1500.0, 10, 90.0, 80.0),
    ("minima", "mlp-1", "1", 1000, 950.0, 10, 30.0, 28.0),
    ("minima", "mlp-1", "2", 1000, nan, 10, nan, nan),
    ("curves", "mlp-1", "0+1", 1600, nan, 120, 7260.0, nan),
    ("gather", "", "", 1000, nan, 10, nan, nan),
]


NAMES = ("one layer", "mlp-2")  # of the models
CAPTIONS = {"barcodes": "A bar for each minimum.", "to-score": "Scores."}


def make(folder: Path, experiments: list[str]) -> Work[ReportSettings]:
    """The work of the report step, and its inputs: claims, figures, barcodes, usage."""
    inputs: dict[str, list[Path]] = {"claims": [], "figures": [], "barcodes": [], "usage": []}
    recipes = {}
    makers = {kind: Job(kind, "", "mlp-1" * (kind == "barcodes"), {"scale": SCALE}, "code") for kind in inputs}
    expects: dict[str, list[str]] = {kind: [] for kind in inputs}

    def path(kind: str, experiment: str, name: str) -> tuple[Path, Job]:
        maker = replace(makers[kind], experiment=experiment)
        inputs[kind].append(folder / experiment / name)
        expects[kind].append(maker.key)
        return inputs[kind][-1], maker

    for experiment in experiments:
        recipes[experiment] = {
            "title": f"Networks <of> {experiment}",
            "figures": ["barcodes", "to-score"],
            "models": {"mlp-1": {"label": "one layer"}, "mlp-2": {"label": ""}},
        }
        cells = [(experiment, f"c{i}", f"{experiment} claims {i} < 3.", "figure 3", "—") for i in range(len(VERDICTS))]
        rows = [
            (*cell, "a: 1.5; b: 2.5", "4 minima", verdict, "why") for cell, verdict in zip(cells, VERDICTS, strict=True)
        ]
        claims, maker = path("claims", experiment, "claims.parquet")
        write_table(claims, pd.DataFrame(rows, columns=COLUMNS), maker)
        for i, figure in enumerate(CAPTIONS):
            inputs["figures"].append(folder / f"{experiment}-{figure}.svg")
            inputs["figures"][-1].write_text(SVG.format(i + len(inputs["figures"])))
        barcodes, maker = path("barcodes", experiment, "barcode.json")
        write_records(barcodes, [record(experiment, "direct", 0.5303), record(experiment, "merged", 0.4111)], maker)
        usage, maker = path("usage", experiment, "usage.parquet")
        write_table(usage, pd.DataFrame(USED, columns=USAGE_COLUMNS), maker)
    settings = ReportSettings(
        experiments=recipes,
        given={key: f"experiments:\n  {key}: {{}}\n" for key in experiments},
        captions=dict.fromkeys(experiments, CAPTIONS),
        rules=dict.fromkeys(experiments, RULES),
        template_file="",
    )
    job = Job("report", "", "", settings.model_dump(mode="json"), "code", expects)
    return Work(job, settings, "", inputs, {"page": folder / "report.html"})


def written(work: Work[ReportSettings]) -> str:
    """The page."""
    step(work)
    return work.outputs["page"].read_text()


def test_infinite_scores_and_those_not_measured_are_said() -> None:
    measured = record("fc", "merged", 0.5303)
    row = _score(measured)
    assert (row["sqrt2"], row["linf"], row["index1"]) == ("0.5303", "0.3750", "not measured")
    scores = {"0": dict.fromkeys(("sqrt2", "linf"), "inf"), "1": dict.fromkeys(("sqrt2", "linf"), 0.0)}
    row = _score(measured | {"to_score": scores["0"], "to_score_by_index": scores})
    assert (row["sqrt2"], row["linf"], row["index1"]) == ("∞", "∞", "0.000")


def test_the_page_holds_every_figure_claim_and_score(tmp_path: Path) -> None:
    work = make(tmp_path, ["fc", "fc-mnist"])  # one key begins as the other does
    page = Page(written(work))
    images = page.of("img")
    shown = [
        base64.b64decode(str(image["src"]).removeprefix("data:image/svg+xml;base64,")).decode() for image in images
    ]
    assert shown == [figure.read_text() for figure in work.files("figures")]
    assert all(image["alt"] for image in images)
    for experiment in ("fc", "fc-mnist"):
        assert f"Networks <of> {experiment}" in page.text
        assert all(f"{experiment} claims {i} < 3." in page.text for i in range(len(VERDICTS)))
    for text in (*VERDICTS, "0.5303", "0.4111", "one layer", "1.250", "2% of the budget", '"figures"', "torch"):
        assert text in page.text, text
    assert all(caption in page.text for caption in CAPTIONS.values())


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    text = written(make(tmp_path, ["fc"]))
    page = Page(text)
    assert "http://" not in text and "https://" not in text
    assert not page.of("script") and not page.of("link") and "@import" not in text and "url(" not in text
    targets = {str(attributes["id"]) for _, attributes in page.seen if "id" in attributes}
    links = [str(attributes[name]) for _, attributes in page.seen for name in ("href", "src") if name in attributes]
    assert all(link.startswith("data:") or link.removeprefix("#") in targets for link in links)
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_tables_have_headers(tmp_path: Path) -> None:
    page = Page(written(make(tmp_path, ["fc"])))
    assert len(page.of("table")) == len(page.of("caption")) == 3
    assert all(header.get("scope") in ("col", "row", "colgroup") for header in page.of("th"))


def cells(text: str, rule: str) -> list[str]:
    """The row of a rule in the table of resources."""
    row = re.search(rf'<tr><th scope="row">{rule}</th>(.*?)</tr>', text, re.DOTALL)
    assert row
    return re.findall(r"<td[^>]*>(.*?)</td>", row[1])


def test_what_was_used_stands_beside_what_was_asked_for(tmp_path: Path) -> None:
    text = written(make(tmp_path, ["fc"]))
    # jobs, measured; memory asked, used, largest share; time asked, longest, largest share, sum; load
    first = ["3", "2", "2,000", "1,500", "95%", "10 min", "90 s", "15%", "2 min", "90%"]
    assert cells(text, "minima") == first
    assert cells(text, "curves") == ["1", "1", "1,600", "–", "–", "2 h 00", "2 h 01", "101%", "2 h 01", "–"]
    assert cells(text, "gather") == ["1", "0", "1,000", "–", "–", "10 min", "–", "–", "–", "–"]


def test_bars_stand_with_their_saddles(tmp_path: Path) -> None:
    work = make(tmp_path, ["fc"])
    rows = [
        ("mlp-1", "given", 1, 0.25, 0.75, "saddle", 7, 0.0, 4.0, 1e-12, 2.0, 1.0, -0.5, 0.125, "hump of curves 0+1"),
        ("mlp-2", "closed", 2, 0.25, 0.5, "curve", -1, nan, nan, nan, nan, nan, nan, nan, ""),
    ]
    columns = "model barcode minimum birth death dies_on saddle a b gradient_norm gradient_scale index eigenvalue_0"
    table = pd.DataFrame(rows, columns=[*columns.split(), "eigenvalue_1", "found_by"])
    maker = Job("gather", "fc", "", {}, "code")
    write_table(tmp_path / "certified.parquet", table, maker)
    inputs = {**work.inputs, "certified": [tmp_path / "certified.parquet"]}
    work = replace(work, inputs=inputs, job=replace(work.job, expects=work.job.expects | {"certified": [maker.key]}))
    text = written(work)
    first, second = (re.findall(rf'<tr><th scope="row">{name}</th>(.*?)</tr>', text, re.DOTALL)[-1] for name in NAMES)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in (first, second)]
    saddle = ["7", "0 and 4", "5.0e−13", "1", "−0.50, 0.12", "hump of curves 0+1"]
    assert cells[0] == ["given", "1", "0.25000000", "0.75000000", *saddle]
    assert cells[1] == ["closed", "2", "0.25000000", "0.50000000", "none: a curve", "–", "–", "–", "–", "–"]


def test_rules_are_drawn_with_their_jobs_and_the_configuration_is_shown(tmp_path: Path) -> None:
    work = make(tmp_path, ["fc"])
    page = Page(written(work))
    assert len(page.of("rect")) == 2 and len([p for p in page.of("path") if p["class"] == "arrow"]) == 1
    assert "3 jobs" in page.text and "1 job" in page.text and "1 jobs" not in page.text
    assert work.settings.given["fc"] in page.text


def test_the_same_inputs_give_the_same_page(tmp_path: Path) -> None:
    work = make(tmp_path, ["fc"])
    assert written(work) == written(work)


def test_strangers_are_refused(tmp_path: Path) -> None:
    work = make(tmp_path, ["fc"])
    stray = tmp_path / "other-barcodes.svg"
    stray.write_text(SVG)
    with pytest.raises(ArtefactError, match="a figure of no experiment"):
        step(replace(work, inputs=work.inputs | {"figures": [*work.files("figures"), stray]}))
    with pytest.raises(ArtefactError, match="is missing"):
        step(replace(work, inputs=work.inputs | {"figures": [tmp_path / "gone" / "fc-to-score.svg"]}))
    without = replace(work.job, expects={"claims": work.job.expects["claims"]})
    with pytest.raises(ArtefactError, match="made by another recipe"):
        step(replace(work, job=without))
    assert not work.outputs["page"].exists()


def test_an_eigenvalue_of_a_whole_hessian_has_no_error_and_kinks_hold_only_negative_ones():
    row = {"least_eigenvalue": 0.0048, "eigenvalue_error": nan, "falls_along_it": 0.0, "no_curvature": ""}
    assert _curvature(row) == "0.0048"
    assert _curvature(row | {"eigenvalue_error": 0.01}).startswith("0.0048 ± ")
    assert _curvature(row | {"least_eigenvalue": -0.5}).endswith(", held by kinks")
