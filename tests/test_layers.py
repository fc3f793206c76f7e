"""The direction of imports: each layer imports from above alone. This is the one test that holds it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.paths import CHECKOUT

SOURCE = CHECKOUT / "src" / "lossbars"

# A new module must be placed here. The earlier, the fewer may be imported.
LAYERS = [
    # What a run is to make: read while it is planned, without torch.
    {
        "datasets.modules",
        "datasets.sizes",
        "datasets.specs",
        "documents.budget",
        "documents.plan",
        "documents.rule_graph",
        "experiments.convergence.config",
        "experiments.convergence.costs",
        "experiments.convergence.plan",
        "experiments.escape.config",
        "experiments.escape.costs",
        "experiments.escape.plan",
        "experiments.functions.config",
        "experiments.functions.costs",
        "experiments.functions.paths",
        "experiments.functions.plan",
        "experiments.hessian.config",
        "experiments.hessian.costs",
        "experiments.hessian.plan",
        "experiments.networks.config",
        "experiments.networks.embeddings.config",
        "experiments.networks.embeddings.costs",
        "experiments.networks.embeddings.plan",
        "experiments.networks.plan",
        "experiments.saddles.config",
        "experiments.saddles.costs",
        "experiments.saddles.plan",
        "experiments.strings.config",
        "experiments.strings.costs",
        "experiments.strings.plan",
        "landscapes.modules",
        "landscapes.specs",
        "lossbars",
        "networks.modules",
        "networks.sizes",
        "networks.specs",
        "recipes",
        "seeding",
        "user_files",
        "workflow.blocks",
        "workflow.config",
        "workflow.experiment",
        "workflow.fingerprint",
        "workflow.inputs",
        "workflow.job",
        "workflow.job_maker",
        "workflow.landscape_costs",
        "workflow.path_lists",
        "workflow.plan",
        "workflow.resources",
        "workflow.tasks",
        "workflow.training_costs",
    },
    # Layer 0: mathematics of barcodes and of simplices.
    {
        "barcodes.barcode",
        "barcodes.bottleneck",
        "barcodes.complex",
        "barcodes.separable",
        "landscape",
        "optimise.stopping",
        "simplices",
        "simplices.base",
        "simplices.bezier",
        "simplices.chain",
        "simplices.simplex",
        "simplices.triangle",
        "sublevel",
        "sublevel.barcodes",
        "sublevel.basin_kernels",
        "sublevel.basins",
        "sublevel.cell_grid",
        "sublevel.cloud",
        "sublevel.neighbours",
        "sublevel.prefetch",
        "sublevel.regular_grid",
        "sublevel.samples",
        "sublevel.sweep",
        "sublevel.threads",
    },
    # Layer 1: landscapes.
    {
        "datasets.cifar",
        "datasets.custom",
        "datasets.dataset",
        "datasets.digits",
        "datasets.files",
        "datasets.load",
        "datasets.mnist",
        "datasets.ptb",
        "datasets.svhn",
        "datasets.text",
        "experiments.escape.polynomials",
        "functions",
        "functions.benchmarks",
        "functions.critical_points",
        "landscapes.make",
        "landscapes.metric",
        "landscapes.network.augmentation",
        "landscapes.network.cuda_graph",
        "landscapes.network.evaluation",
        "landscapes.network.execution",
        "landscapes.network.landscape",
        "landscapes.network.linear_chain",
        "landscapes.network.memory",
        "landscapes.network.precision",
        "landscapes.network.stacked_linear",
        "landscapes.perceptron",
        "landscapes.regression",
        "landscapes.toy_data",
        "networks.cnn",
        "networks.conv_fc",
        "networks.custom",
        "networks.gpt",
        "networks.lenet",
        "networks.lstm",
        "networks.make",
        "networks.mlp",
        "networks.resnet",
        "networks.resnet_195k",
        "networks.wide_resnet",
        "symmetry.permutations",
        "symmetry.trace",
        "symmetry.unit_groups",
    },
    # Layer 2: algorithms, on any landscape.
    {
        "barcodes.subsets",
        "experiments.escape.descent",
        "experiments.networks.embeddings.theorem",
        "experiments.saddles.known_bars",
        "hessian.critical_search",
        "hessian.derivatives",
        "hessian.gauss_newton",
        "hessian.interpolation",
        "hessian.lanczos",
        "hessian.random_matrices",
        "hessian.sampled_matrices",
        "optimise.connect",
        "optimise.descent",
        "optimise.flow",
        "optimise.flow_kernel",
        "optimise.minimise",
        "optimise.multistart",
        "optimise.optimisers",
        "optimise.path_points",
        "optimise.schedules",
        "optimise.strings.lowest",
        "optimise.strings.sampler",
        "optimise.strings.state",
        "optimise.strings.sweep",
        "optimise.strings.view",
        "simplices.profiles",
        "symmetry.alignment",
        "symmetry.embedding",
    },
    # Layer 3: files, claims, figures.
    {
        "claims.claim",
        "claims.papers",
        "claims.results",
        "claims.verdicts",
        "documents.rule_drawing",
        "documents.unfit",
        "experiments.convergence.claims",
        "experiments.convergence.figure",
        "experiments.convergence.fits",
        "experiments.escape.claims",
        "experiments.escape.figures.polynomials",
        "experiments.escape.figures.rates",
        "experiments.escape.figures.regimes",
        "experiments.escape.figures.steps",
        "experiments.escape.figures.trajectories",
        "experiments.escape.fits",
        "experiments.functions.bars",
        "experiments.functions.claims.benchmarks",
        "experiments.functions.claims.catalogue",
        "experiments.functions.claims.level_sets",
        "experiments.functions.claims.results",
        "experiments.functions.claims.tiny_networks",
        "experiments.functions.figures.bridge",
        "experiments.functions.figures.cloud_tables",
        "experiments.functions.figures.pairs",
        "experiments.functions.figures.sublevel_bars",
        "experiments.functions.figures.surface",
        "experiments.functions.figures.tiny_bars",
        "experiments.hessian.claims.catalogue",
        "experiments.hessian.claims.nets",
        "experiments.hessian.claims.spectra",
        "experiments.hessian.figures.critical_energy",
        "experiments.hessian.figures.index_energy",
        "experiments.hessian.figures.net_spectrum",
        "experiments.hessian.figures.null_space",
        "experiments.hessian.figures.spectra",
        "experiments.hessian.fits",
        "experiments.networks.claims.catalogue",
        "experiments.networks.claims.convolutional",
        "experiments.networks.claims.deep",
        "experiments.networks.claims.depth",
        "experiments.networks.claims.generalisation",
        "experiments.networks.claims.generic",
        "experiments.networks.claims.modulo",
        "experiments.networks.claims.path_optimisers",
        "experiments.networks.claims.robustness",
        "experiments.networks.claims.shortcuts",
        "experiments.networks.claims.transformer",
        "experiments.networks.claims.triangles",
        "experiments.networks.embeddings.claims",
        "experiments.networks.embeddings.figure",
        "experiments.networks.figures.barcodes",
        "experiments.networks.figures.complexity",
        "experiments.networks.figures.modulo",
        "experiments.networks.figures.optimisers",
        "experiments.networks.figures.path_norms",
        "experiments.networks.figures.persistence",
        "experiments.networks.figures.profiles",
        "experiments.networks.figures.robustness",
        "experiments.networks.figures.string_bridge",
        "experiments.networks.figures.to_score",
        "experiments.networks.figures.triangle",
        "experiments.saddles.claims",
        "experiments.saddles.figures.death_error",
        "experiments.saddles.figures.insertion",
        "experiments.strings.claims",
        "experiments.strings.figures.answers",
        "experiments.strings.figures.lengths",
        "experiments.strings.figures.views",
        "experiments.strings.findings",
        "experiments.strings.fits",
        "plots.bars",
        "plots.components",
        "plots.style",
        "plots.surfaces",
        "plots.tables",
        "workflow.artefacts",
        "workflow.checkpoints",
        "workflow.code_record",
        "workflow.files",
        "workflow.marks",
        "workflow.result_store",
        "workflow.run_log",
        "workflow.validity",
    },
    # Layer 4: steps of the workflow.
    {
        "documents.claims_report",
        "documents.provenance",
        "documents.report",
        "documents.usage",
        "experiments.convergence.steps.cloud_pairs",
        "experiments.convergence.steps.distances",
        "experiments.escape.steps.claims",
        "experiments.escape.steps.figure",
        "experiments.escape.steps.runs",
        "experiments.escape.steps.setting",
        "experiments.escape.steps.table",
        "experiments.escape.steps.trajectories",
        "experiments.functions.steps.bars",
        "experiments.functions.steps.claims",
        "experiments.functions.steps.cloud",
        "experiments.functions.steps.figure",
        "experiments.functions.steps.optimised",
        "experiments.functions.steps.sublevel_barcode",
        "experiments.functions.steps.surface",
        "experiments.hessian.steps.claims",
        "experiments.hessian.steps.critical",
        "experiments.hessian.steps.figure",
        "experiments.hessian.steps.minimisers",
        "experiments.hessian.steps.parts",
        "experiments.hessian.steps.setting",
        "experiments.hessian.steps.spectra",
        "experiments.networks.embeddings.step",
        "experiments.networks.steps.barcode",
        "experiments.networks.steps.claims",
        "experiments.networks.steps.complex",
        "experiments.networks.steps.corners",
        "experiments.networks.steps.curves",
        "experiments.networks.steps.figure",
        "experiments.networks.steps.minima",
        "experiments.networks.steps.paths",
        "experiments.networks.steps.robustness",
        "experiments.networks.steps.string_curves",
        "experiments.networks.steps.tables",
        "experiments.networks.steps.triangles",
        "experiments.saddles.steps.claims",
        "experiments.saddles.steps.deaths",
        "experiments.saddles.steps.figure",
        "experiments.saddles.steps.insertion",
        "experiments.saddles.steps.table",
        "experiments.strings.steps.claims",
        "experiments.strings.steps.figure",
        "experiments.strings.steps.strings",
        "experiments.strings.steps.table",
        "workflow.command",
        "workflow.dataset_step",
        "workflow.landscape_step",
        "workflow.reading",
        "workflow.records",
        "workflow.training_step",
    },
    # What a person asks of a workflow, beside running it.
    {
        "__main__",
        "cli.cluster_checks",
        "cli.configuration",
        "cli.data_checks",
        "cli.differences",
        "cli.doctor",
        "cli.finding",
        "cli.local_checks",
        "cli.main",
        "cli.processes",
        "cli.profile",
        "cli.recover",
        "cli.slurm",
        "cli.why",
    },
]
PLANNING, MATHEMATICS, LANDSCAPES, ALGORITHMS, RESULTS, STEPS, OPERATIONS = LAYERS


def modules() -> dict[str, Path]:
    """Name without the package's → file."""
    names = {}
    for path in sorted(SOURCE.rglob("*.py")):
        if path.name == "__init__.py" and not path.read_text():
            continue
        parts = path.relative_to(SOURCE).with_suffix("").parts
        names[".".join(part for part in parts if part != "__init__") or "lossbars"] = path
    return names


MODULES = modules()


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
    assert set(MODULES) == set(placed)


@pytest.mark.parametrize("name", MODULES)
def test_each_module_imports_from_above(name: str) -> None:
    (layer,) = (i for i, names in enumerate(LAYERS) if name in names)
    allowed = set().union(*LAYERS[: layer + 1])
    below = {other for other in imports(name)[0] if other not in allowed}
    assert not below, f"{name} imports {sorted(below)} from a later layer"


@pytest.mark.parametrize("name", [n for n in MODULES if n in MATHEMATICS | ALGORITHMS])
def test_mathematics_and_algorithms_know_no_network(name: str) -> None:
    far = ("networks.", "datasets.", "landscapes.network.landscape")
    assert not [other for other in reached(name) if other.startswith(far)]


@pytest.mark.parametrize("name", MODULES)
def test_snakemake_is_imported_nowhere_and_files_are_read_in_one_place(name: str) -> None:
    libraries = imports(name)[1]
    assert "snakemake" not in libraries
    if name != "workflow.artefacts":
        assert not libraries & {"safetensors", "pyarrow", "pickle"}


def test_planning_loads_no_torch() -> None:
    lines = "".join(f"import lossbars.{name}; " for name in sorted(PLANNING - {"lossbars"}))
    code = f"import sys; {lines}print(sorted({{'torch', 'gudhi', 'pandas', 'matplotlib'}} & set(sys.modules)))"
    environment = os.environ | {"PYTHONPATH": str(SOURCE.parent)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
