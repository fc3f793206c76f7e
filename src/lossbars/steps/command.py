"""The command line of every step, made from the signature of its function."""

import argparse
import inspect
import sys
import typing
from collections.abc import Callable
from pathlib import Path

from lossbars.job import Job


def run(step: Callable[..., None], known: tuple[type[Exception], ...] = ()) -> None:
    """Call ``step`` with the options of the command line; a known error ends in one message, not in a traceback."""
    arguments = vars(_parser(step).parse_args())
    try:
        step(**arguments)
    except (ValueError, *known) as error:  # type: ignore[misc]  # bad data, artefacts, recipes: ValueErrors
        sys.exit(f"{_module(step)}: error: {error}")


def _module(step: Callable[..., None]) -> str:
    return f"lossbars.steps.{Path(inspect.getfile(step)).stem}"


def _parser(step: Callable[..., None]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {_module(step)}", description=inspect.getdoc(step))
    hints = typing.get_type_hints(step)
    for name, parameter in inspect.signature(step).parameters.items():
        required = parameter.default is inspect.Parameter.empty
        kind = hints[name]
        option = f"--{name.replace('_', '-')}"
        if kind is Job:
            parser.add_argument(option, type=Job.from_json, required=True)
        elif kind == list[Path]:
            parser.add_argument(option, type=Path, nargs="*", required=required, default=parameter.default)
        elif kind == Path | None:
            parser.add_argument(option, type=lambda text: Path(text) if text else None, default=parameter.default)
        else:
            parser.add_argument(option, type=kind, required=required, default=parameter.default)
    return parser
