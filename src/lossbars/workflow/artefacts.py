"""Artefacts: the only module that knows file formats.

safetensors for tensors, parquet for tables, json for small records. Each artefact carries the job it was
made by, the versions it was made with, and a digest of its content; reading checks the digest and, where
the reader says what it expects, the job's key. Torch, pandas and pyarrow are loaded only where they are
needed: they take seconds, and a plan that looks through thousands of artefacts needs none of them.
"""

import hashlib
import itertools
import json
import math
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from lossbars import __version__
from lossbars.workflow.digests import digest_of_records, digest_of_tensors, label
from lossbars.workflow.files import ArtefactError as ArtefactError
from lossbars.workflow.files import exists, write_atomically, write_text
from lossbars.workflow.job import Job

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from torch import Tensor

LIBRARIES = ("torch", "numpy", "gudhi", "pandas", "safetensors")
Keys = str | Sequence[str] | None  # of the jobs that may have made a file; None: any
Facts = dict[str, str]  # what an artefact says of itself
HEAD = "lossbars"  # the name under which tensors carry it
PIECE = 2**20  # bytes of a file that are held at a time
Stream = tuple[int, Iterable[bytes]]  # how many bytes it has, and these piece by piece


# Tensors -----------------------------------------------------------------------------------------


def write_tensors(
    path: Path, tensors: Mapping[str, "Tensor"], job: Job, facts: Mapping[str, str] | None = None
) -> None:
    """Write named tensors; ``facts`` are further texts to keep with them.

    Tensors may be of any strides and share memory: what safetensors does not take is copied.
    """
    from safetensors.torch import save_file

    plain = _plain(tensors)
    # one text, since safetensors writes several in an order that changes from run to run
    head = {HEAD: json.dumps(_head(job, digest_of_tensors(plain), facts), sort_keys=True)}

    def write(temporary: str) -> None:
        try:
            save_file(plain, temporary, metadata=head)
        except SafetensorError as error:  # its own for a full disk
            raise OSError(str(error)) from None

    write_atomically(path, write)


def _plain(tensors: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
    """The tensors in main memory, contiguous, no two in one storage: safetensors refuses those that overlap."""
    plain: dict[str, Tensor] = {}
    storages: set[int] = set()
    for name, tensor in tensors.items():
        one = tensor.detach().cpu().contiguous()
        plain[name] = one.clone() if one.untyped_storage().data_ptr() in storages else one
        storages.add(plain[name].untyped_storage().data_ptr())
    return plain


def write_streams(path: Path, streams: Mapping[str, Stream], job: Job, facts: Mapping[str, str] | None = None) -> None:
    """Write named one-dimensional tensors of bytes, which are never whole in memory; read as of write_tensors.

    Raises ValueError where a stream has more or fewer bytes than it says.
    """
    lengths = {name: streams[name][0] for name in sorted(streams)}

    def write(temporary: str) -> None:
        digest = hashlib.sha256()
        with open(temporary, "wb") as file:
            file.write(_head_of_streams(lengths, _head(job, digest.hexdigest(), facts)))  # as long as the last
            for name, length in lengths.items():
                digest.update(label(name, "torch.uint8", (length,)))
                count = 0
                for piece in streams[name][1]:
                    file.write(piece)
                    digest.update(piece)
                    count += len(piece)
                if count != length:
                    raise ValueError(f"{name}: {count} bytes came, expected {length}: did the files change meanwhile?")
            file.seek(0)
            file.write(_head_of_streams(lengths, _head(job, digest.hexdigest(), facts)))

    write_atomically(path, write)


def _head_of_streams(lengths: Mapping[str, int], head: Facts) -> bytes:
    """What comes before the bytes: safetensors' format, which aligns them by spaces."""
    ends = list(itertools.accumulate(lengths.values()))
    places = {
        name: {"dtype": "U8", "shape": [length], "data_offsets": [end - length, end]}
        for (name, length), end in zip(lengths.items(), ends, strict=True)
    }
    text = json.dumps({"__metadata__": {HEAD: json.dumps(head, sort_keys=True)}} | places).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def read_tensors(path: Path, keys: Keys = None) -> tuple[dict[str, "Tensor"], Facts]:
    """Tensors and facts. ``keys``, where given, is the key of the job that must have made it, or several.

    Raises ArtefactError. Tensors are maps of the file: what is not used is not in memory.
    """
    with _reading(path), safe_open(path, framework="pt") as file:
        head = json.loads((file.metadata() or {}).get(HEAD, "{}"))
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    _check(path, head, _digest_file(path, tensors), keys)
    return tensors, head


def _digest_file(path: Path, tensors: Mapping[str, "Tensor"]) -> str:
    """As of its tensors, from the file's own bytes: to go through a map of it would leave it all in memory."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        begin = 8 + int.from_bytes(file.read(8), "little")
        places = json.loads(file.read(begin - 8))
        for name in sorted(tensors):
            digest.update(label(name, str(tensors[name].dtype), tuple(tensors[name].shape)))
            first, end = places[name]["data_offsets"]
            file.seek(begin + first)
            for place in range(first, end, PIECE):
                digest.update(file.read(min(PIECE, end - place)))
    return digest.hexdigest()


# Tables ------------------------------------------------------------------------------------------


def write_table(path: Path, table: "pd.DataFrame", job: Job) -> None:
    """Write a table without its index."""
    import pyarrow.parquet as pq

    content = _arrow(table)
    head = _head(job, _digest_table(content), None)
    write_atomically(path, lambda temporary: pq.write_table(content.replace_schema_metadata(head), temporary))


def read_table(path: Path, keys: Keys = None) -> "pd.DataFrame":
    """The table. Raises ArtefactError; see :func:`read_tensors`."""
    import pyarrow.parquet as pq

    with _reading(path):
        content = pq.read_table(path)
        head = _decoded(content.schema)
    _check(path, head, _digest_table(content.replace_schema_metadata(None)), keys)
    return content.to_pandas()


def _arrow(table: "pd.DataFrame") -> "pa.Table":
    """NaN stays a number: what memory holds in place of a missing one is not defined, and would be in the digest."""
    import pyarrow as pa

    content = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    for i, field in enumerate(content.schema):
        if content.column(i).null_count and pa.types.is_floating(field.type):
            content = content.set_column(i, field, pa.array(table.iloc[:, i].to_numpy("float64"), field.type))
    return content


def _digest_table(content: "pa.Table") -> str:
    """Of the columns of a table and their types."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, content.schema) as writer:
        writer.write_table(content.combine_chunks())
    return hashlib.sha256(memoryview(sink.getvalue())).hexdigest()


# Records -----------------------------------------------------------------------------------------


def write_records(path: Path, records: list[dict[str, Any]], job: Job) -> None:
    """Write a list of small records as json; each carries where it comes from. An infinite number is null."""
    finite = _finite(records)
    head = _head(job, digest_of_records(finite), None)
    text = json.dumps([record | {"provenance": head} for record in finite], indent=1, allow_nan=False)
    write_text(path, text + "\n")


def read_records(path: Path, keys: Keys = None) -> list[dict[str, Any]]:
    """The records. Raises ArtefactError; see :func:`read_tensors`."""
    with _reading(path):
        records = json.loads(path.read_text())
        head = records[0]["provenance"]
        content = [{k: v for k, v in record.items() if k != "provenance"} for record in records]
    _check(path, head, digest_of_records(content), keys)
    return content


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if isinstance(value, float) and value == math.inf:
        return None
    return value


# Looking at artefacts without reading them -------------------------------------------------------


def made_by(path: Path) -> Job:
    """The job that made an artefact, as it says. Raises ArtefactError, also for a file that is cut off."""
    return _look(path)[0]


def digest_of(path: Path) -> str:
    """The digest of an artefact's content, as it says. Raises ArtefactError."""
    return _look(path)[1]


def versions_of(path: Path) -> dict[str, str]:
    """The versions that an artefact was made with. Raises ArtefactError."""
    return _look(path)[2]


def _look(path: Path) -> tuple[Job, str, dict[str, str]]:
    with _reading(path):
        head = _READ_HEAD[path.suffix](path)
        return Job.from_json(head["job"]), head["digest"], json.loads(head["versions"])


def _head_of_tensors(path: Path) -> Facts:
    with safe_open(path, framework="np") as file:  # checks the file's length too
        return json.loads((file.metadata() or {})[HEAD])


def _head_of_table(path: Path) -> Facts:
    import pyarrow.parquet as pq

    return _decoded(pq.read_schema(path))


def _decoded(schema: "pa.Schema") -> Facts:
    return {k.decode(): v.decode() for k, v in (schema.metadata or {}).items()}


def _head_of_records(path: Path) -> Facts:
    return json.loads(path.read_text())[0]["provenance"]


_READ_HEAD = {".safetensors": _head_of_tensors, ".parquet": _head_of_table, ".json": _head_of_records}


# Common ------------------------------------------------------------------------------------------


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Raises ArtefactError where the file is missing, or where what is done with it fails."""
    exists(path)
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError, OSError, NotImplementedError, SafetensorError) as error:
        raise ArtefactError(f"{path} is damaged ({error!r}): delete it and run again") from None


def _head(job: Job, digest: str, facts: Mapping[str, str] | None) -> Facts:
    versions = {name: metadata.version(name) for name in LIBRARIES}
    versions |= {"lossbars": __version__, "python": platform.python_version()}
    head = {"key": job.key, "job": job.to_json(), "versions": json.dumps(versions), "digest": digest}
    return head | dict(facts or {})


def _check(path: Path, head: Mapping[str, str], digest: str, keys: Keys) -> None:
    if "key" not in head or "digest" not in head:
        raise ArtefactError(f"{path} was not written by lossbars: delete it and run again")
    if head["digest"] != digest:
        raise ArtefactError(f"{path} was changed after it was written: delete it and run again")
    allowed = [keys] if isinstance(keys, str) else keys
    if allowed is not None and head["key"] not in allowed:
        needed = " or ".join(allowed) or "none: this file is no input of the job"
        raise ArtefactError(
            f"{path} was made by another recipe or by other code (key {head['key']}, needed {needed}): "
            "delete it and run again"
        )
