"""The direction of imports: the contracts in pyproject.toml hold, and planning a run loads no heavy library."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.paths import CHECKOUT

SOURCE = CHECKOUT / "src" / "lossbars"
MODULES = {str(path.relative_to(SOURCE)): path for path in sorted(SOURCE.rglob("*.py"))}
HEAVY = ("torch", "gudhi", "pandas", "matplotlib", "scipy", "numba", "pyarrow")
PLANNED = f"""
import sys, yaml
from pathlib import Path
from lossbars.documents.budget import budget_text
from lossbars.documents.plan import documented, documents, rules_of
from lossbars.experiments.kinds import KINDS
from lossbars.workflow.code_record import record_code
from lossbars.workflow.plan import Plan
from lossbars.workflow.snakemake_private import targets_of
from lossbars.workflow.validity import unfit

plan = Plan(yaml.safe_load(Path(sys.argv[1]).read_text()), KINDS)
keys = [task.key for key in plan.experiments for task in plan.tasks(key)]
keys += [task.key for task in documents(plan, documented(plan, []))]
rules_of(KINDS), budget_text(plan, list(plan.experiments))
print(len(keys), sorted(set({HEAVY}) & set(sys.modules)))
"""


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter, on the contracts and the code of a folder."""
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    paths = os.pathsep.join([str(folder / "src"), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": paths, "COLUMNS": "300"}
    command = [sys.executable, "-c", code, "--no-cache", "--config", str(folder / "pyproject.toml")]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_contracts_hold() -> None:
    done = lint(CHECKOUT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Contracts: 3 kept, 0 broken." in done.stdout


@pytest.mark.parametrize(
    ("module", "imported", "contract"),
    [
        ("workflow/plan.py", "lossbars.experiments.kinds", "rooms import from the rooms below them"),
        ("barcodes/barcode.py", "lossbars.networks.make", "rooms import from the rooms below them"),
        ("documents/report.py", "lossbars.cli.why", "rooms import from the rooms below them"),
        (
            "experiments/escape/costs.py",
            "lossbars.experiments.networks.config",
            "kinds of experiments do not know",
        ),
        ("workflow/tasks.py", "lossbars.workflow.plan", "import each other in a circle"),
    ],
)
def test_an_import_that_breaks_them_is_found(tmp_path: Path, module: str, imported: str, contract: str) -> None:
    shutil.copytree(SOURCE, tmp_path / "src/lossbars", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    with (tmp_path / "src/lossbars" / module).open("a") as file:
        file.write(f"\nimport {imported}\n")
    done = lint(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    broken = [line for line in done.stdout.splitlines() if " BROKEN" in line]
    assert any(contract in line for line in broken), done.stdout


def libraries(path: Path) -> set[str]:
    """Libraries that a module names anywhere in its text."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(str(node.module).split(".")[0])
    return found


@pytest.mark.parametrize("name", MODULES)
def test_snakemake_is_imported_nowhere_and_files_are_read_in_one_place(name: str) -> None:
    found = libraries(MODULES[name])
    assert "snakemake" not in found
    if name != "workflow/artefacts.py":
        assert not found & {"safetensors", "pyarrow", "pickle"}


def test_rules_use_of_snakemake_what_is_documented() -> None:
    """The rest is in lossbars.workflow.snakemake_private, which is given the workflow as a whole."""
    used = set()
    for path in (CHECKOUT / "Snakefile", *(CHECKOUT / "rules").glob("*.smk")):
        used |= set(re.findall(r"(?<!lossbars\.)\bworkflow\.(\w+)", path.read_text()))
    assert used == {"basedir"}


def test_planning_loads_no_torch() -> None:
    environment = os.environ | {"PYTHONPATH": str(SOURCE.parent)}
    command = [sys.executable, "-c", PLANNED, str(CHECKOUT / "config.yaml")]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    count, loaded = ran.stdout.split(maxsplit=1)
    assert int(count) > 1000 and loaded.strip() == "[]"
