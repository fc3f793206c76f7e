"""The real workflow of an experiment on Hessians, made small."""

import pytest

from lossbars.workflow.artefacts import read_table
from lossbars.workflow.tasks import expected
from support.hessian_example import CHECKS, HES, jobs
from support.workflow import Checkout

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The experiment, run once."""
    checkout = Checkout.fresh(tmp_path_factory.mktemp("hessians") / "checkout", hes=HES)
    checkout.run()
    return checkout


def test_the_workflow_leaves_what_was_expected(whole: Checkout) -> None:
    for one in expected(jobs(), "hes"):
        assert (whole.folder / one.path).is_file(), one.path
        assert (whole.folder / one.log).is_file(), one.log
    claims = read_table(whole.folder / "results/hes/claims.parquet")
    assert list(claims["id"]) == list(CHECKS)
    used = read_table(whole.folder / "results/hes/benchmarks/usage.parquet")
    assert used["used_seconds"].notna().all() and (used["asked_mb"] >= 1000).all()
    report = (whole.folder / "results/report.html").read_text()
    assert all(f"figure-hes-{name}" in report for name in HES["figures"])


def test_code_and_keys_reach_what_they_decide(whole: Checkout) -> None:
    assert whole.stale() == set()
    whole.edit("src/lossbars/hessian/lanczos.py", lambda text: text + "\n\nADDED = 1\n")
    common = {"hes/claims", "hes/benchmarks/usage", "claims", "report", "provenance"}
    parts = {"hes/parts/hessian_parts", "figures/hes-net-spectrum"} | common
    assert whole.stale() == parts
    whole.experiments["hes"]["models"]["minimisers"]["task"]["starts"] = 3
    assert whole.stale() == parts | {"hes/minimisers/hessian_minimisers", "figures/hes-null-space"}
