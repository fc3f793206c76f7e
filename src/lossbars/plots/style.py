"""One style for every figure, and the one way to write a figure to files.

Colours are those of Okabe and Ito without yellow, which is too faint on white: they stay apart for
colour-blind readers, and every use of colour is doubled by a marker, a position or a label.
"""

import contextlib
import functools
import math
import os
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, ParamSpec, cast

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

P = ParamSpec("P")

WIDTH = 7.0  # inches: the text width of an A4 or letter page
SMALL = 7.0  # points, the smallest text
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
GREY = "0.55"
LOG_ABOVE = 50.0  # a larger ratio of the largest loss to the smallest is drawn on a log axis

DARK = ".15"  # softer than black, as seaborn draws text and axes, which would be loaded for each figure
STYLE: dict[str, Any] = {
    **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "text.color", "xtick.color", "ytick.color"), DARK),
    "axes.axisbelow": True,
    "grid.color": ".8",
    "lines.solid_capstyle": "round",
    "patch.edgecolor": "w",
    "patch.force_edgecolor": True,
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same letters on every machine
    "font.size": 8.0,
    "axes.titlesize": 8.0,
    "axes.labelsize": 8.0,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.title_fontsize": SMALL,
    "legend.frameon": False,
    "figure.titlesize": 9.0,
    "figure.titleweight": "bold",
    "axes.linewidth": 0.7,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "ytick.minor.size": 1.5,
    "xtick.minor.size": 1.5,
    "lines.linewidth": 1.2,
    "pdf.fonttype": 42,  # TrueType, which journals ask for
    "svg.hashsalt": "lossbars",  # without it, the names inside an SVG are random
}


@contextlib.contextmanager
def context() -> Iterator[None]:
    """The style of this package on top of matplotlib's defaults, whatever settings the user has."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(cast(Any, STYLE))
        yield


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """``draw`` with the style of this package."""

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with context():
            return draw(*args, **kwargs)

    return drawn


def color(index: int) -> str:
    """The colour of the ``index``-th model."""
    return PALETTE[index % len(PALETTE)]


def panels(count: int, title: str, height: float, columns: int = 3, **kwargs: Any) -> tuple[Figure, list[Axes]]:
    """A titled figure with ``count`` panels in rows of at most ``columns``, ``height`` inches a row."""
    columns = 2 if count == 4 and columns == 3 else min(count, columns)  # four panels look better as a square
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(WIDTH, height * rows + 0.9), layout="constrained")
    figure.suptitle(wrap(title, WIDTH, 11.0))  # bold letters are wider: 9 points as if 11
    axes = figure.subplots(rows, columns, squeeze=False, **kwargs).ravel().tolist()
    for spare in axes[count:]:
        spare.remove()
    for panel in axes[:count]:
        panel.spines[["top", "right"]].set_visible(False)
    return figure, axes[:count]


def caption(figure: Figure, handles: Sequence[Any], note: str, columns: int = 4) -> None:
    """A legend below all panels, headed by ``note``: what n, the convention and the spread are."""
    legend = figure.legend(
        handles=list(handles), loc="outside lower center", ncols=columns, title=wrap(note, WIDTH), columnspacing=1.5
    )
    legend.get_title().set_multialignment("center")


def name_models(axes: Axes, positions: np.ndarray, labels: Sequence[str], below: Sequence[str] | None = None) -> None:
    """Names the models under a panel of full width, the lines of ``below`` at one height under all names."""
    points = SMALL if len(labels) <= 7 else SMALL - 1
    names = [wrap(label, 0.85 * WIDTH / len(labels), points) for label in labels]
    lines = max(name.count("\n") for name in names)
    if below is not None:
        names = [name + "\n" * (1 + lines - name.count("\n")) + text for name, text in zip(names, below, strict=True)]
    axes.set_xticks(positions, names, fontsize=points)


def wrap(text: str, inches: float, points: float = SMALL) -> str:
    """``text`` broken into lines of at most ``inches``, for letters of ``points`` points."""
    letters = max(4, int(inches * 72 / (0.56 * points)))  # a letter of DejaVu Sans is about 0.56 of its size wide
    return "\n".join(textwrap.fill(line, letters) for line in text.split("\n"))


def look(index: int) -> dict[str, Any]:
    """Colour and marker of the thing of this number in a figure: 70 pairs before one repeats."""
    return {"color": color(index), "marker": MARKERS[index % len(MARKERS)]}


def wants_log(losses: np.ndarray) -> bool:
    """Whether finite ``losses`` are positive and differ by more than a factor of ``LOG_ABOVE``."""
    return bool(losses.min() > 0 and losses.max() / losses.min() > LOG_ABOVE)


def limits(losses: np.ndarray, log: bool, below: float = 0.06, above: float = 0.06) -> tuple[float, float]:
    """Axis limits around finite ``losses``, with margins as fractions of their range on the axis."""
    low, high = (math.log(losses.min()), math.log(losses.max())) if log else (losses.min(), losses.max())
    reach = (high - low) or abs(high) or 1.0
    low, high = low - below * reach, high + above * reach
    return (math.exp(low), math.exp(high)) if log else (float(low), float(high))


def loss_axis(axes: Axes, which: Literal["x", "y"], log: bool, label: str = "loss") -> None:
    """Names the axis ``which`` and scales it; a log scale is said in the label and keeps plain numbers."""
    axes.set(**{f"{which}label": f"{label} (log scale)" if log else label})
    if log:
        axes.set(**{f"{which}scale": "log"})
        axis = axes.xaxis if which == "x" else axes.yaxis
        axis.set_major_locator(LogLocator(subs=(1.0, 3.0)))  # two decades would have one label else
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def save(figure: Figure, pdf_path: str | os.PathLike[str], svg_path: str | os.PathLike[str], mark: str = "") -> None:
    """Writes ``figure`` as PDF and as SVG, the same bytes every time; neither file appears unless both are complete.

    ``mark`` says what made them: among the PDF's keywords, and in a comment at the SVG's end. The layout is computed
    once and then kept, so both files, and a second call, have the same one.
    """
    paths = {"pdf": Path(pdf_path), "svg": Path(svg_path)}
    facts = {"pdf": {"CreationDate": None, "Keywords": mark or None}, "svg": {"Date": None}}
    parts = {kind: path.with_name(f".{path.name}.{os.getpid()}.part") for kind, path in paths.items()}
    try:
        with context():
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
            for kind, part in parts.items():
                part.parent.mkdir(parents=True, exist_ok=True)
                figure.savefig(part, format=kind, metadata=facts[kind])
        if mark:
            with parts["svg"].open("a") as svg:
                svg.write(f"<!-- {mark} -->\n")
        for kind, part in parts.items():
            os.replace(part, paths[kind])
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
