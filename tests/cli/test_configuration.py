"""The configuration of `lossbars` is that of Snakemake, to the order of its keys."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lossbars.cli.configuration import read_configuration
from lossbars.workflow.config import ConfigError

BASE = """
data_root: null
experiments:
  one: &one {seeds: 3, curves: {epochs: 5, lr: 1.0e-2, grid: [1, 2]}, data: digits}
  two: {<<: *one, seeds: 4}
scale: 1
"""
MORE = "experiments: {three: {seeds: 1}, one: {curves: {bends: 2, epochs: 9}, data: {name: x}}}"
LAST = '{"experiments": {"one": {"curves": {"grid": [3]}}, "two": 7}}'
SETTINGS = [
    "scale=0.5",
    "data_root=/data",
    "cache=",
    "flag=True",
    "experiments={two: {seeds: 8}}",
    "text=a b",
    "count=3",
]


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(BASE)
    Path("more.yaml").write_text(MORE)
    Path("last.json").write_text(LAST)


@pytest.mark.workflow
def test_files_and_settings_are_merged_as_snakemake_does():
    code = 'configfile: "config.yaml"\nimport json\nprint("CONFIG " + json.dumps(config))\nrule all:\n'
    Path("Snakefile").write_text(code)
    options = ["--configfile", "more.yaml", "last.json", "--config", *SETTINGS]
    command = [sys.executable, "-m", "snakemake", "-n", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("CONFIG ")]
    own = read_configuration([Path("more.yaml"), Path("last.json")], SETTINGS)
    assert json.dumps(own) == line.removeprefix("CONFIG "), "values, their types and their order"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none.yaml", None, "none.yaml is not there: --configfile takes all names that follow it as files"),
        ("list.yaml", "- 1", "list.yaml must hold keys and values at its top level"),
        ("bad.yaml", "a: [1", "bad.yaml cannot be read"),
    ],
)
def test_files_that_cannot_be_read(name, text, message):
    if text is not None:
        Path(name).write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_configuration([Path(name)], [])
