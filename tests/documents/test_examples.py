"""Python in the documents: its imports are those of the code."""

import ast
import re
from pathlib import Path

import pytest

from support.paths import CHECKOUT

PAGES = sorted([CHECKOUT / "README.md", *(CHECKOUT / "docs").glob("*.md"), CHECKOUT / "benchmarks/README.md"])
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def imports(page: Path) -> list[ast.stmt]:
    trees = [ast.parse(block) for block in BLOCK.findall(page.read_text())]
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


@pytest.mark.parametrize("page", [page for page in PAGES if imports(page)], ids=lambda page: page.name)
def test_what_examples_import_is_there(page: Path) -> None:
    for node in imports(page):
        exec(compile(ast.Module([node], []), page.name, "exec"), {})
