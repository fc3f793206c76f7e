"""The direction of imports: each layer imports from above alone. This is the one test that holds it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "lossbars"

# A new module must be placed here; a package stands for all of its modules. The earlier, the fewer may be imported.
LAYERS = [
    # What a run is to make: read while it is planned, without torch.
    {
        "lossbars",
        "recipes",
        "experiments",
        "config",
        "blocks",
        "plan",
        "job",
        "jobs",
        "fingerprint",
        "costs",
        "resources",
        "expected",
        "pathlists",
        "budget",
        "inputs",
        "job_maker",
        "network_jobs",
        "network_costs",
        "function_experiments",
        "landscape_specs",
        "network_specs",
        "user_files",
        "function_plan",
        "function_jobs",
        "function_expected",
        "function_costs",
        "escape_experiments",
        "escape_jobs",
        "saddle_experiments",
        "string_experiments",
        "string_jobs",
        "saddle_jobs",
        "hessian_experiments",
        "hessian_jobs",
        "hessian_costs",
        "embedding_jobs",
        "embedding_recipes",
        "embedding_costs",
    },
    # Layer 0: mathematics of barcodes and of simplices.
    {
        "seeding",
        "barcode",
        "bottleneck",
        "complex",
        "families",
        "landscape",
        "stopping",
        "sublevel",
        "sweep",
        "prefetch",
        "basins",
        "contraction",
        "shares",
        "neighbours",
        "cell_grid",
        "regular_grid",
        "cloud",
        "samples",
        "exact_barcode",
    },
    # Layer 1: landscapes.
    {
        "functions",
        "critical_points",
        "networks",
        "datasets",
        "data",
        "plugin",
        "network_landscape",
        "convolution",
        "stacking",
        "linear_chain",
        "running",
        "replay",
        "memory",
        "record",
        "symmetry",
        "unit_groups",
        "unit_tape",
        "augment",
        "metrics",
        "perceptron",
        "tasks",
        "regression",
        "landscapes",
        "polynomials",
    },
    # Layer 2: algorithms, on any landscape.
    {
        "descent",
        "optimisers",
        "schedules",
        "minimise",
        "connect",
        "align",
        "flow",
        "strings",
        "string_state",
        "string_sweep",
        "lowest_strings",
        "string_view",
        "path_points",
        "normal_parts",
        "multistart",
        "profiles",
        "robustness",
        "escape",
        "known_saddles",
        "embed",
        "theorem",
        "random_matrices",
        "sampled_matrices",
        "hessian",
        "gauss_newton",
        "lanczos",
        "critical_search",
        "interpolation",
    },
    # Layer 3: files, claims, figures.
    {
        "files",
        "documents",
        "artefacts",
        "checkpoints",
        "store",
        "condition",
        "unfit",
        "rulegraph",
        "runs",
        "code_record",
        "claims",
        "findings",
        "depth_findings",
        "bar_tables",
        "convergence_findings",
        "function_findings",
        "function_results",
        "function_claims",
        "rate_findings",
        "tiny_findings",
        "level_set_findings",
        "escape_findings",
        "escape_fits",
        "path_findings",
        "modulo_findings",
        "saddle_findings",
        "string_fits",
        "string_findings",
        "string_claims",
        "hessian_findings",
        "spectrum_findings",
        "hessian_fits",
        "hessian_claims",
        "embedding_findings",
        "generalisation_findings",
        "convolution_findings",
        "convolutional_claims",
        "verdicts",
        "texts",
        "shortcut_findings",
        "robustness_findings",
        "transformer_findings",
        "deep_claims",
        "triangle_claims",
        "figures",
    },
    # Layer 4: steps of the workflow.
    {"steps"},
    # What a person asks of a workflow, beside running it.
    {"operations", "__main__"},
]
PLANNING, MATHEMATICS, LANDSCAPES, ALGORITHMS, RESULTS, STEPS, OPERATIONS = LAYERS


def modules() -> dict[str, Path]:
    """Name without the package's → file."""
    names = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        names[".".join(part for part in parts if part != "__init__") or "lossbars"] = path
    return names


MODULES = modules()


def part_of(name: str) -> str:
    """The entry of LAYERS that a module belongs to."""
    return name.split(".")[0]


def imports(name: str) -> tuple[set[str], set[str]]:
    """Modules of the package, and libraries, that a module names anywhere in its text."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: a relative import"
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    own = {other.removeprefix("lossbars.") for other in found if other.startswith("lossbars")}
    libraries = {other.split(".")[0] for other in found if not other.startswith("lossbars")}
    return (own & set(MODULES)) - {"lossbars"}, libraries


def reached(name: str) -> set[str]:
    """All modules that are imported with it, directly or not."""
    seen, todo = set[str](), [name]
    while todo:
        for other in imports(todo.pop())[0] - seen:
            seen.add(other)
            todo.append(other)
    return seen


def test_every_module_is_in_one_layer() -> None:
    placed = [name for layer in LAYERS for name in layer]
    assert len(placed) == len(set(placed))
    assert {part_of(name) for name in MODULES} == set(placed)


@pytest.mark.parametrize("name", MODULES)
def test_each_module_imports_from_above(name: str) -> None:
    (layer,) = (i for i, names in enumerate(LAYERS) if part_of(name) in names)
    allowed = set().union(*LAYERS[: layer + 1])
    below = {other for other in imports(name)[0] if part_of(other) not in allowed}
    assert not below, f"{name} imports {sorted(below)} from a later layer"


@pytest.mark.parametrize("name", [n for n in MODULES if part_of(n) in MATHEMATICS | ALGORITHMS])
def test_mathematics_and_algorithms_know_no_network(name: str) -> None:
    assert not {part_of(other) for other in reached(name)} & {"networks", "datasets", "network_landscape"}


@pytest.mark.parametrize("name", MODULES)
def test_snakemake_is_imported_nowhere_and_files_are_read_in_one_place(name: str) -> None:
    libraries = imports(name)[1]
    assert "snakemake" not in libraries
    if name != "artefacts":
        assert not libraries & {"safetensors", "pyarrow", "pickle"}


def test_planning_loads_no_torch() -> None:
    lines = "".join(f"import lossbars.{name}; " for name in sorted(PLANNING - {"lossbars"}))
    code = f"import sys; {lines}print(sorted({{'torch', 'gudhi', 'pandas', 'matplotlib'}} & set(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": str(SOURCE.parent)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
