"""What the figure of networks by depth and width draws, and 1-saddle barcodes, read back from their artists."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lossbars.experiments.networks.figures.barcodes import barcodes
from lossbars.experiments.networks.figures.complexity import complexity, error_text, layout
from lossbars.workflow.artefacts import read_table
from lossbars.workflow.config import ConfigError
from lossbars.workflow.settings import FigureSettings
from support.network_figures import extents, line, make_bars, tick_names, words
from support.workflow import TINY, Model, plan

pytestmark = pytest.mark.filterwarnings("error")


def resnet(depth: int, width: int, shortcuts: bool) -> dict[str, Any]:
    return {"kind": "resnet", "depth": depth, "width": width, "shortcuts": shortcuts}


SIZES = [(56, 2), (110, 1), (20, 1), (56, 1)]  # not the order of the columns
NETS = {f"r{d}-{w}{'' if s else '-ns'}": resnet(d, w, s) for d, w in SIZES for s in (False, True)}
ABOVE = ["r20-1", "r56-1", "r110-1", "r56-2"]
BARS = {model: [(0.01 + 0.01 * i, 0.1), (0.02, 0.2), (0.005, np.inf)] for i, model in enumerate(NETS)}


def make_minima(*models: str, accuracies: tuple[float, ...] = (92.0, 93.0, 94.0)) -> pd.DataFrame:
    rows = [(model, seed, 0.1, own) for model in models for seed, own in enumerate(accuracies)]
    return pd.DataFrame(rows, columns=["model", "seed", "objective", "test_accuracy"])


def labels_of(*models: str) -> dict[str, str]:
    return {model: model.upper() for model in models}


def draw(*models: str, minima: pd.DataFrame | None = None) -> Figure:
    minima = make_minima(*models) if minima is None else minima
    return complexity(make_bars(BARS), minima, labels_of(*models), NETS, "Depth and width")


def grid(figure: Figure) -> dict[str, tuple[int, int]]:
    """First line of a panel's title → its row and column."""
    found = {}
    for axes in figure.axes:
        spec = axes.get_subplotspec()
        assert spec is not None
        found[axes.get_title().split("\n")[0]] = (spec.rowspan.start, spec.colspan.start)
    return found


def panel(figure: Figure, name: str) -> Axes:
    (found,) = (axes for axes in figure.axes if axes.get_title().split("\n")[0] == name)
    return found


def test_columns_are_widths_and_depths_and_networks_without_shortcuts_stand_below() -> None:
    places = grid(draw(*NETS))
    assert places == {model.upper(): (0, i) for i, model in enumerate(ABOVE)} | {
        f"{model}-ns".upper(): (1, i) for i, model in enumerate(ABOVE)
    }


def test_a_network_without_a_counterpart_leaves_its_place_empty() -> None:
    assert grid(draw("r56-1", "r20-1", "r56-1-ns")) == {"R20-1": (0, 0), "R56-1": (0, 1), "R56-1-NS": (1, 1)}
    figure = draw("r56-1", "r20-1", "r56-1-ns")
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "", "loss"]
    figure.draw_without_rendering()
    assert all(text.get_visible() for text in panel(figure, "R56-1-NS").get_yticklabels())


def test_networks_without_shortcuts_alone_have_one_row() -> None:
    assert set(grid(draw("r20-1-ns", "r56-1-ns")).values()) == {(0, 0), (0, 1)}


def test_any_networks_are_laid_out_in_rows_of_four_in_their_order_of_size() -> None:
    nets: dict[str, dict[str, Any]] = {f"d{d}": {"kind": "mlp", "depth": d, "width": 8} for d in (3, 1, 2, 5, 4)}
    assert layout(nets) == {"d1": (0, 0), "d2": (0, 1), "d3": (0, 2), "d4": (0, 3), "d5": (1, 0)}
    custom: dict[str, dict[str, Any]] = {key: {"kind": "custom", "source": "a.py:A", "arguments": {}} for key in "ba"}
    assert layout(custom) == {"b": (0, 0), "a": (0, 1)}  # one network by two recipes


def test_bars_of_every_panel_on_one_axis() -> None:
    figure = draw(*NETS)
    for model, bars in BARS.items():
        ends = sorted(bar for bar in bars if np.isfinite(bar[1]))
        np.testing.assert_allclose(extents(figure, f"bars-{model}"), ends)
        assert len(line(figure, f"births-{model}").get_ydata()) == 3
        assert len(line(figure, f"arrows-{model}").get_ydata()) == 1
    (limits,) = {axes.get_ylim() for axes in figure.axes}
    assert limits[0] < 0.005 and limits[1] > 0.2
    assert {axes.get_xlabel() for axes in figure.axes} == {"TO 0.127, n = 3"}
    assert "direct bars of the given minima" in words(figure) and "test error" in words(figure)


def test_a_wide_range_is_logarithmic_in_every_panel() -> None:
    bars = make_bars(BARS | {"r20-1": [(1e-4, np.inf), (2e-4, 1.0)]})
    figure = complexity(bars, make_minima(*NETS), labels_of(*NETS), NETS, "")
    assert {axes.get_yscale() for axes in figure.axes} == {"log"}
    assert figure.axes[0].get_ylabel() == "loss (log scale)"


def test_kinds_differ_in_colour() -> None:
    figure = draw(*NETS)
    colours = {model: line(figure, f"births-{model}").get_color() for model in NETS}
    assert len({colours[model] for model in ABOVE}) == 1 and len(set(colours.values())) == 2


def test_titles_have_the_test_error_of_their_own_minima() -> None:
    minima = pd.concat([make_minima("r20-1"), make_minima("r56-1", accuracies=(82.6,))])
    figure = draw("r20-1", "r56-1", minima=minima)
    assert panel(figure, "R20-1").get_title() == "R20-1\n7.00 ± 1.00 %"
    assert panel(figure, "R56-1").get_title() == "R56-1\n17.40 %"
    assert error_text(make_minima("r20-1", accuracies=(float("nan"),))) == "", "a regression has none"


def test_a_model_without_bars_or_minima_is_named() -> None:
    with pytest.raises(ValueError, match="'bars' has no row for model 'wide'"):
        complexity(make_bars(BARS), make_minima("wide"), {"wide": "W"}, {"wide": resnet(8, 1, True)}, "")
    with pytest.raises(ValueError, match="'minima' has no row for model 'r56-1'"):
        draw("r56-1", minima=make_minima("r20-1"))


@pytest.mark.parametrize("models", [("r20-1",), ("r20-1", "r56-1-ns"), tuple(NETS)], ids=len)
def test_nothing_drawn_leaves_the_page(models: tuple[str, ...]) -> None:
    figure = draw(*models)
    figure.draw_without_rendering()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert drawn.x0 > -0.01 and drawn.x1 < width + 0.01
    assert drawn.y0 > -0.01 and drawn.y1 < height + 0.01


# 1-saddle barcodes of all triangles --------------------------------------------------------------


def one_saddles(loops: dict[str, list[tuple[float, float]]], labels: dict[str, str]) -> Figure:
    bars = [make_bars({model: [(0.01, np.inf), (0.02, 0.5)] for model in labels}, convention="merged")]
    bars += [make_bars(loops, 1, "merged")] if loops else []
    return barcodes(pd.concat(bars), labels, "loops", "merged", dim=1)


def test_one_saddles_are_the_bars_of_dimension_1_alone() -> None:
    loops = [(0.5, 0.9), (0.4, 0.6), (0.55, 0.7)]  # the longest is 0.4
    figure = one_saddles({"wide": loops}, {"wide": "Wide"})
    np.testing.assert_allclose(extents(figure, "bars-wide"), sorted(loops))
    assert len(line(figure, "arrows-wide").get_ydata()) == 0
    assert tick_names(figure.axes[0]) == ["Wide\nTO 0.283\nn = 3"]
    assert "loop of curves" in words(figure) and "minimum" not in words(figure)


def test_a_model_whose_loops_are_all_filled_at_no_cost_has_no_bars() -> None:
    figure = one_saddles({"wide": [(0.5, 0.9)]}, {"flat": "Flat", "wide": "Wide"})
    assert tick_names(figure.axes[0]) == ["Flat\nTO 0\nn = 0", "Wide\nTO 0.283\nn = 1"]
    assert tick_names(one_saddles({}, {"flat": "Flat"}).axes[0]) == ["Flat\nTO 0\nn = 0"]


# In the workflow ---------------------------------------------------------------------------------


def test_the_steps_draw_both_of_the_tables_they_expect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(tmp_path, plan(figures=["complexity", "one-saddles"]))
    model.train()
    model.barcode()
    (gathered,) = (task for task in model.tasks if task.path == "results/tiny/barcodes.parquet")
    model.run(gathered)
    drawn: dict[str, Figure] = {}
    monkeypatch.setattr("lossbars.workflow.figure_step.save", lambda figure, pdf, *_: drawn.update({pdf.stem: figure}))
    model.run(*model.plan.figures("tiny"))
    error = 100 - pd.concat(model.table("minima", part) for part in model.blocks)["test_accuracy"]
    title = f"one layer\n{error.mean():.2f} ± {error.std():.2f} %"
    assert [axes.get_title() for axes in drawn["tiny-complexity"].axes] == [title]
    loops = read_table(tmp_path / gathered.path, gathered.key).query("dim == 1")
    assert tick_names(drawn["tiny-one-saddles"].axes[0])[0].endswith(f"n = {len(loops)}")


def test_one_saddles_need_triangles_and_show_models_that_have_them() -> None:
    bare = TINY["models"]["mlp"] | {"label": "bare", "triangles": None}
    planned = plan(models=TINY["models"] | {"bare": bare}, figures=["one-saddles", "complexity"])
    saddles, sizes = planned.figures("tiny")
    assert isinstance(saddles.settings, FigureSettings) and isinstance(sizes.settings, FigureSettings)
    assert list(saddles.settings.labels) == ["mlp"]
    assert list(sizes.settings.labels) == ["mlp", "bare"]
    assert list(sizes.inputs) == ["bars", "minima"]
    assert {made.task.model for made in sizes.inputs["minima"]} == {"mlp", "bare"}
    with pytest.raises(ConfigError, match="'one-saddles' needs a model with a triangles recipe"):
        plan(triangles=None, figures=["one-saddles"])
