"""The environment of ``snakemake --sdm conda``, made of what the package depends on. Loads no torch.

``python -m lossbars.documents.environment`` rewrites envs/lossbars.yaml from pyproject.toml.
"""

import tomllib
from pathlib import Path

PROJECT, ENVIRONMENT = Path("pyproject.toml"), Path("envs/lossbars.yaml")
HEAD = """\
# For `snakemake --sdm conda`. The package itself is taken from the checkout (see rules/common.smk); requirements.lock
# has the exact versions that the tests run with. Written by `python -m lossbars.documents.environment`.
# The libraries come by pip, under the names of pyproject.toml: conda-forge calls some otherwise, and has some later.
channels: [conda-forge]
dependencies:
"""


def environment(project: str) -> str:
    """The text of envs/lossbars.yaml, from the text of pyproject.toml."""
    stated = tomllib.loads(project)["project"]
    python = stated["requires-python"].removeprefix(">=")  # the oldest, for which every library has a wheel
    lines = [f"  - python={python}", "  - pip", "  - pip:", *(f"      - {one}" for one in stated["dependencies"])]
    return HEAD + "\n".join(lines) + "\n"


def main() -> None:
    """Rewrite envs/lossbars.yaml below the working folder."""
    ENVIRONMENT.write_text(environment(PROJECT.read_text()))


if __name__ == "__main__":
    main()
