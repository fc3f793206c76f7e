"""What the figures draw, read back from their artists."""

import itertools
import math
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation

import lossbars
from lossbars.experiments.networks.figures.barcodes import barcodes
from lossbars.experiments.networks.figures.closed import closed
from lossbars.experiments.networks.figures.persistence import persistence
from lossbars.experiments.networks.figures.profiles import profiles
from lossbars.experiments.networks.figures.robustness import robustness
from lossbars.experiments.networks.figures.to_score import to_score
from lossbars.experiments.networks.figures.triangle import triangle
from lossbars.plots.components import components
from lossbars.plots.style import save
from lossbars.plots.tables import explain
from support.network_figures import BARS, extents, line, make_bars, tick_names, words

pytestmark = pytest.mark.filterwarnings("error")

LABELS = {"deep": "MLP, 8 layers", "flat": "MLP, 2 layers"}  # neither alphabetical nor the order of the tables
MANY = {f"m{i}": f"WideResNet-56-{i}-NS" for i in range(10)}


def make_curves(models=tuple(LABELS), minima: int = 3, segments: bool = False) -> pd.DataFrame:
    """The curve of the pair (a, b) peaks at t = 1/2 with loss (1 + a + 10 b)/100, the segment at 2."""
    t = np.linspace(0, 1, 5)
    bump = 1 - (2 * t - 1) ** 2
    tables = []
    for model, (a, b) in itertools.product(models, itertools.combinations(range(minima), 2)):
        tops = {"curve": (1 + a + 10 * b) / 100} | ({"segment": 2.0} if segments else {})
        for kind, top in tops.items():
            row = {"model": model, "a": a, "b": b, "t": t, "objective": 0.001 + (top - 0.001) * bump, "kind": kind}
            tables.append(pd.DataFrame(row))
    table = pd.concat(tables, ignore_index=True)
    return table if segments else table.drop(columns="kind")


def make_triangles(models=tuple(LABELS), m: int = 8) -> pd.DataFrame:
    """Two triples: 1, 4, 9 with its largest loss 0.5 at t = (1/4, 1/2, 1/4), and 2, 5, 8 with a higher one."""
    grid = [(i / m, j / m, (m - i - j) / m) for i in range(m + 1) for j in range(m + 1 - i)]
    tables = []
    for model, (corners, top) in itertools.product(models, (((2, 5, 8), 0.9), ((1, 4, 9), 0.5))):
        rows = pd.DataFrame(grid, columns=["t1", "t2", "t3"])
        distance = (rows["t1"] - 0.25) ** 2 + (rows["t2"] - 0.5) ** 2
        rows = rows.assign(objective=top - 0.4 * distance, model=model)
        tables.append(rows.assign(**dict(zip("abc", corners, strict=True))))
    return pd.concat([*tables, tables[-1].head(3)], ignore_index=True)  # some points twice


def make_robustness(models=tuple(LABELS), minima: int = 5) -> pd.DataFrame:
    """All subsets; minimum i has loss .01 (i + 1), and its curve to a lower j peaks at .1 + .02 i + .01 j."""
    rows = []
    for model, size in itertools.product(models, range(2, minima + 1)):
        for subset, chosen in enumerate(itertools.combinations(range(minima), size)):
            for rank, i in enumerate(chosen):
                death = 0.1 + 0.02 * i + 0.01 * chosen[0] if rank else np.inf
                rows.append((model, "direct", size, subset, rank, i, 0.01 * (i + 1), death))
    columns = ["model", "convention", "size", "subset", "rank", "minimum", "birth", "death"]
    return pd.DataFrame(rows, columns=columns)


def draw_all(labels: dict[str, str], long: int = 1) -> dict[str, Figure]:
    """Every figure, with ten minima a model."""
    title = "Fully connected networks on MNIST " * long
    births = np.linspace(0.001, 0.02, 10)
    table = {model: [(b, 0.02 + 10 * b if i else np.inf) for i, b in enumerate(births)] for model in labels}
    bars, subsets = make_bars(table), make_robustness(tuple(labels))
    merged = [make_bars(table, convention="merged"), make_bars({next(iter(labels)): [(0.1, 0.2)]}, 1, "merged")]
    return {
        "barcodes": barcodes(bars, labels, title),
        "to_score": to_score(bars, subsets, labels, title),
        "profiles": profiles(make_curves(tuple(labels), 4, segments=True), labels, title),
        "triangle": triangle(make_triangles(tuple(labels)), labels, title),
        "robustness": robustness(subsets, labels, title),
        "persistence": persistence(pd.concat(merged), labels, title),
        "components": components(pd.concat(merged), labels, title),
    }


class TestBarcodes:
    def test_a_bar_reaches_from_birth_to_death_in_order_of_birth(self):
        figure = barcodes(make_bars(), LABELS, "bars")
        np.testing.assert_allclose(extents(figure, "bars-flat"), [(0.002, 0.1), (0.003, 0.3)])
        np.testing.assert_allclose(extents(figure, "bars-deep"), [(0.02, 0.04)])
        np.testing.assert_allclose(line(figure, "births-flat").get_ydata(), [0.001, 0.002, 0.003])
        x = line(figure, "births-flat").get_xdata()
        assert np.all(np.diff(x) > 0)
        assert x.min() > 1 and x.max() < 2, "labels put this model second"

    def test_the_half_line_leaves_the_top_as_an_arrow(self):
        figure = barcodes(make_bars(), LABELS, "bars")
        top = figure.axes[0].get_ylim()[1]
        np.testing.assert_allclose(extents(figure, "half-lines-flat"), [(0.001, top)])
        assert top > 0.3
        arrow = line(figure, "arrows-flat")
        assert arrow.get_marker() == "^" and not arrow.get_clip_on()
        figure.draw_without_rendering()
        above = arrow.get_transform().transform(arrow.get_xydata())[0, 1]
        assert above > figure.axes[0].transAxes.transform((0, 1))[1]

    def test_it_says_n_the_score_and_the_convention(self):
        bars = pd.concat([make_bars(), make_bars({"flat": [(0.1, np.inf)], "deep": [(0.1, np.inf)]}, 0, "merged")])
        direct, merged = (barcodes(bars, LABELS, "some nets", kind) for kind in ("direct", "merged"))
        assert tick_names(direct.axes[0]) == ["MLP, 8 layers\nTO 0.0141\nn = 2", "MLP, 2 layers\nTO 0.21\nn = 3"]
        assert tick_names(merged.axes[0]) == ["MLP, 8 layers\nTO 0\nn = 1", "MLP, 2 layers\nTO 0\nn = 1"]
        assert "some nets" in words(direct) and "√2" in words(direct)
        assert "direct bars of the given minima" in words(direct) and "merged bars of the given minima" in words(merged)

    @pytest.mark.parametrize(
        ("death", "scale", "label"), [(0.049, "linear", "loss"), (0.051, "log", "loss (log scale)")]
    )
    def test_the_axis_is_logarithmic_above_a_ratio_of_fifty(self, death, scale, label):
        axes = barcodes(make_bars({"a": [(0.001, np.inf), (0.002, death)]}), {"a": "A"}, "").axes[0]
        assert (axes.get_yscale(), axes.get_ylabel()) == (scale, label)

    def test_a_loss_of_zero_keeps_the_axis_linear(self):
        axes = barcodes(make_bars({"a": [(0.0, np.inf), (0.002, 1.0)]}), {"a": "A"}, "").axes[0]
        assert axes.get_yscale() == "linear" and axes.get_ylim()[0] < 0

    def test_bars_whose_ends_have_not_converged_are_open(self):
        """Of five finite bars, one has small residues; two large ones, one of a minimum, and two unknown."""
        nan = math.nan
        ends = [
            (0.0, nan, np.inf),
            (1e-4, 1e-4, 0.1),
            (0.0, 0.02, 0.2),
            (0.03, 0.0, 0.3),
            (nan, 0.0, 0.4),
            (0.0, nan, 0.5),
        ]
        bars = make_bars({"flat": [(0.001 * i, death) for i, (_, _, death) in enumerate(ends)]})
        bars = bars.assign(birth_residue=[one[0] for one in ends], death_residue=[one[1] for one in ends])
        figure = barcodes(bars, {"flat": "Flat"}, "")
        assert line(figure, "deaths-flat").get_ydata().tolist() == [0.1]
        shown = line(figure, "open-flat")
        assert shown.get_ydata().tolist() == [0.2, 0.3, 0.4, 0.5] and shown.get_markerfacecolor() == "white"
        assert len(extents(figure, "bars-flat")) == 5 and len(line(figure, "arrows-flat").get_ydata()) == 1
        assert "not converged" in words(figure)

    def test_bars_that_have_converged_have_no_open_ends(self):
        for bars in (make_bars(), make_bars().assign(birth_residue=0.0, death_residue=1e-6)):
            figure = barcodes(bars, LABELS, "")
            assert line(figure, "deaths-flat").get_ydata().tolist() == [0.1, 0.3]
            assert not [artist for artist in figure.findobj() if str(artist.get_gid()).startswith("open-")]
            assert "not converged" not in words(figure)

    def test_bars_of_dimension_one(self):
        bars = pd.concat([make_bars(), make_bars({"flat": [(0.1, 0.2)], "deep": [(0.3, 0.5)]}, dim=1)])
        figure = barcodes(bars, LABELS, "", dim=1)
        np.testing.assert_allclose(extents(figure, "bars-deep"), [(0.3, 0.5)])
        assert len(extents(figure, "half-lines-deep")) == 0
        assert "bars of dimension 1" in words(figure)


class TestToScore:
    def test_scores_follow_the_labels_and_have_their_standard_errors(self):
        subsets = make_robustness()  # of 5 minima; with 3 and 2 bars, sizes 2 and none are smaller
        bars = make_bars({"flat": BARS["flat"], "deep": [(0.01 * i, 0.5) for i in range(1, 5)] + [(0.001, np.inf)]})
        figure = to_score(bars, subsets, LABELS, "scores")
        np.testing.assert_allclose(line(figure, "all").get_ydata(), [0.49 / 2**0.5, 0.297 / 2**0.5])
        (container,) = figure.axes[0].containers
        ((one, other),) = (collection.get_segments() for collection in container.lines[2])
        of_two, of_three = (  # the longest bar is that of the highest minimum
            [0.09 + 0.01 * (chosen[0] + chosen[-1]) for chosen in itertools.combinations(range(5), n)] for n in (2, 3)
        )
        error = np.sqrt(2 / 3) * np.std(of_two) / 2**0.5  # of 2 and 3, both as near to a half, the smaller
        for segment, score in ((one, 0.49), (other, 0.297)):
            np.testing.assert_allclose(segment[:, 1] - score / 2**0.5, [-error, error])
        assert not np.isclose(np.std(of_three), np.std(of_two))
        assert "jackknife standard error over minima (10 subsets of 2 of 5)" in words(figure)
        assert "n = 3 to 5 minima" in words(figure) and "± standard error" in words(figure)
        assert tick_names(figure.axes[0]) == list(LABELS.values())

    def test_no_spread_without_a_table_of_subsets(self):
        figure = to_score(make_bars(), None, LABELS, "scores")
        assert not figure.axes[0].containers
        assert "subsets" not in words(figure) and "direct bars" in words(figure)

    def test_an_infinite_score_is_said(self):
        bars = make_bars(BARS | {"deep": [(0.1, 0.5), (0.2, np.inf), (0.3, np.inf)]})
        for labels, scores in ((LABELS, [0.297 / 2**0.5]), ({"deep": "MLP, 8 layers"}, [])):
            figure = to_score(bars, None, labels, "scores")
            np.testing.assert_allclose(line(figure, "all").get_ydata(), scores)
            assert [text.get_text() for text in figure.axes[0].texts] == ["∞"]
            assert "∞: some minima are joined by no curve" in words(figure)
        assert "TO ∞" in words(barcodes(bars, LABELS, ""))

    def test_no_subset_is_small_enough(self):
        with pytest.raises(ValueError, match="'deep' smaller than its 2 minima"):
            to_score(make_bars(), make_robustness(), LABELS, "scores")


class TestProfiles:
    def test_every_curve_with_its_maximum(self):
        figure = profiles(make_curves(), LABELS, "profiles")
        assert [axes.get_title().split("\n")[0] for axes in figure.axes] == list(LABELS.values())
        for axes in figure.axes:
            lines = {drawn.get_gid(): drawn for drawn in axes.lines}
            assert set(lines) == {f"{kind}curve-{p}" for kind in ("", "max-") for p in ("0+1", "0+2", "1+2")}
            np.testing.assert_allclose(lines["max-curve-1+2"].get_xydata(), [(0.5, 0.22)])
            np.testing.assert_allclose(lines["curve-1+2"].get_ydata()[[0, 2, 4]], [0.001, 0.22, 0.001])
        assert "3 pairs [0.11, 0.21, 0.22]" in words(figure)
        assert "segment" not in words(figure)

    def test_lowest_median_and_highest_stand_out(self):
        axes = profiles(make_curves(minima=4), LABELS, "").axes[0]
        thick = {drawn.get_gid() for drawn in axes.lines if drawn.get_linewidth() > 1 and drawn.get_gid()[0] != "m"}
        assert thick == {"curve-0+1", "curve-1+2", "curve-2+3"}

    def test_straight_segments_are_dashed_and_put_the_axis_on_a_log_scale(self):
        figure = profiles(make_curves(segments=True), LABELS, "")
        dashed = [drawn for drawn in figure.axes[0].lines if drawn.get_linestyle() == "--"]
        assert [drawn.get_gid() for drawn in dashed] == ["segment-0+1", "segment-0+2", "segment-1+2"]
        assert all(drawn.get_ydata().max() == 2.0 for drawn in dashed)
        assert figure.axes[0].get_yscale() == "log" and figure.axes[0].get_ylabel() == "loss (log scale)"
        assert "straight segment" in words(figure)

    def test_one_curve_is_only_lowest(self):
        axes = profiles(make_curves(minima=2), LABELS, "").axes[0]
        assert len(axes.lines) == 2 and "1 pair [0.11, 0.11, 0.11]" in axes.get_title()

    def test_an_unknown_kind_and_a_model_of_segments_alone(self):
        curves = make_curves(segments=True)
        with pytest.raises(ValueError, match="bent"):
            profiles(curves.assign(kind="bent"), LABELS, "")
        with pytest.raises(ValueError, match="'deep', only segments"):
            profiles(curves[(curves["model"] != "deep") | (curves["kind"] == "segment")], LABELS, "")


class TestTriangle:
    def test_corners_centres_and_maximum_of_the_lowest_triple(self):
        figure = triangle(make_triangles(), LABELS, "triangles")
        axes = figure.axes[0]
        places = {text.get_text(): text.xy for text in axes.texts if isinstance(text, Annotation)}
        high = math.sqrt(3) / 2
        expected = {
            "A: minimum 1": (0, 0), "B: minimum 4": (1, 0), "C: minimum 9": (0.5, high), "D": (0.5, 0),
            "E": (0.75, high / 2), "F": (0.25, high / 2), "O": (0.5, high / 3),
        }  # fmt: skip
        assert set(places) == set(expected)
        for name, place in expected.items():
            assert places[name] == pytest.approx(place), name
        top = next(drawn for drawn in axes.lines if drawn.get_gid() == "max")
        assert top.get_xydata()[0] == pytest.approx((0.5 + 0.25 / 2, 0.25 * high))
        sides = 0.5 - 0.4 * 2 * 0.125**2  # the nearest side points are (0, 5/8, 3/8) … (3/8, 5/8, 0)
        assert axes.get_title().startswith("MLP, 8 layers\nmax 0.5, on the sides ")
        assert float(axes.get_title().split()[-1]) < sides + 1e-9

    def test_levels_span_the_losses_and_the_colourbar_names_them(self):
        figure = triangle(make_triangles(), LABELS, "")
        losses = make_triangles(("deep",)).query("a == 1")["objective"]
        (surface,) = figure.axes[0].collections
        assert (surface.levels[0], surface.levels[-1]) == pytest.approx((losses.min(), losses.max()))
        assert [axes.get_xlabel() for axes in figure.axes[2:]] == ["loss", "loss"]

    def test_a_wide_range_is_coloured_by_logarithm_and_a_flat_one_is_drawn(self):
        table = make_triangles()
        table.loc[table["t1"] == 1, "objective"] = 1e-3
        assert triangle(table, LABELS, "").axes[-1].get_xlabel() == "loss (log scale)"
        flat = triangle(table.assign(objective=0.5), LABELS, "")
        assert "max 0.5, on the sides 0.5" in " ".join(flat.axes[0].get_title().split("\n"))

    def test_two_points_are_no_triangle(self):
        with pytest.raises(ValueError, match="2 points of a triangle of model 'deep'"):
            triangle(make_triangles().groupby(["model", "a"]).head(2), LABELS, "")


class TestRobustness:
    def test_deaths_per_minimum_over_subsets_of_four(self):
        left = robustness(make_robustness(), LABELS, "").axes[0]
        (container,) = left.containers
        x, means = container.lines[0].get_xydata().T
        np.testing.assert_array_equal(x, [1, 2, 3, 4])
        # minimum 0 is always lowest; of the five subsets of four, one lacks 0, and there the lowest is 1
        expected = [0.12, 0.14 + 0.01 / 4, 0.16 + 0.01 / 4, 0.18 + 0.01 / 4]
        np.testing.assert_allclose(means, expected)
        assert tick_names(left) == ["0\n0", "1\n3", "2\n4", "3\n4", "4\n4"]
        assert [text.get_text() for text in left.texts] == ["∞"]
        assert left.get_title(loc="left") == "MLP, 8 layers\ndeaths in 5 subsets of 4"

    def test_deaths_of_one_minimum_against_size(self):
        middle = robustness(make_robustness(), LABELS, "").axes[1]
        assert "minimum 4" in middle.get_title(loc="left")
        sizes, means = middle.containers[0].lines[0].get_xydata().T
        np.testing.assert_array_equal(sizes, [2, 3, 4, 5])
        of_three = [0.18 + 0.01 * chosen[0] for chosen in itertools.combinations(range(4), 2)]
        np.testing.assert_allclose(means, [0.18 + 0.015, np.mean(of_three), 0.1825, 0.18])

    def test_boxes_of_births_and_deaths_per_rank(self):
        table = make_robustness()
        right = robustness(table, LABELS, "").axes[2]
        four = table[(table["model"] == "deep") & (table["size"] == 4)]
        expected = [(rank, four[four["rank"] == rank]["birth"].median()) for rank in range(4)]
        expected += [(rank, four[four["rank"] == rank]["death"].median()) for rank in range(1, 4)]
        medians = [drawn for drawn in right.lines if drawn.get_color() == "black" and len(set(drawn.get_ydata())) == 1]
        found = {(round(np.mean(d.get_xdata())), d.get_ydata()[0]) for d in medians if np.ptp(d.get_xdata()) > 0.5}
        assert sorted(found) == [pytest.approx(pair) for pair in sorted(expected)]
        assert len(right.patches) == 7 and [text.get_text() for text in right.texts] == ["∞"]
        assert tick_names(right) == ["1", "2", "3", "4"]

    def test_the_nearest_size_to_four_and_the_convention(self):
        figure = robustness(make_robustness(minima=3), LABELS, "")
        assert "1 subsets of 3" in words(figure) and "direct bars" in words(figure)

    def test_a_model_without_a_finite_death(self):
        with pytest.raises(ValueError, match="no bar of model 'deep' is finite"):
            robustness(make_robustness().assign(death=np.inf), LABELS, "")


class TestPersistence:
    def test_points_half_lines_and_diagonal(self):
        bars = pd.concat([make_bars(convention="merged"), make_bars({"flat": [(0.15, 0.25)]}, 1, "merged")])
        figure = persistence(bars, LABELS, "diagram")
        axes = figure.axes[0]
        endless = line(figure, "infinity").get_ydata()[0]
        points = line(figure, "points-flat-0").get_xydata()
        np.testing.assert_allclose(points, [(0.003, 0.3), (0.001, endless), (0.002, 0.1)])
        assert 0.3 < endless < axes.get_ylim()[1] and line(figure, "infinity").get_linestyle() == "--"
        np.testing.assert_allclose(line(figure, "points-flat-1").get_xydata(), [(0.15, 0.25)])
        assert line(figure, "points-flat-1").get_markerfacecolor() == "none"
        diagonal = line(figure, "diagonal")
        np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
        assert axes.get_xscale() == axes.get_yscale() == "log" and "log scale" in axes.get_xlabel()
        for text in ("MLP, 8 layers (n = 2)", "MLP, 2 layers (n = 3)", "dimension 1", "merged bars", "∞"):
            assert text in words(figure)

    def test_models_differ_in_colour_and_marker(self):
        bars = make_bars(dict.fromkeys(MANY, BARS["flat"]), convention="merged")
        figure = persistence(bars, MANY, "")
        looks = {(p.get_color(), p.get_marker()) for p in (line(figure, f"points-{model}-0") for model in MANY)}
        assert len(looks) == len(MANY)


CALLS = {
    "barcodes": lambda table, labels: barcodes(table, labels, ""),
    "to_score": lambda table, labels: to_score(table, None, labels, ""),
    "persistence": lambda table, labels: persistence(table.assign(convention="merged"), labels, ""),
    "components": lambda table, labels: components(table.assign(convention="merged"), labels, ""),
    "profiles": lambda table, labels: profiles(table, labels, ""),
    "triangle": lambda table, labels: triangle(table, labels, ""),
    "robustness": lambda table, labels: robustness(table, labels, ""),
}
TABLES = {"profiles": make_curves, "triangle": make_triangles, "robustness": make_robustness}


@pytest.mark.parametrize("name", CALLS)
class TestErrors:
    def test_an_empty_table(self, name):
        with pytest.raises(ValueError, match="is empty"):
            CALLS[name](TABLES.get(name, make_bars)().head(0), LABELS)

    def test_a_missing_model(self, name):
        with pytest.raises(ValueError, match="'wide'"):
            CALLS[name](TABLES.get(name, make_bars)(), LABELS | {"wide": "Wide"})

    def test_a_missing_column(self, name):
        with pytest.raises(ValueError, match="lacks the column model"):
            CALLS[name](TABLES.get(name, make_bars)().drop(columns="model"), LABELS)

    def test_no_models(self, name):
        with pytest.raises(ValueError, match="no model"):
            CALLS[name](TABLES.get(name, make_bars)(), {})

    def test_a_loss_that_is_no_number(self, name):
        table = TABLES.get(name, make_bars)()
        table.loc[0, "objective" if "objective" in table else "death"] = np.nan
        with pytest.raises(ValueError, match="is not finite"):
            CALLS[name](table, LABELS)


def test_an_unknown_convention():
    with pytest.raises(ValueError, match="'best'"):
        explain("best")


@pytest.mark.parametrize(("labels", "long"), [({"one": "One"}, 1), (LABELS, 3), (MANY, 1)], ids=["1", "2", "10"])
def test_nothing_drawn_leaves_the_page(labels, long):
    for name, figure in draw_all(labels, long).items():
        figure.draw_without_rendering()
        drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert drawn.x0 > -0.01 and drawn.x1 < width + 0.01, f"{name}: {drawn} on {width} × {height} inches"
        assert drawn.y0 > -0.01 and drawn.y1 < height + 0.01, f"{name}: {drawn} on {width} × {height} inches"


def test_settings_and_tables_stay_as_they_were():
    settings, bars = dict(matplotlib.rcParams), make_bars()
    before = bars.copy()
    with matplotlib.rc_context({"font.size": 33.0, "lines.linewidth": 9.0}):
        figure = barcodes(bars, LABELS, "bars")
    assert dict(matplotlib.rcParams) == settings
    pd.testing.assert_frame_equal(bars, before)
    assert figure.axes[0].yaxis.label.get_size() == 8.0, "settings of the user do not change a figure"


def test_figures_do_not_load_torch():
    source = Path(lossbars.__file__).parent
    names = [str(path.relative_to(source).with_suffix("")).replace("/", ".") for path in sorted(source.rglob("*.py"))]
    figures = [name for name in names if ".figures." in name or name.startswith("plots.")]
    figures += ["experiments.convergence.figure", "experiments.networks.embeddings.figure"]
    assert len(figures) > 35
    code = f"import sys, {', '.join(f'lossbars.{name}' for name in figures)}; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


class TestSave:
    def test_the_same_bytes_every_time(self, tmp_path):
        built, again = draw_all({"one": "One"}), draw_all({"one": "One"})
        for name, figure in built.items():
            for number, drawn in enumerate((figure, again[name])):
                save(drawn, tmp_path / f"{number}.pdf", tmp_path / f"{number}.svg")
            for suffix in ("pdf", "svg"):
                first, second = ((tmp_path / f"{number}.{suffix}").read_bytes() for number in range(2))
                assert first == second, f"{name}.{suffix}"
                assert b"CreationDate" not in first and b"<dc:date>" not in first
            assert (tmp_path / "0.pdf").read_bytes().startswith(b"%PDF")
            assert (tmp_path / "0.svg").read_text().rstrip().endswith("</svg>")

    def test_a_second_call_writes_the_same_bytes(self, tmp_path):
        figure = triangle(make_triangles(), LABELS, "triangles")
        for number in range(2):
            save(figure, tmp_path / f"{number}.pdf", tmp_path / f"{number}.svg")
        for suffix in ("pdf", "svg"):
            assert (tmp_path / f"0.{suffix}").read_bytes() == (tmp_path / f"1.{suffix}").read_bytes()

    def test_a_failure_leaves_what_was_there(self, tmp_path, monkeypatch):
        figure = barcodes(make_bars(), LABELS, "bars")
        old = tmp_path / "bars.pdf"
        old.write_text("old")
        whole = Figure.savefig

        def fail_at_svg(self, path, *, format, **kwargs):
            if format == "svg":
                Path(path).write_text("<svg")
                raise OSError("no space left")
            whole(self, path, format=format, **kwargs)

        monkeypatch.setattr(Figure, "savefig", fail_at_svg)
        with pytest.raises(OSError, match="no space"):
            save(figure, old, tmp_path / "bars.svg")
        assert [path.name for path in tmp_path.iterdir()] == ["bars.pdf"]
        assert old.read_text() == "old"

    def test_folders_are_made(self, tmp_path):
        figure = barcodes(make_bars(), LABELS, "bars")
        save(figure, tmp_path / "a" / "f.pdf", str(tmp_path / "b" / "f.svg"))
        assert sorted(path.name for path in tmp_path.rglob("f.*")) == ["f.pdf", "f.svg"]


def test_closed_barcodes_stand_beside_the_given_ones() -> None:
    bars = make_bars().assign(convention="merged")
    merged = bars[bars["dim"] == 0]
    found = merged.groupby("model").head(1).assign(born_at="99", birth=0.0005, death=0.002)
    table = pd.concat([bars, pd.concat([merged, found]).assign(convention="merged-closed")], ignore_index=True)
    figure = closed(table, LABELS, "Given and closed")
    names = tick_names(figure.axes[0])
    assert [name.splitlines()[:2] for name in names] == [
        [label, side] for label in LABELS.values() for side in ("given", "closed")
    ]
    counts = {name: len(group) for name, group in merged.groupby("model")}
    assert [name.splitlines()[-1] for name in names] == [
        f"n = {counts[model] + more}" for model in LABELS for more in (0, 1)
    ]
    with pytest.raises(ValueError, match="merged-closed"):
        closed(bars, LABELS, "None found")
