"""Loss along the curves that connect the minima (Barannikov et al. 2022, figure 8)."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lossbars.plots import style
from lossbars.plots.tables import lowest, per_model
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.work import Work

COLUMNS = ("model", "a", "b", "t", "objective")
HIGHLIGHTS = {"lowest": style.PALETTE[2], "median": style.PALETTE[0], "highest": style.PALETTE[1]}
CURVE, SEGMENT = "0.62", style.PALETTE[4]


def draw(work: Work[FigureSettings]) -> Figure:
    """The figure of a task."""
    return profiles(work.trained("curves"), work.settings.labels, work.settings.title)


@style.styled
def profiles(curves: pd.DataFrame, labels: dict[str, str], title: str) -> Figure:
    """Loss against t ∈ [0, 1] along every curve, one panel per model, with one loss axis (v3, figure 8).

    A dot marks the maximum of each curve on its grid; the curves whose maxima are lowest, median and highest are
    thick. Of several curves of a pair the lowest is drawn. Where the table has a column ``kind``, rows of kind
    ``segment`` are the straight segments of the same pairs, drawn dashed. ValueError for an empty table and for a
    model without curves, by name.
    """
    table = curves if "kind" in curves.columns else curves.assign(kind="curve")
    segments = table[table["kind"] == "segment"]
    table = pd.concat([lowest(table[table["kind"] != "segment"], ["a", "b"]), segments], ignore_index=True)
    if unknown := set(table["kind"]) - {"curve", "segment"}:
        raise ValueError(f"table 'curves': a kind is none of curve, segment: {', '.join(sorted(map(str, unknown)))}")
    tables = per_model(table, labels, COLUMNS, "curves")
    figure, axes = style.panels(len(labels), title, height=2.1, sharey=True)
    losses = pd.concat(tables.values())["objective"].to_numpy()
    log = style.wants_log(losses)
    for panel, (model, rows) in zip(axes, tables.items(), strict=True):
        optimised = rows[rows["kind"] == "curve"]
        if optimised.empty:
            raise ValueError(f"table 'curves' has no curve of model {model!r}, only segments")
        style.loss_axis(panel, "y", log)
        if (place := panel.get_subplotspec()) and not place.is_first_col():
            panel.set_ylabel("")
        panel.set(xlim=(0, 1), xlabel="t", xticks=[0, 0.5, 1], xticklabels=["0", "0.5", "1"])
        _draw_segments(panel, rows[rows["kind"] == "segment"])
        panel.set_title(f"{labels[model]}\n{_draw_curves(panel, optimised)}")
    axes[0].set_ylim(style.limits(losses, log))
    straight = any((rows["kind"] == "segment").any() for rows in tables.values())
    note = "One curve per pair of minima. In brackets: the lowest, median and highest of the curves' maxima."
    style.caption(figure, _legend(straight), note, columns=6)
    return figure


def _draw_segments(axes: Axes, rows: pd.DataFrame) -> None:
    for (a, b), pair in rows.groupby(["a", "b"]):
        line = pair.sort_values("t")
        axes.plot(line["t"], line["objective"], "--", color=SEGMENT, linewidth=0.4, alpha=0.5, gid=f"segment-{a}+{b}")


def _draw_curves(axes: Axes, rows: pd.DataFrame) -> str:
    """Draws the curves; returns their number and the three maxima that are highlighted."""
    lines = [pair.sort_values("t") for _, pair in rows.groupby(["a", "b"])]
    lines.sort(key=lambda line: float(line["objective"].max()))
    last = len(lines) - 1
    roles = {last // 2: "median", 0: "lowest", last: "highest"}
    for index, line in enumerate(lines):
        role = roles.get(index)
        color, width = (HIGHLIGHTS[role], 1.5) if role else (CURVE, 0.5)
        top = line.loc[line["objective"].idxmax()]
        gid = f"curve-{line['a'].iloc[0]}+{line['b'].iloc[0]}"
        order = 4 if role else 2
        axes.plot(line["t"], line["objective"], color=color, linewidth=width, zorder=order, gid=gid)
        axes.plot(
            top["t"], top["objective"], "o", color=color, markersize=4.5 if role else 2, markeredgecolor="white",
            markeredgewidth=0.5 if role else 0, zorder=order + 1, clip_on=False, gid=f"max-{gid}",
        )  # fmt: skip
    maxima = ", ".join(f"{lines[index]['objective'].max():.3g}" for index in (0, last // 2, last))
    return f"{len(lines)} pair{'s' if last else ''} [{maxima}]"


def _legend(straight: bool) -> list[Line2D]:
    handles = [Line2D([], [], color=CURVE, linewidth=0.8, marker="o", markersize=2, label="curve and its maximum")]
    for role, color in HIGHLIGHTS.items():
        handles.append(Line2D([], [], color=color, linewidth=1.5, marker="o", markersize=4, label=role))
    if straight:
        handles.append(Line2D([], [], color=SEGMENT, linewidth=0.8, linestyle="--", label="straight segment"))
    return handles
