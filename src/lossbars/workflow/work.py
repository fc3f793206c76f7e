"""What a step is given, and how it reads its inputs and writes its results."""

import os
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lossbars.recipes import Recipe
from lossbars.workflow import artefacts
from lossbars.workflow.artefacts import Facts
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.job import Job
from lossbars.workflow.tasks import Task

if TYPE_CHECKING:
    import pandas as pd
    from torch import Tensor

S = TypeVar("S", bound=Recipe)

CHECKPOINT_SECONDS = float(os.environ.get("LOSSBARS_CHECKPOINT_SECONDS", "30"))  # between two saves of a job's state


@dataclass(frozen=True)
class Work(Generic[S]):
    """One job at work: its settings, its files, and what it may use of the machine."""

    job: Job
    settings: S
    part: str  # block of seeds, pairs or triples, seed of a cloud, number of points; empty where a model has one job
    inputs: Mapping[str, list[Path]]
    outputs: Mapping[str, Path]
    threads: int = 1
    device: str = "cpu"
    checkpoints: Path = Path(".checkpoints")
    checkpoint_seconds: float = field(default=CHECKPOINT_SECONDS)

    @classmethod
    def of(cls, task: Task, **given: Any) -> "Work[Any]":
        """The work of a task in this process, with its settings as they are."""
        inputs = {option: [Path(one.path) for one in files] for option, files in task.inputs.items()}
        outputs = {option: Path(path) for option, path in task.outputs.items()}
        return Work(task.job, task.settings, task.part, inputs, outputs, **given)

    def with_settings_of(self, function: Callable[..., Any]) -> "Work[Any]":
        """The same work with the settings that ``function``, of one argument ``work: Work[Settings]``, asks for.

        Raises ValueError where the recorded settings are no such settings.
        """
        (wanted,) = typing.get_args(typing.get_type_hints(function)["work"])
        if isinstance(self.settings, wanted):
            return self
        return replace(self, settings=wanted.model_validate(self.job.recipe, strict=False))

    @property
    def experiment(self) -> str:
        """Key of the experiment."""
        return self.job.experiment

    @property
    def model(self) -> str:
        """Key of the model; empty where the job is of all models."""
        return self.job.model

    # Reading --------------------------------------------------------------------------------------

    def files(self, option: str) -> list[Path]:
        """All files of one option; none where nothing was given for it."""
        return self.inputs.get(option, [])

    def all_files(self) -> list[Path]:
        """All files that the job reads."""
        return [path for files in self.inputs.values() for path in files]

    def file(self, option: str) -> Path:
        """The one file of an option. Raises ValueError where there are none or several."""
        files = self.files(option)
        if len(files) != 1:
            raise ValueError(f"{option}: expected one file, there are {len(files)}")
        return files[0]

    def keys(self, option: str) -> list[str]:
        """The keys that files of an option may carry; files under other keys are refused."""
        return self.job.expects.get(option, [])

    def table(self, option: str) -> "pd.DataFrame":
        """The one table of an option. Raises ArtefactError, as all that reads does."""
        return artefacts.read_table(self.file(option), self.keys(option))

    def records(self, option: str) -> list[dict[str, Any]]:
        """The records of the one file of an option."""
        return artefacts.read_records(self.file(option), self.keys(option))

    def tensors(self, option: str) -> "tuple[dict[str, Tensor], Facts]":
        """The tensors of the one file of an option, and what it says of itself."""
        return artefacts.read_tensors(self.file(option), self.keys(option))

    def all_tensors(self, option: str) -> "Iterator[tuple[Job, dict[str, Tensor], Facts]]":
        """Of each file of an option the job that made it, its tensors, and what it says of itself."""
        for path in self.files(option):
            yield artefacts.made_by(path), *artefacts.read_tensors(path, self.keys(option))

    def tables(self, option: str) -> "pd.DataFrame":
        """Tables of several models, put together, with a column ``model`` before the others."""
        import pandas as pd

        parts = []
        for path in self.files(option):
            table = artefacts.read_table(path, self.keys(option))
            table.insert(0, "model", artefacts.made_by(path).model)
            parts.append(table)
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"model": pd.Series(dtype=str)})

    def trained(self, option: str) -> "pd.DataFrame":
        """As :meth:`tables`, of minima, curves or triangles; column ``by`` has the recipe that trained each."""
        import pandas as pd

        parts = [
            replace(self, inputs={option: [path]}).tables(option).assign(by=artefacts.made_by(path).kind)
            for path in self.files(option)
        ]
        return pd.concat(parts, ignore_index=True) if parts else self.tables(option)

    # Writing --------------------------------------------------------------------------------------

    def write_table(self, option: str, table: "pd.DataFrame") -> None:
        """Write a table without its index."""
        artefacts.write_table(self.outputs[option], table, self.job)

    def write_tensors(
        self, option: str, tensors: "Mapping[str, Tensor]", facts: Mapping[str, str] | None = None
    ) -> None:
        """Write named tensors; ``facts`` are further texts to keep with them."""
        artefacts.write_tensors(self.outputs[option], tensors, self.job, facts)

    def write_records(self, option: str, records: list[dict[str, Any]]) -> None:
        """Write a list of small records as JSON."""
        artefacts.write_records(self.outputs[option], records, self.job)

    def checkpoint(self) -> CheckpointFile:
        """Where the state of this job is kept on its way."""
        return CheckpointFile(self.checkpoints, self.job, self.part, self.all_files(), self.checkpoint_seconds)

    def report(self, text: str) -> None:
        """Print progress, a line, with the job's name before it."""
        name = " ".join(filter(None, (f"{self.experiment}/{self.model}", self.job.kind, self.part)))
        print(f"[{name}] {text}", file=sys.stderr, flush=True)
