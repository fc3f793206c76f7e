"""The configuration that Snakemake would run with, from the same options."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lossbars.workflow.config import ConfigError


def read_configuration(files: Sequence[Path], settings: Sequence[str]) -> dict[str, Any]:
    """config.yaml, with the files over it in their order, and ``KEY=VALUE`` settings over these.

    Keys come in Snakemake's order, which starts with what is put over config.yaml: documents show it.
    Raises ConfigError for a file that is not there or is no mapping, and for a setting of another form.
    """
    over: dict[str, Any] = {}
    for more in [*map(_read, files), *map(_setting, settings)]:
        over = _over(over, more)
    return _over(_over(over, _read(Path("config.yaml"))), over)


def _read(file: Path) -> dict[str, Any]:
    try:
        mapping = yaml.safe_load(file.read_text())
    except FileNotFoundError:
        hint = "--configfile takes all names that follow it as files"
        if file == Path("config.yaml"):
            hint = "run lossbars in the folder of the Snakefile"
        raise ConfigError(f"{file} is not there: {hint}") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from None
    if not isinstance(mapping, dict):
        raise ConfigError(f"{file} must hold keys and values at its top level")
    return mapping


def _over(base: Any, over: Any) -> Any:
    """``over`` over ``base``, key by key, at every depth: as Snakemake does."""
    if not isinstance(over, Mapping):
        return over
    start = dict(base) if isinstance(base, Mapping) else {}
    return start | {key: _over(start.get(key), value) for key, value in over.items()}


def _setting(text: str) -> dict[str, Any]:
    """``KEY=VALUE`` as Snakemake reads it: numbers and True or False are such, what else YAML holds stays text."""
    key, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--config {text}: expected KEY=VALUE")
    if value in ("", "True", "False"):
        return {key: None if value == "" else value == "True"}
    for kind in (int, float):
        try:
            return {key: kind(value)}
        except ValueError:
            continue
    try:
        return {key: yaml.load(value, Loader=yaml.BaseLoader)}
    except yaml.YAMLError:
        return {key: value}
