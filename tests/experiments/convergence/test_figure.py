"""What the figure of convergence draws, read back from its artists."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from lossbars.experiments.convergence.figure import convergence
from support.function_figures import by_gid, check_errors, check_page, points, words

pytestmark = pytest.mark.filterwarnings("error")


def make_distances(dims=(3, 4), sizes=(1000, 10_000, 100_000), pairs: int = 4) -> pd.DataFrame:
    """Pairs at 10·N^(−1/D) times 1 ± 0.1, truth at twice that in every pair, and nothing known of ``wavy``."""
    rows = []
    for function, dim, n, pair in itertools.product(("alpine01", "wavy"), dims, sizes, range(pairs)):
        distance = 10 * n ** (-1 / dim) * (1.1 if pair % 2 else 0.9)
        truth = 2 * distance if function == "alpine01" else math.nan
        rows.append((f"{function}-{dim}", function, dim, n, pair, distance, truth, truth, 4.4 + 0 * truth))
    columns = ["model", "function", "dim", "n", "pair", "distance", "truth_one", "truth_other", "empty"]
    return pd.DataFrame(rows, columns=columns)


class TestConvergence:
    NAMES = {f"{name}-{dim}": name for name in ("wavy", "alpine01") for dim in (3, 4)}

    def test_means_errors_and_the_reference(self):
        figure = convergence(make_distances(), self.NAMES, "")
        assert [axes.get_title() for axes in figure.axes] == ["Wavy\n(exact barcode unknown)", "Alpine01"]
        n, mean = points(figure, "pairs-alpine01-4").T
        np.testing.assert_allclose(mean, 10 * n**-0.25)
        truth = points(figure, "truth-alpine01-4")
        np.testing.assert_allclose(truth[:, 1], 2 * mean)
        assert by_gid(figure, "truth-alpine01-4").get_linestyle() == ":"
        assert set(points(figure, "empty-alpine01-4")[:, 1]) == {4.4}
        reference = np.log(points(figure, "reference-alpine01-4"))
        np.testing.assert_allclose(np.diff(reference[:, 1]) / np.diff(reference[:, 0]), -0.25)
        assert by_gid(figure, "reference-alpine01-4").get_linestyle() == "--"
        assert not figure.findobj(lambda artist: artist.get_gid() == "truth-wavy-4")
        assert "4 (−0.25): −0.25 [−0.25, −0.25]" in words(figure) and "Means over 4 pairs" in words(figure)

    def test_pairs_without_a_distance_are_counted(self):
        table = make_distances()
        table.loc[[0, 1], "distance"] = math.inf
        figure = convergence(table, self.NAMES, "")
        assert "2 pairs infinitely far apart" in words(figure) and "Means over 2 to 4 pairs" in words(figure)
        table["distance"] = math.inf
        with pytest.raises(ValueError, match="model 'wavy-3': every pair is infinitely far apart"):
            convergence(table, self.NAMES, "")

    def test_two_sizes_have_no_interval(self):
        figure = convergence(make_distances(sizes=(1000, 4000)), self.NAMES, "")
        assert "3 (−0.33): −0.33 (of two sizes)" in words(figure)

    def test_a_distance_that_is_no_number(self):
        with pytest.raises(ValueError, match=r"model 'wavy-3'.* no number"):
            convergence(make_distances().assign(distance=math.nan), self.NAMES, "")


def test_tables_that_lack_something():
    check_errors(lambda table, labels: convergence(table, labels, ""), make_distances())
    with pytest.raises(ValueError, match="no model"):
        convergence(make_distances(), {}, "")


@pytest.mark.parametrize("dims", [(3,), (3, 4, 5, 6)])
def test_nothing_drawn_leaves_the_page(dims):
    table = make_distances(dims)
    check_page(convergence(table, dict.fromkeys(table["model"], ""), ""))
