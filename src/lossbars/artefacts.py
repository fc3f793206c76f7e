"""Artefacts: the only module that knows file formats.

safetensors for tensors, parquet for tables, json for small records. Each artefact carries the job it was
made by, the versions it was made with, and a digest of its content; reading checks the digest and, where
the reader says what it expects, the job's key. Files appear whole or not at all. Torch is loaded only where
tensors are, since it takes seconds and the steps that read tables are many and short.
"""

import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError, safe_open

from lossbars import __version__
from lossbars.job import Job

if TYPE_CHECKING:
    from torch import Tensor

LIBRARIES = ("torch", "numpy", "gudhi", "pandas", "safetensors")
Facts = dict[str, str]  # what an artefact says of itself


class ArtefactError(ValueError):
    """A file is missing, damaged, edited, or not what the reader expects."""


# Tensors -----------------------------------------------------------------------------------------


def write_tensors(
    path: Path, tensors: Mapping[str, "Tensor"], job: Job, facts: Mapping[str, str] | None = None
) -> None:
    """Write named tensors; ``facts`` are further texts to keep with them."""
    from safetensors.torch import save_file

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    head = _head(job, _digest_tensors(plain), facts)
    _whole(path, lambda temporary: save_file(plain, temporary, metadata=head))


def read_tensors(path: Path, key: str | None = None) -> tuple[dict[str, "Tensor"], Facts]:
    """Tensors and facts. Raises ArtefactError; ``key``, where given, is the key of the job that must have made it."""
    _exists(path)
    try:
        with safe_open(path, framework="pt") as file:
            head = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError) as error:
        raise ArtefactError(f"{path} is damaged ({error}): delete it and run again") from None
    _check(path, head, _digest_tensors(tensors), key)
    return tensors, head


def _digest_tensors(tensors: Mapping[str, "Tensor"]) -> str:
    import torch

    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


# Tables ------------------------------------------------------------------------------------------


def write_table(path: Path, table: pd.DataFrame, job: Job) -> None:
    """Write a table without its index."""
    content = _arrow(table)
    head = _head(job, _digest_table(content), None)
    _whole(path, lambda temporary: pq.write_table(content.replace_schema_metadata(head), temporary))


def read_table(path: Path, key: str | None = None) -> pd.DataFrame:
    """The table. Raises ArtefactError; see :func:`read_tensors`."""
    _exists(path)
    try:
        content = pq.read_table(path)
        head = {k.decode(): v.decode() for k, v in (content.schema.metadata or {}).items()}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ArtefactError(f"{path} is damaged ({error}): delete it and run again") from None
    _check(path, head, _digest_table(content.replace_schema_metadata(None)), key)
    return content.to_pandas()


def _arrow(table: pd.DataFrame) -> pa.Table:
    """NaN stays a number: what memory holds in place of a missing one is not defined, and would be in the digest."""
    content = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    for i, field in enumerate(content.schema):
        if content.column(i).null_count and pa.types.is_floating(field.type):
            content = content.set_column(i, field, pa.array(table.iloc[:, i].to_numpy(np.float64), field.type))
    return content


def _digest_table(content: pa.Table) -> str:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, content.schema) as writer:
        writer.write_table(content.combine_chunks())
    return hashlib.sha256(memoryview(sink.getvalue())).hexdigest()


# Records -----------------------------------------------------------------------------------------


def write_records(path: Path, records: list[dict[str, Any]], job: Job) -> None:
    """Write a list of small records as json; each carries where it comes from. An infinite number is null."""
    finite = _finite(records)
    head = _head(job, _digest_records(finite), None)
    text = json.dumps([record | {"provenance": head} for record in finite], indent=1, allow_nan=False)
    _whole(path, lambda temporary: Path(temporary).write_text(text + "\n"))


def read_records(path: Path, key: str | None = None) -> list[dict[str, Any]]:
    """The records. Raises ArtefactError; see :func:`read_tensors`."""
    _exists(path)
    try:
        records = json.loads(path.read_text())
        head = records[0]["provenance"]
        content = [{k: v for k, v in record.items() if k != "provenance"} for record in records]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ArtefactError(f"{path} is damaged ({error!r}): delete it and run again") from None
    _check(path, head, _digest_records(content), key)
    return content


def _digest_records(records: list[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(records, sort_keys=True).encode()).hexdigest()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if isinstance(value, float) and np.isposinf(value):
        return None
    return value


def made_by(path: Path) -> Job:
    """The job that made an artefact, by its own word. Raises ArtefactError."""
    _exists(path)
    try:
        if path.suffix == ".json":
            return Job.from_json(json.loads(path.read_text())[0]["provenance"]["job"])
        if path.suffix == ".parquet":
            return Job.from_json((pq.read_schema(path).metadata or {})[b"job"].decode())
        with safe_open(path, framework="pt") as file:
            return Job.from_json((file.metadata() or {})["job"])
    except (ValueError, LookupError, TypeError, OSError, pa.ArrowException, SafetensorError) as error:
        raise ArtefactError(f"{path} is damaged ({error!r}): delete it and run again") from None


# Checkpoints -------------------------------------------------------------------------------------


class CheckpointFile:
    """The state of a job on its way, named by the job's key, outside every declared output."""

    def __init__(self, folder: Path, job: Job, part: str) -> None:
        self.job = job
        self.path = folder / f"{job.experiment}-{job.model}-{job.kind}-{part}-{job.key}.safetensors"

    def load(self) -> "dict[str, Tensor] | None":
        """The last state; None where there is none, or where a crash of the machine damaged it."""
        try:
            return read_tensors(self.path, self.job.key)[0]
        except ArtefactError:
            return None

    def save(self, state: Mapping[str, "Tensor"]) -> None:
        """Replace the state; the one before stays until the new one is whole."""
        write_tensors(self.path, state, self.job)

    def remove(self) -> None:
        """Once the job's results are written; also what a killed run left half-written beside it."""
        for path in (self.path, *self.path.parent.glob(f".{self.path.name}.*")):
            path.unlink(missing_ok=True)


# Common ------------------------------------------------------------------------------------------


def write_text(path: Path, text: str) -> None:
    """Write a text, whole or not at all."""
    _whole(path, lambda temporary: Path(temporary).write_text(text))


def _head(job: Job, digest: str, facts: Mapping[str, str] | None) -> Facts:
    versions = {name: metadata.version(name) for name in LIBRARIES}
    versions |= {"lossbars": __version__, "python": platform.python_version()}
    own = {"key": job.key, "job": job.to_json(), "versions": json.dumps(versions), "digest": digest}
    return own | dict(facts or {})


def _check(path: Path, head: Mapping[str, str], digest: str, key: str | None) -> None:
    if "key" not in head or "digest" not in head:
        raise ArtefactError(f"{path} was not written by lossbars: delete it and run again")
    if head["digest"] != digest:
        raise ArtefactError(f"{path} was changed after it was written: delete it and run again")
    if key is not None and head["key"] != key:
        raise ArtefactError(
            f"{path} was made by another recipe or by other code (key {head['key']}, needed {key}): "
            "delete it and run again"
        )


def _exists(path: Path) -> None:
    if not path.is_file():
        raise ArtefactError(f"{path} is missing: run the rule that makes it")


def _whole(path: Path, write: Callable[[str], object]) -> None:
    """Write beside the target, then rename. Raises ArtefactError where the folder cannot be written to."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise ArtefactError(f"cannot write {path}: {error.strerror}: check permissions and disk space") from None
    os.close(handle)
    try:
        write(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except (OSError, SafetensorError) as error:  # safetensors has its own for a full disk
        reason = getattr(error, "strerror", None) or error
        raise ArtefactError(f"cannot write {path}: {reason}: check permissions and disk space") from None
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
