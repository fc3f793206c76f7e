"""The environment for conda has what the package depends on."""

import tomllib

import yaml

from lossbars.documents.environment import ENVIRONMENT, PROJECT, environment
from support.paths import CHECKOUT


def test_the_environment_is_made_from_the_projects_dependencies() -> None:
    text = (CHECKOUT / ENVIRONMENT).read_text()
    project = (CHECKOUT / PROJECT).read_text()
    assert text == environment(project), "run: python -m lossbars.documents.environment"
    python, pip, libraries = yaml.safe_load(text)["dependencies"]
    stated = tomllib.loads(project)["project"]
    assert libraries == {"pip": stated["dependencies"]}
    assert pip == "pip" and stated["requires-python"] == python.replace("python=", ">=")
