"""Fingerprints of code: what a step runs, without comments, docstrings and layout.

Snakemake does not see a change in an imported module. A fingerprint is the digest of the syntax trees of
a module and of all that it imports from this package, transitively, and of the versions of the libraries
that these import. A reformatting never changes it, a changed formula always does.
"""

import ast
import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGE = "lossbars"
SOURCE = Path(__file__).resolve().parent

# What these hold reaches a job in other ways: recipes as values in its params; and the lists of architectures,
# data sets, figures and landscapes are not followed, only the chosen member is, so that adding one costs no retraining;
# nor is what aligns the ends of curves, where a recipe asks for none of it.
BY_VALUE = (
    "lossbars.recipes",
    "lossbars.experiments",
    "lossbars.network_specs",
    "lossbars.function_experiments",
    "lossbars.escape_experiments",
    "lossbars.saddle_experiments",
    "lossbars.hessian_experiments",
    "lossbars.string_experiments",
    "lossbars.landscape_specs",
    "lossbars.config",
    "lossbars.job",
    "lossbars.fingerprint",
)
BY_CHOICE = (
    "lossbars.networks",
    "lossbars.datasets",
    "lossbars.figures",
    "lossbars.functions",
    "lossbars.regression",
    "lossbars.perceptron",
    "lossbars.tasks",
    "lossbars.align",
    "lossbars.symmetry",
)
BESIDE = ("lossbars.runs",)  # writes beside results, never into them
NOT_NUMERIC = ("jaxtyping", "pydantic")
DISTRIBUTION = {
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "mpl_toolkits": "matplotlib",
    "yaml": "pyyaml",
}  # imported name → distribution, where they differ


@cache
def fingerprint(module: str, chosen: tuple[str, ...] = ()) -> str:
    """Digest of ``module``'s import closure; ``chosen`` are members of the packages taken by choice."""
    modules, libraries = closure(module, chosen)
    digest = hashlib.sha256()
    for name in sorted(modules):
        digest.update(f"{name}\n{_tree(_file(name))}\n".encode())
    for name in sorted(libraries):
        digest.update(f"{name}=={metadata.version(DISTRIBUTION.get(name, name))}\n".encode())
    return digest.hexdigest()[:16]


def ingredients(module: str, chosen: tuple[str, ...] = ()) -> dict[str, str]:
    """What the fingerprint covers: module → digest of its syntax tree, library → version."""
    modules, libraries = closure(module, chosen)
    trees = {name: file_fingerprint(_file(name)) for name in modules}
    return trees | {name: metadata.version(DISTRIBUTION.get(name, name)) for name in libraries}


def file_fingerprint(path: Path) -> str:
    """Digest of one file of the user's, by the same rules; what it imports is not followed."""
    return hashlib.sha256(_tree(path).encode()).hexdigest()[:16]


def text_fingerprint(path: Path) -> str:
    """Digest of a file that is no Python, as it stands."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def closure(module: str, chosen: tuple[str, ...] = ()) -> tuple[frozenset[str], frozenset[str]]:
    """Modules of this package that ``module`` runs, and the libraries they import."""
    todo, modules, libraries = [module, *chosen], set[str](), set[str]()
    while todo:
        name = todo.pop()
        if name in modules or (name not in chosen and _skipped(name)):
            continue
        modules.add(name)
        todo += _parents(name)
        for imported in _imports(name):
            if imported == PACKAGE or imported.startswith(PACKAGE + "."):
                todo.append(imported)
            elif (top := imported.partition(".")[0]) not in sys.stdlib_module_names and top not in NOT_NUMERIC:
                libraries.add(top)
    return frozenset(modules), frozenset(libraries)


def _skipped(name: str) -> bool:
    return name in BY_VALUE or name in BY_CHOICE or name in BESIDE


def _parents(name: str) -> Iterable[str]:
    parts = name.split(".")
    return [".".join(parts[:i]) for i in range(1, len(parts))]


def _file(name: str) -> Path:
    path = SOURCE.joinpath(*name.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _imports(name: str) -> frozenset[str]:
    found = set[str]()
    for node in ast.walk(ast.parse(_file(name).read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{name}: relative imports are not followed; write the module's full name")
            base = node.module or ""
            found.add(base)
            if base.startswith(PACKAGE):  # a name may be a module of that package
                found |= {f"{base}.{alias.name}" for alias in node.names if _file(f"{base}.{alias.name}").is_file()}
    return frozenset(found)


@cache
def _tree(path: Path) -> str:
    """The syntax tree as text, docstrings out (comments and layout are no part of it)."""
    tree = ast.parse(path.read_text(), str(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return ast.dump(tree)
