"""Whether a file on disk can stand for a result, by its own word.

Apart from the modules that write: nothing that is computed depends on this one.
"""

from pathlib import Path

from lossbars.workflow.artefacts import made_by
from lossbars.workflow.files import ArtefactError
from lossbars.workflow.marks import marked

ARTEFACTS = (".safetensors", ".parquet", ".json")  # the other kinds are documents and figures


def condition(path: Path, key: str) -> str | None:
    """Why an artefact cannot stand for the result of the job with this key, in words; None where it can.

    Looks at heads and sizes only, so a plan of thousands of artefacts is looked through in seconds; a flipped bit is
    found where the artefact is read.
    """
    if not path.is_file():
        return "missing"
    try:
        found = made_by(path).key if path.suffix in ARTEFACTS else marked(path)
    except ArtefactError:
        return "damaged"
    return None if found == key else "made by another recipe or by other code"
