"""Barcodes of networks of several depths and widths, beside their test errors (Barannikov et al. 2022, figure 7)."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lossbars.experiments.networks.figures.barcodes import COLUMNS, draw_bars, legend, loss_range
from lossbars.experiments.networks.settings import NetworksFigure
from lossbars.plots import style
from lossbars.plots.bars import score_text, to_score
from lossbars.plots.tables import explain, per_model
from lossbars.workflow.work import Work

ACROSS = 4  # panels side by side
Place = tuple[int, int]  # row and column


def draw(work: Work[NetworksFigure]) -> Figure:
    """The figure of a task."""
    settings = work.settings
    networks = {model: network.model_dump() for model, network in settings.networks.items()}
    return complexity(work.table("bars"), work.trained("minima"), settings.labels, networks, settings.title)


@style.styled
def complexity(
    bars: pd.DataFrame,
    minima: pd.DataFrame,
    labels: dict[str, str],
    networks: Mapping[str, dict[str, Any]],
    title: str,
) -> Figure:
    """A panel of direct bars for each network, all with one loss axis (v3, figure 7).

    ``networks`` are the models' networks as configured. A column is a width and a depth, in this order, where networks
    state them; those without shortcuts stand below those with. A title has the mean test error ± its standard deviation
    (that of a sample) over the model's minima, in percent, from ``test_accuracy`` of ``minima``; none for a regression.
    ValueError for an empty table, and for a model without bars or minima, by name.
    """
    tables = per_model(bars, labels, COLUMNS, "bars", convention="direct", dim=0)
    trained = per_model(minima, labels, ("model", "objective"), "minima")
    places = layout({model: networks[model] for model in labels})
    log, limits = loss_range(pd.concat(tables.values()))
    figure, panels = _panels(places, title)
    for model, table in tables.items():
        axes, (row, column) = panels[model], places[model]
        style.loss_axis(axes, "y", log)
        if column == min(those for other, those in places.values() if other == row):
            axes.tick_params(labelleft=True)
        else:
            axes.set_ylabel("")
        axes.set(xlim=(0, 1), ylim=limits, xticks=[])
        draw_bars(axes, table, model, 0, style.color(int(_plain(networks[model]))))
        axes.set_title(f"{labels[model]}\n{error_text(trained[model])}".strip(), pad=9.0)
        axes.set_xlabel(f"{score_text(to_score(table))}, n = {len(table)}")
    note = f"{explain('direct')}.\nIn percent: test error, mean ± standard deviation over the n minima."
    style.caption(figure, legend(0, tables.values()), f"{note} TO: the longest finite bar / √2.")
    return figure


def layout(networks: Mapping[str, dict[str, Any]]) -> dict[str, Place]:
    """Model → row and column: by width, then depth, then the order given; without shortcuts below the same with."""
    columns: list[dict[bool, str]] = []
    of_network: dict[str, list[dict[bool, str]]] = {}
    for model in sorted(networks, key=lambda key: (networks[key].get("width", 0), networks[key].get("depth", 0))):
        plain = _plain(networks[model])
        alike = of_network.setdefault(str(sorted((networks[model] | {"shortcuts": None}).items())), [])
        column = next((one for one in alike if plain not in one), None)
        if column is None:
            column = {}
            alike.append(column)
            columns.append(column)
        column[plain] = model
    places: dict[str, Place] = {}
    row = 0
    for first in range(0, len(columns), ACROSS):
        some = columns[first : first + ACROSS]
        for plain in (False, True):
            in_row = {one[plain]: (row, i) for i, one in enumerate(some) if plain in one}
            places |= in_row
            row += bool(in_row)
    return places


def _plain(network: dict[str, Any]) -> bool:
    """Whether a network is one whose shortcuts were taken out."""
    return network.get("shortcuts") is False


def _panels(places: dict[str, Place], title: str) -> tuple[Figure, dict[str, Axes]]:
    rows, columns = (1 + max(place[i] for place in places.values()) for i in (0, 1))
    figure, axes = style.panels(rows * columns, title, height=2.2, columns=columns, sharey=True)
    grid = {divmod(i, columns): panel for i, panel in enumerate(axes)}
    panels = {model: grid.pop(place) for model, place in places.items()}
    for spare in grid.values():
        spare.remove()
    return figure, panels


def error_text(minima: pd.DataFrame) -> str:
    """Mean ± standard deviation in percent; empty without accuracies."""
    errors = 100 - minima["test_accuracy"].dropna()
    spread = f" ± {errors.std(ddof=1):.2f}" if len(errors) > 1 else ""
    return f"{errors.mean():.2f}{spread} %" if len(errors) else ""
