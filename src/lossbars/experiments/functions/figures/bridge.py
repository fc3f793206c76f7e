"""The two ways to a barcode side by side: clouds of points, and optimised curves between optimised minima.

No paper has this figure: barcodes of functions are computed from clouds (Barannikov et al. 2020, Barcodes as summary),
those of networks from curves (Barannikov et al. 2022, Loss barcode). Where both can be done they should agree.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.experiments.functions.bar_tables import TOLERANCE, side_by_side
from lossbars.experiments.functions.figures.cloud_tables import clouds
from lossbars.plots import style
from lossbars.plots.bars import SHARE, longest
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "source", "seed", "birth", "death")
MOST = 30  # matched bars drawn as bars: more are too thin; all are in the diagrams
WIDE = 110.0  # points: the width of a panel of bars
CLOUD, CURVES, DIRECT = "#9CC8E8", "#003A5D", style.PALETTE[2]
ALONE, WRONG = "#F2C4A0", style.PALETTE[1]


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    settings = work.settings
    return bridge(work.table("bars"), settings.labels, settings.title)


@style.styled
def bridge(bars: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """Bars of a cloud and of optimised curves, one in the other, and their deaths against each other.

    Left of each model: a wide pale bar is one of the cloud with the lowest number, the narrow dark one in it is the bar
    that it is matched with (:func:`lossbars.experiments.functions.bar_tables.matched`), of the optimised curves by the
    ``merged`` convention; a triangle stands where the best single curve of that minimum ends it (``direct``). Right:
    death by curves against death in the cloud; disagreement is red. ValueError for an empty table, and for a model
    without rows of one of the three sources, by name.
    """
    sources = {source: clouds(bars, labels, COLUMNS, source) for source in ("cloud", "merged", "direct")}
    figure, axes = style.panels(
        2 * len(labels), title, height=2.0, columns=min(4, 2 * len(labels)), width_ratios=[1.3, 1] * min(2, len(labels))
    )
    for index, model in enumerate(labels):
        cloud, merged, direct = (sources[source][model] for source in sources)
        rows = side_by_side(cloud, merged, direct)
        shown = _longest(rows)
        left, right = axes[2 * index : 2 * index + 2]
        _draw_bars(left, shown, model)
        _draw_deaths(right, rows, TOLERANCE * longest(cloud), model)
        left.set_title(f"{labels[model]}\n{f'{len(shown)} of ' * (len(shown) < len(rows))}{len(rows)} bars", pad=9)
        right.set_title(f"{rows['agrees'].sum()} of {len(rows)} agree")
    note = (
        f"Bars longer than {SHARE:.0%} of the longest finite one of the cloud, the {MOST} longest as bars. Red: matched"
    )
    note += (
        f" bars whose births or deaths differ by more than {TOLERANCE:.0%} of that length, and bars without a match."
    )
    style.caption(figure, _legend(), note, columns=3)
    return figure


def _longest(rows: pd.DataFrame) -> pd.DataFrame:
    """At most ``MOST`` bars, the longest by the cloud or by the curves, still in the order of birth."""
    length = np.fmax(rows["death"] - rows["birth"], rows["death_curves"] - rows["birth_curves"])
    return rows.loc[length.nlargest(MOST).index.sort_values()]


def _draw_bars(axes: Axes, rows: pd.DataFrame, model: str) -> None:
    values = rows[["birth", "birth_curves", "death", "death_curves", "death_direct"]].to_numpy()
    axes.set(ylim=style.limits(values[np.isfinite(values)], False), xlim=(-0.6, len(rows) - 0.4), xticks=[])
    axes.locator_params(axis="y", nbins=5)
    style.loss_axis(axes, "y", False, "value")
    pitch = WIDE / len(rows)
    top, x = axes.get_ylim()[1], np.arange(len(rows))
    alone, agrees = rows["birth_curves"].isna().to_numpy(), rows["agrees"].to_numpy()
    looks = (
        ("", 0.72, np.where(alone, ALONE, CLOUD), "cloud"),
        ("_curves", 0.26, np.where(agrees, CURVES, WRONG), "curves"),
    )
    for end, width, colors, name in looks:
        birth, death = rows[f"birth{end}"].to_numpy(), rows[f"death{end}"].to_numpy()
        _bars(axes, x, birth, np.minimum(death, top), min(width * pitch, 9 * width), colors, f"{name}-{model}")
    endless = np.isinf(rows["death"]) | np.isinf(rows["death_curves"])
    look: dict[str, Any] = {"clip_on": False, "transform": axes.get_xaxis_transform(), "gid": f"arrows-{model}"}
    axes.plot(x[endless], np.full(endless.sum(), 1.03), "^", color=CURVES, markersize=5, **look)
    single = rows["death_direct"].where(rows["death_direct"] > rows["death_curves"])
    axes.plot(x, single, "v", color=DIRECT, markersize=max(2.2, min(4.0, 0.8 * pitch)), mew=0, gid=f"direct-{model}")


def _bars(axes: Axes, x: Any, birth: Any, death: Any, width: float, colors: Any, gid: str) -> None:
    there = ~np.isnan(birth)
    axes.vlines(x[there], birth[there], death[there], colors=colors[there], linewidth=width, gid=gid)


def _draw_deaths(axes: Axes, rows: pd.DataFrame, tolerance: float, model: str) -> None:
    """Finite deaths of matched bars, on both sides of the diagonal and the band of tolerance."""
    both = rows[np.isfinite(rows["death"]) & np.isfinite(rows["death_curves"])]
    ends = both[["death", "death_curves", "death_direct"]].to_numpy()
    axes.set(xlabel="death, cloud", ylabel="death, curves", box_aspect=1)
    axes.locator_params(nbins=3)
    if not len(both):
        return
    low, high = style.limits(ends[np.isfinite(ends)], False, 0.08, 0.08)
    low, high = min(low, ends[0, 0] - 2 * tolerance), max(high, ends[0, 0] + 2 * tolerance)
    axes.set(xlim=(low, high), ylim=(low, high))
    corner = np.array([low, high])
    axes.fill_between(corner, corner - tolerance, corner + tolerance, color="0.88", linewidth=0, gid=f"band-{model}")
    axes.plot(corner, corner, "-", color=style.GREY, linewidth=0.6, gid=f"diagonal-{model}")
    single = both[both["death_direct"] > both["death_curves"]]
    axes.plot(
        single["death"], single["death_direct"], "v", color=DIRECT, markersize=3.4, mew=0, gid=f"deaths-direct-{model}"
    )
    for agrees, color, name in ((True, CURVES, "agree"), (False, WRONG, "differ")):
        some = both[both["agrees"] == agrees]
        axes.plot(
            some["death"],
            some["death_curves"],
            "o",
            color=color,
            markersize=3,
            mew=0,
            alpha=0.85,
            gid=f"{name}-{model}",
        )


def _legend() -> list[Line2D]:
    none: dict[str, Any] = {"linestyle": "none"}
    return [
        Line2D([], [], color=CLOUD, linewidth=6, label="bar of the cloud"),
        Line2D([], [], color=CURVES, linewidth=2.2, label="matched bar of the curves (merged)"),
        Line2D(
            [], [], color=DIRECT, marker="v", markersize=4, label="best single curve (direct), where higher", **none
        ),
        Line2D([], [], color=WRONG, linewidth=2.2, marker="o", markersize=3, label="disagreement"),
        Line2D([], [], color=CURVES, marker="^", markersize=5, label="half-line", **none),
    ]
