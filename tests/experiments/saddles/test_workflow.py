"""The real workflow of an experiment on path optimisers, made small."""

import pytest

from lossbars.workflow.artefacts import read_table
from lossbars.workflow.tasks import expected
from support.saddle_example import SAD, jobs
from support.workflow import Checkout

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The experiment, run once."""
    checkout = Checkout.fresh(tmp_path_factory.mktemp("saddles") / "checkout", sad=SAD)
    checkout.run()
    return checkout


def test_the_workflow_leaves_what_was_expected(whole: Checkout) -> None:
    for one in expected(jobs(), "sad"):
        assert (whole.folder / one.path).is_file(), one.path
        assert (whole.folder / one.log).is_file(), one.log
    claims = read_table(whole.folder / "results/sad/claims.parquet")
    assert list(claims["id"]) == ["error-falls", "lands", "best", "never-below"]
    used = read_table(whole.folder / "results/sad/benchmarks/usage.parquet")
    assert used["used_seconds"].notna().all() and (used["asked_mb"] >= 1000).all()
    report = (whole.folder / "results/report.html").read_text()
    assert all(f"figure-sad-{name}" in report for name in SAD["figures"])


def test_a_new_size_and_code_reach_what_they_decide(whole: Checkout) -> None:
    assert whole.stale() == set()
    whole.edit("src/lossbars/experiments/saddles/figures/insertion.py", lambda text: text + "\n\nADDED = 1\n")
    insertion = {"figures/sad-insertion", "sad/benchmarks/usage", "report", "provenance"}
    assert whole.stale() == insertion
    whole.experiments["sad"]["sizes"].append(3)
    deaths = {f"sad/{name}" for name in ("camel/saddles", "bent/saddles", "saddles", "claims")}
    assert whole.stale() == insertion | deaths | {"figures/sad-death-error", "claims"}
