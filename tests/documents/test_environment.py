"""The environment of ``snakemake --sdm conda`` has what the package depends on."""

import tomllib

import yaml

from support.paths import CHECKOUT
from support.written import check_written

HEAD = """\
# For `snakemake --sdm conda`. The package itself is taken from the checkout (see rules/common.smk); requirements.lock
# has the exact versions that the tests run with. Written by `make written`.
# The libraries come by pip, under the names of pyproject.toml: conda-forge calls some otherwise, and has some later.
channels: [conda-forge]
dependencies:
"""


def test_the_environment_is_made_from_the_projects_dependencies() -> None:
    stated = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    python = stated["requires-python"].removeprefix(">=")  # the oldest, for which every library has a wheel
    lines = [
        f"  - python={python}",
        "  - pip",
        "  - pip:",
        *(f"      - {library}" for library in stated["dependencies"]),
    ]
    text = HEAD + "\n".join(lines) + "\n"
    check_written(CHECKOUT / "envs/lossbars.yaml", text)
    assert yaml.safe_load(text)["dependencies"] == [f"python={python}", "pip", {"pip": stated["dependencies"]}]
