"""Fingerprints: what changes them and what does not, on a copy of the package that the tests edit."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest

from lossbars.workflow import fingerprint as module
from lossbars.workflow.fingerprint import closure, file_fingerprint, fingerprint

CURVES = "lossbars.experiments.networks.steps.curves"
Edit = Callable[[str, str, str], None]


def forget() -> None:
    for cached in (module.fingerprint, module._imports, module._tree):
        cached.cache_clear()


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the package, which fingerprints are taken of."""
    copy = tmp_path / "lossbars"
    shutil.copytree(module.SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(module, "SOURCE", copy)
    forget()
    yield copy
    forget()


@pytest.fixture
def edit(source: Path) -> Edit:
    """Replace a text that is there once; an empty one stands for the file's end."""

    def replace(file: str, old: str, new: str) -> None:
        text = (source / file).read_text()
        assert not old or text.count(old) == 1
        (source / file).write_text(text.replace(old, new) if old else text + new)
        forget()

    return replace


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("optimise/connect.py", "", "\n\n# a comment\n"),
        ("optimise/connect.py", '"""Random-t optimisation of simplices', '"""Something else entirely about simplices'),
        (
            "optimise/connect.py",
            "n, p, d = theta.shape",
            "n, p, d = (  # reformatted\n            theta.shape\n        )",
        ),
        ("optimise/connect.py", "steps, points, size = ", "(steps, points, size) = "),
        ("landscapes/network/landscape.py", '"""The module\'s own initialisation', '"""Other words'),
        ("landscape.py", '"""A loss of many flat parameter vectors at once.', '"""A class is described.'),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(edit: Edit, file: str, old: str, new: str) -> None:
    before = fingerprint(CURVES)
    edit(file, old, new)
    assert fingerprint(CURVES) == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("experiments/networks/steps/joining.py", "Chain(0), corners", "Chain(1), corners"),
        ("optimise/connect.py", "losses.mean(1)", "losses.sum(1)"),
        ("simplices/bezier.py", "comb(degree, i)", "comb(degree, j)"),  # imported by what is imported
        ("simplices/__init__.py", "Bezier as Bezier", "Chain as Bezier"),
        ("optimise/schedules.py", "0.4 * 0.99", "0.4 * 0.98"),
        ("__init__.py", "", "\nimport os\n"),  # a package's own file runs, too
        ("experiments/networks/steps/__init__.py", "", "\nX = 1\n"),
        ("optimise/connect.py", "", '\n\n"a text that is no docstring"\n'),
    ],
)
def test_a_changed_formula_counts_wherever_it_is(edit: Edit, file: str, old: str, new: str) -> None:
    before = fingerprint(CURVES)
    edit(file, old, new)
    assert fingerprint(CURVES) != before


def test_what_is_not_imported_does_not_count(edit: Edit) -> None:
    before = fingerprint(CURVES)
    for file in (
        "functions/benchmarks.py",
        "barcodes/subsets.py",
        "experiments/networks/claims/catalogue.py",
        "plots/style.py",
        "experiments/networks/steps/minima.py",
        "recipes/simplices.py",
        "recipes/__init__.py",
    ):
        edit(file, "", "\nCHANGED = 1\n")
    assert fingerprint(CURVES) == before


def test_a_new_import_is_followed(edit: Edit) -> None:
    before = fingerprint(CURVES)
    edit(
        "optimise/schedules.py", "from math import floor", "from math import floor\n\nimport lossbars.barcodes.complex"
    )
    after = fingerprint(CURVES)
    assert after != before
    edit("barcodes/barcode.py", "math.sqrt(2), ", "math.sqrt(3), ")  # which lossbars.barcodes.complex imports
    assert len({before, after, fingerprint(CURVES)}) == 3


@pytest.mark.parametrize(
    "line",
    [
        "import lossbars.landscapes.network.augmentation as a",
        "from lossbars.landscapes.network import augmentation as augment",
        "from lossbars.landscapes.network.augmentation import crop_flip",
        "if 1:\n    from lossbars.landscapes.network.augmentation import (\n        crop_flip,\n    )",
        "def f():\n    import os, lossbars.landscapes.network.augmentation",
    ],
)
def test_every_way_to_import_is_seen(source: Path, line: str) -> None:
    (source / "new.py").write_text(line + "\n")
    modules, libraries = closure("lossbars.new")
    packages = {"lossbars", "lossbars.landscapes", "lossbars.landscapes.network"}
    assert modules == packages | {"lossbars.new", "lossbars.landscapes.network.augmentation"}
    assert libraries == {"torch"}


@pytest.mark.parametrize("line", ["from . import augment", "from .augment import crop_flip", "from .. import x"])
def test_a_relative_import_is_refused(source: Path, line: str) -> None:
    (source / "new.py").write_text(line + "\n")
    with pytest.raises(ValueError, match=r"lossbars\.new: relative imports"):
        fingerprint("lossbars.new")


# Members taken by choice -------------------------------------------------------------------------

FIGURES = "experiments.networks.figures"
CHOICES = [
    (CURVES, "networks", "networks/specs.py", "mlp", "lenet"),
    ("lossbars.workflow.dataset_step", "datasets", "datasets/specs.py", "digits", "mnist"),
    ("lossbars.workflow.figure_step", FIGURES, "experiments/kinds.py", "barcodes", "profiles"),
]


@pytest.mark.parametrize(("step", "package", "list_", "one", "other"), CHOICES)
def test_of_a_list_the_chosen_member_counts_alone(
    edit: Edit, step: str, package: str, list_: str, one: str, other: str
) -> None:
    folder = package.replace(".", "/")
    chosen = (f"lossbars.{package}.{one}",)
    before, others = fingerprint(step, chosen), fingerprint(step, (f"lossbars.{package}.{other}",))
    assert before != others
    assert set(chosen) <= closure(step, chosen)[0] and f"lossbars.{package}.{other}" not in closure(step, chosen)[0]
    edit(list_, "", "\nfrom lossbars.functions import six_hump_camel\n")  # a member more
    edit(f"{folder}/{other}.py", "", "\nCHANGED = 1\n")
    assert fingerprint(step, chosen) == before
    edit(f"{folder}/{one}.py", "", "\nCHANGED = 1\n")
    assert fingerprint(step, chosen) != before


def test_what_a_chosen_member_imports_counts(edit: Edit) -> None:
    chosen = ("lossbars.networks.custom",)
    before, without = fingerprint(CURVES, chosen), fingerprint(CURVES)
    edit("user_files.py", "", "\nCHANGED = 1\n")
    assert fingerprint(CURVES, chosen) != before and fingerprint(CURVES) == without


def test_a_package_that_hands_names_on_is_looked_through(source: Path, edit: Edit) -> None:
    (source / "new.py").write_text("from lossbars.simplices import Chain\n")
    before = fingerprint("lossbars.new")
    modules = closure("lossbars.new")[0]
    assert {"lossbars.simplices", "lossbars.simplices.chain"} <= modules
    assert not {"lossbars.simplices.bezier", "lossbars.simplices.triangle"} & modules
    edit("simplices/__init__.py", "", "\nfrom lossbars.barcodes.barcode import Barcode\n")  # one more
    edit("simplices/bezier.py", "", "\nCHANGED = 1\n")
    assert fingerprint("lossbars.new") == before
    edit("simplices/chain.py", "", "\nCHANGED = 1\n")
    assert fingerprint("lossbars.new") != before
    for line in ("import lossbars.simplices", "from lossbars import simplices", "from lossbars.simplices import *"):
        (source / "new.py").write_text(line + "\n")
        forget()
        assert "lossbars.simplices.bezier" in closure("lossbars.new")[0], line


# Libraries ---------------------------------------------------------------------------------------


def test_versions_of_imported_libraries_count(monkeypatch: pytest.MonkeyPatch, source: Path) -> None:
    assert source.is_dir()
    libraries = closure(CURVES)[1]
    assert {"torch", "numpy", "pandas", "safetensors"} <= libraries
    assert not libraries & {"jaxtyping", "pydantic", "json", "pathlib", "matplotlib", "gudhi"}
    before, real = fingerprint(CURVES), metadata.version
    for library, counts in (("torch", True), ("matplotlib", False), ("jaxtyping", False), ("numpy", True)):
        forget()
        monkeypatch.setattr(metadata, "version", lambda name, new=library: "9.9" if name == new else real(name))
        assert (fingerprint(CURVES) != before) == counts


def test_a_library_may_have_another_name_than_its_distribution(source: Path) -> None:
    (source / "new.py").write_text("from sklearn.datasets import load_digits\nfrom PIL import Image\n")
    assert closure("lossbars.new")[1] == {"sklearn", "PIL"}
    assert len(fingerprint("lossbars.new")) == 16


# Elsewhere ---------------------------------------------------------------------------------------


def test_a_users_file(tmp_path: Path) -> None:
    path = tmp_path / "my_net.py"
    found = []
    for text in ('"""A."""\nx = 1  # one\n', '"""B."""\n\nx = (1)\n', '"""A."""\nx = 2\n'):
        path.write_text(text)
        forget()
        found.append(file_fingerprint(path))
    assert found[0] == found[1] != found[2]


def test_it_is_the_same_in_another_process_and_loads_nothing(source: Path) -> None:
    """Whatever the order of sets there, and where the package lies."""
    code = f"import sys, lossbars.workflow.fingerprint as f; print(f.fingerprint({CURVES!r}), 'torch' in sys.modules)"
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(source.parent)}
        ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert ran.stdout.split() == [fingerprint(CURVES), "False"]
