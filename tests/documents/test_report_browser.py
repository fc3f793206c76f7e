"""The report as a person opens it: from disk, in a real browser that reaches nothing else."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lossbars.documents.plan import documents, experiment_tasks
from support.browser import CHROMIUM, Browser
from support.workflow import Model, plan

FIGURES = ["barcodes", "to-score", "profiles", "triangle", "robustness", "persistence", "complexity", "one-saddles"]
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BENCHMARK = "s\th:m:s\tmax_rss\tcpu_time\n75.0\t0:01:15\t812.5\t70.0\n"

pytestmark = [
    pytest.mark.skipif(
        not CHROMIUM and not os.environ.get("LOSSBARS_REQUIRE_BROWSER"),
        reason="no Chromium is installed (Debian: apt-get install chromium)",
    ),
    pytest.mark.browser,
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a tiny run, made by the steps."""
    folder, made = tmp_path_factory.mktemp("run"), plan(figures=FIGURES)
    model = Model(folder, made)
    _, *tasks = experiment_tasks(made, "tiny")  # the data are made up
    measured = folder / "results/tiny/mlp/benchmarks/minima-0.tsv"
    measured.parent.mkdir(parents=True)
    measured.write_text(BENCHMARK)
    _, report, _ = documents(made, ["tiny"])
    model.run(*tasks, report)
    return folder / report.path


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert CHROMIUM, "LOSSBARS_REQUIRE_BROWSER is set, and no Chromium is installed"
    with Browser(tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(params=[(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")], ids=lambda p: f"{p[0]}-{p[1]}")
def opened(request: pytest.FixtureRequest, browser: Browser, page: Path) -> Browser:
    """The page in windows of a desk and of a phone, everything that can be opened open."""
    browser.open(page, *request.param)
    browser.value("document.querySelectorAll('details').forEach(one => one.open = true)")
    return browser


def test_nothing_but_the_page_is_asked_for_and_nothing_is_complained_of(opened: Browser, page: Path) -> None:
    assert {url for url in opened.requests() if not url.startswith("data:")} == {page.as_uri()}
    assert opened.complaints() == []


def test_every_figure_is_drawn(opened: Browser) -> None:
    sizes = opened.value("[...document.images].map(i => [i.complete, i.naturalWidth, i.naturalHeight, i.clientWidth])")
    assert len(sizes) == len(FIGURES)
    assert all(complete and min(numbers) > 0 for complete, *numbers in sizes)
    assert opened.value("document.querySelectorAll('figcaption').length") == len(FIGURES) + 1  # and the rules


def test_what_a_reader_looks_for_is_there(opened: Browser) -> None:
    headings = opened.value("[...document.querySelectorAll('h1, h2, h3')].map(h => h.innerText)")
    for heading in (
        "Loss barcodes",
        "A tiny experiment",
        "Figures",
        "What the papers report",
        "TO-scores",
        "How it was",
    ):
        assert any(found.startswith(heading) for found in headings), heading
    assert opened.value("document.querySelectorAll('table tbody tr').length") > 10
    text = opened.value("document.body.innerText")
    for part in ("seeds_per_job: 1", "75 s", "812", "one layer"):  # configuration, time, memory, network
        assert part in text, part


def test_links_lead_somewhere(opened: Browser) -> None:
    links = opened.value(
        "[...document.links].map(a => [a.getAttribute('href'), document.querySelector(a.hash) !== null])"
    )
    assert links
    assert all(href.startswith("#") and found for href, found in links), links


def test_the_page_does_not_move_sideways(opened: Browser) -> None:
    assert opened.value(SIDEWAYS) == 0
    wider = "[...document.querySelectorAll('p, caption, figcaption')].filter(e => e.offsetWidth > innerWidth)"
    assert opened.value(f"{wider}.map(e => e.textContent)") == []  # what is read is read without moving a table


def test_rules_and_arrows_are_inside_their_drawing(opened: Browser) -> None:
    inside = """(() => {
        const svg = document.querySelector('.graph svg'), frame = svg.getBoundingClientRect();
        return [...svg.querySelectorAll('rect, text, path')].map(e => e.getBoundingClientRect())
            .map(b => b.left >= frame.left && b.right <= frame.right && b.top >= frame.top && b.bottom <= frame.bottom)
    })()"""
    found = opened.value(inside)
    assert len(found) > 30 and all(found)
    wider = "[...document.querySelectorAll('.graph text')].map(t => t.getComputedTextLength()).filter(w => w > 90)"
    assert opened.value(wider) == []  # a name is not wider than its box


def test_text_can_be_read_in_both_schemes(browser: Browser, page: Path) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        browser.open(page, 1280, scheme)
        lightness = """(() => {
            const of = colour => colour.match(/[0-9]+/g).slice(0, 3).reduce((sum, n) => sum + Number(n), 0) / 765;
            const style = getComputedStyle(document.body);
            return [of(style.color), of(style.backgroundColor)]
        })()"""
        seen[scheme] = browser.value(lightness)
    (ink, paper), (ink_at_night, night) = seen["light"], seen["dark"]
    assert paper - ink > 0.7 and ink_at_night - night > 0.7


BAD_PAGE = """<html><body><img src="http://example.invalid/a.png"><a href="#nowhere">x</a>
<div style="width: 3000px">wide</div><script>missing()</script></body></html>"""


def test_a_bad_page_would_be_seen(browser: Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(BAD_PAGE)
    browser.open(bad, 1280, "light")
    assert "http://example.invalid/a.png" in browser.requests()
    assert "missing is not defined" in str(browser.complaints())
    assert browser.value("document.images[0].naturalWidth") == 0
    assert browser.value("document.querySelector(document.links[0].hash)") is None
    assert browser.value(SIDEWAYS) > 1000
