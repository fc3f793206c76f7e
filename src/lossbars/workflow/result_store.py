"""Finished results, kept under the key of their job: beside the checkpoints, and in a cache that clones share.

Beside the checkpoints, results have a second name, so they cost no space. A job that Snakemake starts once more,
because it was dead when the job ended, or because an input was made again and is the same, takes its results from
there. In the shared cache, a clone takes what another has made. A name covers recipe, code and the content of all
inputs, so whatever carries it is the result. An entry is a folder that appears whole or not at all; of two writers the
first wins.
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lossbars.workflow.checkpoints import name
from lossbars.workflow.files import write_atomically
from lossbars.workflow.job import Job
from lossbars.workflow.run_log import note

MANIFEST = "manifest.json"
FINISHED = "finished"  # folder beside the checkpoints


class Store:
    """The results of one job, block and inputs; ``link``: on one disk, of one user, so without a copy."""

    def __init__(self, folder: Path, job: Job, name: str, link: bool) -> None:
        self.folder, self.job, self.link = folder, job, link
        self.entry = folder / name

    def fetch(self, outputs: Sequence[Path]) -> bool:
        """Put the results into their places; False, and nothing done, where they are not here or are damaged."""
        try:
            digests = json.loads((self.entry / MANIFEST).read_text())["sha256"]
            if sorted(digests) != sorted(path.suffix for path in outputs):
                raise ValueError("other files")
            for path in outputs:
                if _digest(self.entry / _name(path)) != digests[path.suffix]:
                    raise ValueError("changed")
            for path in outputs:
                self._take_out(path)
        except FileNotFoundError as error:
            return self._give_up(error) if self.entry.is_dir() else False
        except OSError as error:  # another user's, say: not ours to judge
            _warn(f"{self.entry} cannot be read ({error.strerror}) and is not used")
            return False
        except (ValueError, LookupError, TypeError) as error:
            return self._give_up(error)
        return True

    def keep(self, outputs: Sequence[Path]) -> None:
        """Take results in. A folder that cannot be written to costs a warning, never the results."""
        if self.entry.is_dir():
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            mode = self.folder.stat().st_mode & 0o7777  # entries are for whom the folder is for
            temporary = Path(tempfile.mkdtemp(dir=self.folder, prefix=f".{self.entry.name}."))
        except OSError as error:
            _warn(f"cannot keep results in {self.folder}: {error.strerror}")
            return
        try:
            for path in outputs:
                self._put(path, temporary / _name(path))
            digests = {path.suffix: _digest(temporary / _name(path)) for path in outputs}
            (temporary / MANIFEST).write_text(json.dumps({"job": self.job.to_json(), "sha256": digests}))
            for path in temporary.iterdir():
                if not self.link:
                    path.chmod(mode & 0o666)
            temporary.chmod(mode)
            temporary.rename(self.entry)
        except OSError as error:
            if not self.entry.is_dir():  # else another was first
                _warn(f"cannot keep results in {self.folder}: {error.strerror}")
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _give_up(self, error: Exception) -> bool:
        """Delete a damaged entry, so that a new one can be kept."""
        _warn(f"{self.entry} is damaged ({error}) and not used")
        shutil.rmtree(self.entry, ignore_errors=True)
        return False

    def _take_out(self, output: Path) -> None:
        write_atomically(output, lambda temporary: self._put(self.entry / _name(output), Path(temporary)))

    def _put(self, source: Path, target: Path) -> None:
        target.unlink(missing_ok=True)
        if self.link:
            try:
                os.link(source, target)
            except OSError:  # another disk, or one that knows no links
                shutil.copyfile(source, target)
        else:
            shutil.copyfile(source, target)


class Finished:
    """What is kept of one job and part: beside the checkpoints always, in the shared cache where there is one."""

    def __init__(self, checkpoints: Path, job: Job, part: str, inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
        self.outputs = outputs
        entry = name(job, part, inputs)
        self.stores = [Store(checkpoints / FINISHED, job, entry, link=True)]
        if cache := os.environ.get("LOSSBARS_CACHE"):
            self.stores.append(Store(Path(cache), job, entry, link=False))

    def fetch(self) -> bool:
        """Take the results from where they are kept, if they are."""
        for store in self.stores:
            if store.fetch(self.outputs):
                print(f"taken, as made before, from {store.entry}", file=sys.stderr, flush=True)
                note("taken_from", str(store.entry))
                return True
        return False

    def keep(self) -> None:
        """Keep the results."""
        for store in self.stores:
            store.keep(self.outputs)


def prune(checkpoints: Path) -> None:
    """Drop what is kept beside the checkpoints and is no longer a result: files that have no second name."""
    for entry in (checkpoints / FINISHED).glob("*"):
        if all(path.stat().st_nlink == 1 for path in entry.iterdir()):
            shutil.rmtree(entry, ignore_errors=True)


def _name(path: Path) -> str:
    return f"result{path.suffix}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr, flush=True)
