"""Fingerprints of code: what a step runs, without comments, docstrings and layout.

Snakemake does not see a change in an imported module. A fingerprint is the digest of the syntax trees of
a module and of all that it imports from this package, transitively, and of the versions of the libraries
that these import. A reformatting never changes it, a changed formula always does. An ``__init__.py`` that hands on
names of its modules is looked through: who imports such a name depends on the module that defines it.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

from lossbars.user_files import split_source

PACKAGE = "lossbars"
SOURCE = Path(__file__).resolve().parent.parent  # the package's folder

# What these hold reaches a job as the values of its settings. Modules named so, and these, are not followed.
BY_VALUE_NAMES = ("config", "specs", "settings", "kind")
BY_VALUE = (
    "lossbars.recipes",
    "lossbars.recipes.base",
    "lossbars.recipes.convergence",
    "lossbars.recipes.descent",
    "lossbars.recipes.inputs",
    "lossbars.recipes.paths",
    "lossbars.recipes.simplices",
    "lossbars.workflow.data_sets",
    "lossbars.workflow.experiment",
    "lossbars.workflow.fingerprint",
    "lossbars.workflow.job",
    "lossbars.workflow.landscape_rules",
    "lossbars.workflow.tasks",
    "lossbars.workflow.training_settings",
)
# Networks and data sets are loaded by their names, so only the chosen one is followed; so it is with landscapes, and
# with what aligns the ends of curves, which most recipes do not ask for. Adding one costs no retraining.
BY_CHOICE = (
    "lossbars.functions.benchmarks",
    "lossbars.landscapes.regression",
    "lossbars.landscapes.perceptron",
    "lossbars.landscapes.toy_data",
    "lossbars.symmetry.alignment",
    "lossbars.symmetry.permutations",
)
BESIDE = ("lossbars.workflow.run_log",)  # writes beside results, never into them
NOT_NUMERIC = ("jaxtyping", "pydantic")
DISTRIBUTION = {
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "mpl_toolkits": "matplotlib",
    "yaml": "pyyaml",
}  # imported name → distribution, where they differ


@cache
def fingerprint(module: str, extra_modules: tuple[str, ...] = ()) -> str:
    """Digest of ``module``'s import closure; ``extra_modules`` are members of the packages taken by choice."""
    return _digest(json.dumps(ingredients(module, extra_modules), sort_keys=True).encode())


def ingredients(module: str, extra_modules: tuple[str, ...] = ()) -> dict[str, str]:
    """What the fingerprint covers: module → digest of its syntax tree, library → version."""
    modules, libraries = closure(module, extra_modules)
    trees = {name: file_fingerprint(_file(name)) for name in modules}
    return trees | {name: metadata.version(DISTRIBUTION.get(name, name)) for name in libraries}


def file_fingerprint(path: Path) -> str:
    """Digest of one file of the user's, by the same rules; what it imports is not followed."""
    return _digest(_tree(path).encode())


def user_file(source: str | None, what: str) -> str | None:
    """The fingerprint of the file of a user's ``FILE:NAME``; None of no source."""
    return None if source is None else file_fingerprint(split_source(source, what)[0])


def text_fingerprint(path: Path) -> str:
    """Digest of a file that is no Python, as it stands."""
    return _digest(path.read_bytes())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def closure(module: str, extra_modules: tuple[str, ...] = ()) -> tuple[frozenset[str], frozenset[str]]:
    """Modules of this package that ``module`` runs, and the libraries they import."""
    todo, modules, libraries = [module, *extra_modules], set[str](), set[str]()
    while todo:
        name = todo.pop()
        if name in modules or (name not in extra_modules and _skipped(name)):
            continue
        modules.add(name)
        if package := name.rpartition(".")[0]:
            todo.append(package)
        for imported in _imports(name):
            if imported == PACKAGE or imported.startswith(PACKAGE + "."):
                todo.append(imported)
            elif (top := imported.partition(".")[0]) not in sys.stdlib_module_names and top not in NOT_NUMERIC:
                libraries.add(top)
    return frozenset(modules), frozenset(libraries)


def _skipped(name: str) -> bool:
    return name in (*BY_VALUE, *BY_CHOICE, *BESIDE) or name.rpartition(".")[2] in BY_VALUE_NAMES


def _file(name: str) -> Path:
    path = SOURCE.joinpath(*name.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _imports(name: str) -> frozenset[str]:
    modules = set[str]()
    for node in _nested(_statements(_file(name))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                modules |= {alias.name, *_members(alias.name).values()}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{name}: relative imports are not followed; write the module's full name")
            modules |= _imported(node)
    return frozenset(modules)


def _imported(node: ast.ImportFrom) -> set[str]:
    """A module, and those that its names are, or are defined in where it is a package that only hands them on."""
    base = node.module or ""
    modules, members = {base}, _members(base)
    if base == PACKAGE or base.startswith(PACKAGE + "."):
        for alias in node.names:
            inner = f"{base}.{alias.name}"
            if _file(inner).is_file():  # a name may be a module of that package
                modules |= {inner, *_members(inner).values()}
            elif alias.name == "*":
                modules |= set(members.values())
            elif alias.name in members:
                modules.add(members[alias.name])
    return modules


def _members(package: str) -> dict[str, str]:
    """Name → the module of this package that defines it, of those that an ``__init__.py`` hands on."""
    if not package.startswith(PACKAGE + ".") or (path := _file(package)).name != "__init__.py" or not path.is_file():
        return {}
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if _hands_on(node)]
    return {alias.name: str(node.module) for node in nodes for alias in node.names}  # type: ignore[attr-defined]


def _hands_on(node: ast.AST) -> bool:
    """Whether a statement of an ``__init__.py`` only hands on names of modules of this package."""
    if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(PACKAGE + "."):
        return False
    return all(alias.asname in (None, alias.name) for alias in node.names)


def _statements(path: Path) -> list[ast.stmt]:
    """The statements of a file; of an ``__init__.py`` without those that hand names on: importers look through."""
    body = ast.parse(path.read_text(), str(path)).body
    if path.name != "__init__.py":
        return body
    return [node for node in body if not _hands_on(node) and not _lists(node)]


def _lists(node: ast.stmt) -> bool:
    """Whether a statement is ``__all__ = …``, or names handed on to a type checker alone."""
    if isinstance(node, ast.Assign):
        return [name.id for name in node.targets if isinstance(name, ast.Name)] == ["__all__"]
    checked = isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return checked and all(_hands_on(one) for one in node.body)  # type: ignore[attr-defined]


@cache
def _tree(path: Path) -> str:
    """The syntax tree as text, docstrings out (comments and layout are no part of it)."""
    tree = ast.Module(_statements(path), [])
    for node in (tree, *_nested(tree.body)):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def _nested(statements: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Statements, and those inside of them; expressions, which are most of a tree, hold none."""
    todo = list(statements)
    while todo:
        node = todo.pop()
        yield node
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            todo.extend(getattr(node, part, ()))
