"""What Snakemake makes again after a change, on the real workflow, run once: the sets are exact."""

import ast
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from lossbars.workflow.artefacts import made_by, read_records
from support.paths import CHECKOUT
from support.workflow import TINY, TINY_B, Checkout, plan

MINIMA = {f"tiny/mlp/minima/{seed}" for seed in range(3)}
CURVES = {f"tiny/mlp/curves/{pair}" for pair in ("0+1", "0+2", "1+2")}
TRIANGLES = {"tiny/mlp/triangles/0+1+2"}
FIGURES = {"figures/tiny-barcodes", "figures/tiny-profiles"}
DOCUMENTS = {"claims", "report", "provenance"}
LATER = {f"tiny/mlp/{name}" for name in ("complex", "barcode", "robustness")}
LATER |= {"tiny/barcodes", "tiny/minima", "tiny/claims", "tiny/benchmarks/usage"} | FIGURES | DOCUMENTS

MINIMA_B, CURVES_B, TRIANGLES_B = (
    {f"tiny-b/mlp/{blocks}"} for blocks in ("minima/0-2", "curves/0-2+0-2", "triangles/0-2+0-2+0-2")
)
FIGURES_B = {"figures/tiny-b-barcodes"}
LATER_B = {
    f"tiny-b/{name}" for name in ("mlp/complex", "mlp/barcode", "barcodes", "minima", "claims", "benchmarks/usage")
}
LATER_B |= FIGURES_B | DOCUMENTS

TRAINED = CURVES | TRIANGLES | CURVES_B | TRIANGLES_B
ALL = MINIMA | MINIMA_B | TRAINED | LATER | LATER_B

USAGE = {"tiny/benchmarks/usage", "tiny-b/benchmarks/usage"}
CODE = "src/lossbars"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Both experiments, run once. No test changes it."""
    checkout = Checkout.fresh(tmp_path_factory.mktemp("whole") / "checkout", **{"tiny": TINY, "tiny-b": TINY_B})
    assert checkout.stale() == ALL | {"datasets/digits"}
    checkout.run()
    return checkout


@pytest.fixture
def done(whole: Checkout, tmp_path: Path) -> Checkout:
    """A copy of it to change. That it is elsewhere, under another name, makes nothing stale."""
    return whole.copied(tmp_path / "moved here")


def without_comments(source: str) -> str:
    """The same program in another layout, its comments gone and its first docstring another."""
    tree = ast.parse(source)
    tree.body[0] = ast.Expr(ast.Constant("Another docstring."))
    return f"# A comment.\n\n\n{ast.unparse(tree)}\n"


@pytest.mark.workflow
def test_nothing_changed_runs_nothing(done):
    before = {path: path.stat().st_mtime_ns for path in done.folder.glob("results/**/*")}
    assert len(before) > len(ALL)
    again = done.snakemake("--cores", "1", "--", "tiny", "tiny-b")
    assert again.returncode == 0 and "Nothing to be done" in again.stdout + again.stderr
    assert {path: path.stat().st_mtime_ns for path in done.folder.glob("results/**/*")} == before
    assert done.stale("tiny") == set(), "asking for one experiment leaves the documents of both as they are"


@pytest.mark.workflow
def test_a_deleted_result_is_made_again(done):
    (done.folder / "results/tiny/mlp/curves/0+1.parquet").unlink()
    assert done.stale() == {"tiny/mlp/curves/0+1"} | LATER


@pytest.mark.workflow
def test_a_result_that_is_cut_off_is_made_again_and_what_is_whole_is_not(done):
    """What depends on it runs too, since Snakemake goes by times, but takes its results as they were made."""
    before = done.files()
    for name in ("tiny/mlp/minima/1.parquet", "claims.md", "figures/tiny-barcodes.pdf"):
        path = done.folder / "results" / name
        path.write_bytes(path.read_bytes()[:-9])
    curves = {"tiny/mlp/curves/0+1", "tiny/mlp/curves/1+2"}
    assert done.stale() == {"tiny/mlp/minima/1"} | curves | TRIANGLES | LATER
    again = done.snakemake("--cores", "2", "--", "tiny", "tiny-b")
    assert again.returncode == 0, again.stderr
    said = again.stdout + again.stderr
    assert "results/tiny/mlp/minima/1.parquet is damaged: it is made again." in said
    assert said.count("taken, as made before, from .checkpoints/finished/") == 1 + len(curves | TRIANGLES)
    assert "mean training loss" not in said
    after = done.files()
    for name in ("results/report.html", "results/provenance.json"):  # these tell of times and attempts
        assert before.pop(name) and after.pop(name)
    assert after == before, "the same bits"


@pytest.mark.workflow
def test_what_a_file_that_is_a_target_needs_is_made_again_where_it_cannot_be_read(done):
    names = ("tiny/mlp/minima/1.parquet", "claims.md", "figures/tiny-profiles.pdf")
    needed, document, other = (done.folder / "results" / name for name in names)
    for path in (needed, document, other):
        path.write_bytes(path.read_bytes()[:-9])
    cut = other.read_bytes()
    again = done.snakemake("--cores", "1", "--", "results/tiny/mlp/complex.json", "results/claims.md")
    said = again.stdout + again.stderr
    assert again.returncode == 0, said
    assert "results/tiny/mlp/minima/1.parquet is damaged: it is made again." in said
    assert made_by(needed).kind == "minima"
    assert "results/claims.md is damaged: it is made again." in said
    assert "tiny-profiles.pdf is damaged" not in said and other.read_bytes() == cut


@pytest.mark.workflow
def test_results_that_snakemake_knows_nothing_of_are_looked_into(done):
    """A Snakemake that was killed records nothing of the jobs that ended after it; their results say it themselves."""
    shutil.rmtree(done.folder / ".snakemake/metadata")
    assert done.stale() == set()
    done.experiments["tiny"]["curves"]["epochs"] = 2
    assert done.stale() == CURVES | LATER


@pytest.mark.workflow
def test_the_record_of_a_run_knows_machine_and_time_of_each_job(whole):
    (record,) = read_records(whole.folder / "results/provenance.json")
    assert {run["rule"] for run in record["runs"]} > {"dataset", "minima", "complex", "figure", "usage", "report"}
    for run in record["runs"]:
        (attempt,) = run["attempts"]
        assert attempt["ended"] == "done" and attempt["processor"]
        assert run["measured"]["seconds"] > 0
    assert all(record["code"].values())


@pytest.mark.workflow
def test_a_curve_setting_leaves_minima_and_triangles_with_sides_of_their_own(done):
    done.experiments["tiny"]["curves"]["epochs"] = 2
    assert done.stale() == CURVES | LATER


@pytest.mark.workflow
def test_a_curve_setting_reaches_triangles_with_fixed_sides(done):
    done.experiments["tiny-b"]["curves"]["schedule"]["lr"] = 2.0e-2
    assert done.stale() == CURVES_B | TRIANGLES_B | LATER_B


@pytest.mark.workflow
def test_a_triangle_setting_leaves_minima_and_curves(done):
    done.experiments["tiny"]["triangles"]["grid"]["points"] = 4
    assert done.stale() == TRIANGLES | LATER


@pytest.mark.workflow
def test_one_more_seed_costs_what_is_new(done):
    done.experiments["tiny"]["seeds"] = 4
    curves = {f"tiny/mlp/curves/{pair}" for pair in ("0+3", "1+3", "2+3")}
    triangles = {f"tiny/mlp/triangles/{triple}" for triple in ("0+1+3", "0+2+3", "1+2+3")}
    assert done.stale() == {"tiny/mlp/minima/3"} | curves | triangles | LATER


@pytest.mark.workflow
def test_one_more_model_costs_only_itself(done):
    done.experiments["tiny"]["models"]["deep"] = {"network": {"kind": "mlp", "depth": 2, "width": 8}}
    new = {path.replace("/mlp/", "/deep/") for path in MINIMA | CURVES | TRIANGLES}
    new |= {f"tiny/deep/{name}" for name in ("complex", "barcode", "robustness")}
    assert (
        done.stale()
        == new | {"tiny/barcodes", "tiny/minima", "tiny/claims", "tiny/benchmarks/usage"} | FIGURES | DOCUMENTS
    )


@pytest.mark.workflow
@pytest.mark.parametrize(
    ("place", "value", "stale"),
    [
        (("samples",), 190, MINIMA | CURVES | TRIANGLES | LATER),
        (("robustness", "max_subsets"), 9, {"tiny/mlp/robustness", "tiny/claims", "tiny/benchmarks/usage"} | DOCUMENTS),
        (
            ("device",),
            "auto",
            {"report", "provenance"},
        ),  # where it runs is no part of what it is; these show the recipe
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else None,
)
def test_a_setting_of_one_experiment_reaches_only_what_it_decides(done, place, value, stale):
    *path, key = place
    inner: dict[str, Any] = done.experiments["tiny"]
    for part in path:
        inner = inner[part]
    inner[key] = value
    assert done.stale() == stale


@pytest.mark.workflow
def test_names_reach_only_what_shows_them(done):
    done.experiments["tiny"]["title"] = "Another title"
    done.experiments["tiny"]["models"]["mlp"]["label"] = "another label"
    assert done.stale() == FIGURES | {"tiny/claims", "tiny/benchmarks/usage"} | DOCUMENTS


@pytest.mark.workflow
def test_another_data_set_of_one_experiment(done):
    (done.folder / "mine.py").write_text("def load():\n    return None\n")
    done.experiments["tiny-b"]["data"] = "mine.py:load"
    assert done.stale() == {"datasets/tiny-b-data"} | MINIMA_B | CURVES_B | TRIANGLES_B | LATER_B


@pytest.mark.workflow
def test_a_formula_in_connect(done):
    done.replace(f"{CODE}/optimise/connect.py", "self.recipe.tilt * losses", "self.recipe.tilt * losses * 2")
    assert done.stale() == TRAINED | LATER | LATER_B


@pytest.mark.workflow
@pytest.mark.parametrize(
    ("module", "stale"),
    [
        (
            "experiments/networks/figures/profiles.py",
            {"figures/tiny-profiles", "tiny/benchmarks/usage", "report", "provenance"},
        ),
        ("plots/style.py", FIGURES | FIGURES_B | USAGE | {"report", "provenance"}),
        ("experiments/networks/claims/catalogue.py", {"tiny/claims", "tiny-b/claims"} | USAGE | DOCUMENTS),
        ("barcodes/complex.py", LATER | LATER_B),
        ("optimise/schedules.py", ALL),
        ("datasets/digits.py", ALL | {"datasets/digits"}),
    ],
)
def test_code_reaches_what_runs_it(done, module, stale):
    done.edit(f"{CODE}/{module}", lambda text: text + "\n\nADDED = 1\n")
    assert done.stale() == stale


@pytest.mark.workflow
def test_the_template_of_the_report(done):
    done.edit(f"{CODE}/documents/report.html.j2", lambda text: text + "<!-- more -->\n")
    assert done.stale() == {"report", "provenance"}


@pytest.mark.workflow
def test_comments_docstrings_and_layout_cost_nothing(done):
    for module in (
        "optimise/connect.py",
        "landscapes/network/landscape.py",
        "experiments/networks/steps/minima.py",
        "experiments/networks/figures/profiles.py",
    ):
        done.edit(f"{CODE}/{module}", without_comments)
    assert done.stale() == set()


@pytest.mark.workflow
def test_a_new_architecture_and_a_new_figure_cost_nothing_of_what_is_there(done):
    """What a newcomer's architecture touches: a file of networks, and a class in networks/specs.py."""
    (done.folder / CODE / "networks/other.py").write_text((CHECKOUT / CODE / "networks/lenet.py").read_text())
    figures = "    figures = {\n"
    figure = '        "other": figure("figures.barcodes", "Another figure."),\n'
    done.replace(f"{CODE}/experiments/networks/kind.py", figures, figures + figure)
    last = "class CustomNetwork(Architecture):\n"
    spec = 'class OtherSpec(Architecture):\n    kind: Literal["other"]\n\n\n'
    done.replace(f"{CODE}/networks/specs.py", last, spec + last)
    assert done.stale() == set()


@pytest.mark.workflow
def test_a_result_edited_by_hand_is_made_again(done):
    path = done.folder / "results/tiny/mlp/minima/1.parquet"
    before = path.read_bytes()
    table = pd.read_parquet(path)
    table["objective"] = 0.0
    table.to_parquet(path)
    assert "tiny/mlp/minima/1" in done.stale()
    done.run()
    assert path.read_bytes() == before


@pytest.mark.workflow
def test_a_result_edited_by_hand_that_says_it_is_whole_stops_the_run(done):
    """It is found where it is read; a plan looks at what files say of themselves."""
    path = done.folder / "results/tiny/mlp/minima/1.parquet"
    content = pq.read_table(path)
    pq.write_table(content.set_column(1, "objective", [[0.0]]), path)
    assert made_by(path).kind == "minima"
    barcode = done.files("results/tiny/*/barcode.json")
    stopped = done.snakemake("--cores", "1", "--", "tiny")
    assert stopped.returncode != 0
    text = stopped.stdout + stopped.stderr
    assert "results/tiny/mlp/minima/1.parquet was changed after it was written: delete it and run again" in text
    assert "Traceback" not in text
    assert not done.files("results/tiny/*/complex.json")
    assert done.files("results/tiny/*/barcode.json") == barcode


def key(kind: str, **changes: Any) -> str:
    (found,) = {task.key for task in plan(**changes).tasks("tiny") if task.kind == kind}
    return found


def test_keys_know_no_number_of_seeds_and_no_block_size():
    for kind in ("minima", "curves", "triangles"):
        assert key(kind) == key(kind, seeds=7, seeds_per_job=3)
        assert key(kind) != key(kind, samples=100)


def test_keys_of_triangles_cover_the_curves_that_they_are_made_of():
    longer = {"curves": TINY["curves"] | {"epochs": 9}}
    fixed = {"triangles": TINY["triangles"] | {"sides": "fixed"}}
    assert key("triangles") == key("triangles", **longer)
    assert key("triangles", **fixed) != key("triangles", **fixed, **longer)
