"""How bars depend on the choice of minima (Barannikov et al. 2020, Topological obstructions, figure 7).

Also Barannikov et al. 2022, figure 11.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lossbars.plots import style
from lossbars.plots.tables import explain, per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "convention", "size", "subset", "rank", "minimum", "birth", "death")
SIZE = 4  # of the subsets of Barannikov et al. 2022, figure 11
BIRTHS, DEATHS = style.PALETTE[0], style.PALETTE[1]


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return robustness(work.tables("robustness"), work.settings.labels, work.settings.title)


@style.styled
def robustness(table: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """Three panels per model, from direct barcodes of subsets of its minima; losses in the units of the table.

    Left (v1, figure 7a): mean ± standard deviation of the death of each minimum, by increasing loss, over the
    subsets of one size, and in how many of them its bar is finite; ∞ where in none. Middle (v1, figure 7b): the
    same for one minimum against the size; it has finite bars at the most sizes, and the highest loss among those.
    Right (v3, figure 11): boxes of births and deaths per rank by loss. The size left and right is 4, or the nearest
    there is. ValueError for an empty table, a model without rows or without any finite death, by name.
    """
    note = f"{explain('direct')}.\nMean ± standard deviation over subsets of the minima, finite bars only."
    tables = per_model(table, labels, COLUMNS, "robustness", convention="direct")
    figure, axes = style.panels(3 * len(labels), title, height=2.2)
    for row, (model, rows) in enumerate(tables.items()):
        finite = rows[np.isfinite(rows["death"])]
        if finite.empty:
            raise ValueError(f"table 'robustness': no bar of model {model!r} is finite")
        left, middle, right = axes[3 * row : 3 * row + 3]
        size = min(finite["size"].unique(), key=lambda size: (abs(size - SIZE), size))
        _by_minimum(left, rows[rows["size"] == size])
        _by_size(middle, finite)
        _by_rank(right, rows[rows["size"] == size])
        count = rows[rows["size"] == size]["subset"].nunique()
        left.set_title(f"{labels[model]}\ndeaths in {count} subsets of {size}", loc="left")
        right.set_title(f"bars of {count} subsets of {size}", loc="left")
    handles = [
        Patch(facecolor=DEATHS, label="deaths (saddles)", alpha=0.6),
        Patch(facecolor=BIRTHS, label="births (minima)", alpha=0.6),
    ]
    style.caption(figure, handles, f"{note}\nBoxes: quartiles; whiskers reach 1.5 times their distance.")
    return figure


def _spread(axes: Axes, x: np.ndarray, deaths: list[np.ndarray]) -> None:
    """Mean ± standard deviation (of a sample; none for one value) of each group of deaths."""
    means = [group.mean() for group in deaths]
    deviations = [group.std(ddof=1) if len(group) > 1 else 0.0 for group in deaths]
    axes.errorbar(x, means, deviations, fmt="o", color=DEATHS, markersize=4, capsize=2.5)
    style.loss_axis(axes, "y", style.wants_log(np.array(means)), "death, mean ± std")
    axes.set_xlim(x.min() - 0.7, x.max() + 0.7)


def _by_minimum(axes: Axes, rows: pd.DataFrame) -> None:
    order = rows.groupby("minimum")["birth"].first().sort_values(kind="stable").index
    deaths = [rows.loc[rows["minimum"] == minimum, "death"].to_numpy() for minimum in order]
    finite = [group[np.isfinite(group)] for group in deaths]
    some = np.array([len(group) > 0 for group in finite])
    x = np.arange(len(order))
    _spread(axes, x[some], [group for group in finite if len(group)])
    for position in x[~some]:
        axes.text(position, 0.98, "∞", transform=axes.get_xaxis_transform(), ha="center", va="top")
    names = [f"{minimum}\n{len(group)}" for minimum, group in zip(order, finite, strict=True)]
    axes.set_xticks(x, names)
    axes.set(xlim=(-0.7, len(order) - 0.3), xlabel="minimum, by increasing loss;\nbelow: its number of finite bars")


def _by_size(axes: Axes, finite: pd.DataFrame) -> None:
    known = finite.groupby("minimum").agg(sizes=("size", "nunique"), birth=("birth", "max"))
    minimum = known.sort_values(["sizes", "birth"], kind="stable").index[-1]
    rows = finite[finite["minimum"] == minimum]
    sizes = np.sort(rows["size"].unique())
    _spread(axes, sizes, [rows.loc[rows["size"] == size, "death"].to_numpy() for size in sizes])
    axes.set_xticks(sizes)
    axes.set_title(f"deaths of minimum {minimum}", loc="left")
    axes.set_xlabel("size of the subset")


def _by_rank(axes: Axes, rows: pd.DataFrame) -> None:
    shown = []
    for rank, bars in rows.groupby("rank"):
        for values, color in ((bars["birth"], BIRTHS), (bars["death"], DEATHS)):
            kept = values[np.isfinite(values)].to_numpy()
            if len(kept):
                _box(axes, int(rank), kept, color)
                shown.append(kept)
        if np.isinf(bars["death"]).all():
            axes.text(rank, 0.98, "∞", transform=axes.get_xaxis_transform(), ha="center", va="top")
    losses = np.concatenate(shown)
    log = style.wants_log(losses)
    style.loss_axis(axes, "y", log)
    axes.set(ylim=style.limits(losses, log, above=0.12), xlabel="rank by increasing loss")
    ranks = np.sort(rows["rank"].unique())
    axes.set_xticks(ranks, [str(rank + 1) for rank in ranks])


def _box(axes: Axes, rank: int, values: np.ndarray, color: str) -> None:
    axes.boxplot(
        [values], positions=[rank], widths=0.55, patch_artist=True, manage_ticks=False,
        boxprops={"facecolor": color, "alpha": 0.6, "linewidth": 0.6}, medianprops={"color": "black"},
        flierprops={"marker": ".", "markersize": 2.5, "markeredgecolor": color},
        whiskerprops={"linewidth": 0.7}, capprops={"linewidth": 0.7},
    )  # fmt: skip
