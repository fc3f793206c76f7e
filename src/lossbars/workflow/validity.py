"""Whether files on disk can stand for results: outputs that are damaged or out of date. Loads no torch.

Snakemake knows what it recorded itself: it does not see that a file was cut off later, nor does it know results that
were finished while it was dead. Artefacts say what made them, so a look at each tells.
"""

from collections.abc import Iterable
from pathlib import Path

from lossbars.workflow.artefacts import made_by
from lossbars.workflow.files import ArtefactError
from lossbars.workflow.marks import marked
from lossbars.workflow.tasks import Task

ARTEFACTS = (".safetensors", ".parquet", ".json")  # the other kinds are documents and figures


def condition(path: Path, key: str) -> str | None:
    """Why an artefact cannot stand for the result of the job with this key, in words; None where it can.

    Looks at heads and sizes only, so a plan of thousands of artefacts is looked through in seconds; a flipped bit is
    found where the artefact is read.
    """
    if not path.is_file():
        return "missing"
    try:
        key_there = made_by(path).key if path.suffix in ARTEFACTS else marked(path)
    except ArtefactError:
        return "damaged"
    return None if key_there == key else "made by another recipe or by other code"


def unfit(tasks: Iterable[Task]) -> dict[str, str]:
    """Path → what is wrong with it, of the outputs of these tasks; what is missing is not among them.

    Reads heads only; thousands of artefacts take a second or two.
    """
    keys = {path: task.key for task in tasks for path in task.outputs.values()}
    conditions = {path: condition(Path(path), key) for path, key in keys.items()}
    return {path: reason for path, reason in conditions.items() if reason and reason != "missing"}
