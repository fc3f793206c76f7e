"""Draw one figure of an experiment on level sets."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lossbars.experiments.strings.figures.answers import string_answers
from lossbars.experiments.strings.figures.lengths import string_lengths
from lossbars.experiments.strings.figures.views import Shown, string_views
from lossbars.plots.style import save
from lossbars.workflow.artefacts import made_by, read_table, read_tensors
from lossbars.workflow.command import run
from lossbars.workflow.job import Job
from lossbars.workflow.marks import mark
from lossbars.workflow.reading import expected_key


def string_figure(job: Job, table: Path, strings: list[Path], pdf: Path, svg: Path) -> None:
    """Write the figure that the job's recipe names, as PDF and SVG."""
    answers = read_table(table, job.expects["string_table"])
    save(_draw(job, answers, strings), pdf, svg, mark(job))


def _draw(job: Job, answers: pd.DataFrame, strings: list[Path]) -> Figure:
    labels, metrics, title = _labels(job), job.recipe["metrics"], job.recipe["title"]
    match job.recipe["figure"]:
        case "string-lengths":
            return string_lengths(answers, labels, metrics, title)
        case "string-answers":
            return string_answers(answers, labels, metrics, title)
        case "string-views":
            return string_views(_longest(job, answers, strings), labels, metrics, title)
        case other:
            raise ValueError(f"unknown figure {other!r}")


def _labels(job: Job) -> dict[str, str]:
    """What figures call the models, in the order of the configuration."""
    return {model: job.recipe["labels"][model] for model in job.recipe["order"]}


def _longest(job: Job, answers: pd.DataFrame, strings: list[Path]) -> dict[str, Shown]:
    """Of each model that connected a pair, the pair with most beads at the lowest of its thresholds."""
    shown = {}
    for model in _labels(job):
        own = answers[(answers["model"] == model) & (answers["answer"] == "connected")]
        if own.empty:
            continue
        best = own.sort_values(["threshold", "beads"], ascending=[True, False]).iloc[0]
        shown[model] = _view(job, [path for path in strings if made_by(path).model == model], best)
    return shown


def _view(job: Job, strings: list[Path], best: pd.Series) -> Shown:
    for path in strings:
        tensors, _ = read_tensors(path, expected_key(job, f"strings/{best['model']}", path))
        rows = (tensors["pairs"] == int(best["pair"])).nonzero().flatten().tolist()
        if rows:
            names = ("places", "values", "beads", "shares")
            own = {name: tensors[f"view.{name}"][rows[0]].numpy() for name in names}
            return Shown.of(own, int(best["pair"]), float(best["threshold"]))
    raise ValueError(f"no file of strings has pair {best['pair']} of {best['model']}")


if __name__ == "__main__":
    run(string_figure)
