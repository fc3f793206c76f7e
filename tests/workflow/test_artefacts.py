"""Files: round trips, digests, keys, and that they appear whole or not at all."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from matplotlib.figure import Figure
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import lossbars
from lossbars.plots.style import save
from lossbars.workflow import checkpoints
from lossbars.workflow.artefacts import (
    ArtefactError,
    made_by,
    read_records,
    read_table,
    read_tensors,
    write_records,
    write_table,
    write_tensors,
)
from lossbars.workflow.checkpoints import CheckpointFile
from lossbars.workflow.files import write_atomically
from lossbars.workflow.job import Job
from lossbars.workflow.marks import mark, write_document
from lossbars.workflow.validity import condition

SOURCE = str(Path(lossbars.__file__).parent.parent)
JOB = Job("minima", "digits", "mlp-1", {"epochs": 3, "lr": 1e-3}, "0123", {"dataset": ["4567"]})
OTHER = Job("minima", "digits", "mlp-1", {"epochs": 4, "lr": 1e-3}, "0123", {"dataset": ["4567"]})
SHARED = torch.arange(4.0)
TENSORS = {
    "theta": torch.randn(3, 5, generator=torch.Generator().manual_seed(0)),
    "seeds": torch.tensor([0, 1, 2]),
    "half": torch.tensor([[1.5, -0.0]], dtype=torch.float64).t(),  # not contiguous
    "bytes": torch.tensor([0, 255], dtype=torch.uint8),
    "none": torch.empty(0, 4),
    "scalar": torch.tensor(True),
    "strided": torch.arange(6.0)[::2],
    "expanded": torch.tensor([[1.0], [2.0]]).expand(2, 3),
    "shared": SHARED,
    "shared too": SHARED[:1],
    "single": torch.arange(6.0)[3::3],  # one element, contiguous, with a stride of 3
}
TABLE = pd.DataFrame(
    {"a": [0, 1], "name": ["x", "é"], "loss": [0.1, np.inf], "nan": [np.nan, 1 / 3], "flag": [True, False], "no": None}
)
RECORDS = [
    {"bars": [{"birth": 0.1, "death": float("inf"), "dies_at": None}], "n": 3},
    {"bars": [], "n": -1, "score": {"sqrt2": 1 / 3, "linf": np.float64(0.1)}, "pair": (1, 2)},
]
KINDS: dict[str, tuple[str, Callable[[Path], None], Callable[..., Any]]] = {
    "tensors": ("safetensors", lambda path: write_tensors(path, TENSORS, JOB), read_tensors),
    "table": ("parquet", lambda path: write_table(path, TABLE, JOB), read_table),
    "records": ("json", lambda path: write_records(path, RECORDS, JOB), read_records),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
def written(tmp_path: Path, kind: str) -> Path:
    suffix, write, _ = KINDS[kind]
    path = tmp_path / "deep" / "folder" / f"file.{suffix}"
    write(path)
    return path


def test_tensors_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_tensors(path, TENSORS, JOB, {"stacking": "loop"})
    found, facts = read_tensors(path, JOB.key)
    assert set(found) == set(TENSORS) and facts["stacking"] == "loop"
    for name, tensor in TENSORS.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor)


def test_table_round_trips_without_an_index(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(path, TABLE.set_index(pd.Index([7, 9])), JOB)
    pd.testing.assert_frame_equal(read_table(path, JOB.key), TABLE, check_exact=True)


def test_records_round_trip_and_infinity_is_null(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_records(path, RECORDS, JOB)
    first, second = read_records(path, JOB.key)
    assert first == {"bars": [{"birth": 0.1, "death": None, "dies_at": None}], "n": 3}
    assert second == {"bars": [], "n": -1, "score": {"sqrt2": 1 / 3, "linf": 0.1}, "pair": [1, 2]}
    plain = json.loads(path.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert plain[0]["bars"][0]["death"] is None


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_numbers_that_json_does_not_have_are_refused(tmp_path: Path, value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_records(tmp_path / "a.json", [{"loss": value}], JOB)
    assert list(tmp_path.iterdir()) == []


def facts_of(path: Path) -> dict[str, str]:
    if path.suffix == ".json":
        return json.loads(path.read_text())[0]["provenance"]
    if path.suffix == ".parquet":
        return {k.decode(): v.decode() for k, v in pq.read_schema(path).metadata.items()}
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["lossbars"])


@every_kind
def test_job_and_versions_are_recorded(written: Path) -> None:
    facts = facts_of(written)
    assert facts["key"] == JOB.key and made_by(written) == JOB
    versions = json.loads(facts["versions"])
    assert versions["torch"] == metadata.version("torch") and versions["gudhi"] == metadata.version("gudhi")
    assert versions["lossbars"] == lossbars.__version__ and versions["python"].startswith("3.")


@every_kind
def test_no_pickle_and_ordinary_permissions(written: Path) -> None:
    assert b"pickle" not in written.read_bytes() and not written.read_bytes().startswith((b"\x80", b"PK"))
    assert written.stat().st_mode & 0o777 == 0o644


@every_kind
def test_another_jobs_file_is_refused(written: Path, kind: str) -> None:
    _, _, read = KINDS[kind]
    read(written)
    with pytest.raises(
        ArtefactError, match=rf"made by another recipe .*key {JOB.key}, needed {OTHER.key}\).*delete it"
    ):
        read(written, OTHER.key)


def test_one_changed_number_is_noticed(tmp_path: Path) -> None:
    tensors, table, records = (tmp_path / name for name in ("a.safetensors", "a.parquet", "a.json"))
    write_tensors(tensors, TENSORS, JOB)
    facts, content = facts_of(tensors), load_file(tensors)
    content["theta"][1, 2] = torch.nextafter(content["theta"][1, 2], torch.tensor(9.0))
    save_file(content, tensors, metadata={"lossbars": json.dumps(facts)})

    write_table(table, TABLE, JOB)
    content = pq.read_table(table)
    edited = content.set_column(2, "loss", [[0.1 + 1e-16 * 2, np.inf]])
    pq.write_table(edited.replace_schema_metadata(content.schema.metadata), table)

    write_records(records, RECORDS, JOB)
    records.write_text(records.read_text().replace('"birth": 0.1', '"birth": 0.2'))
    for read, path in ((read_tensors, tensors), (read_table, table), (read_records, records)):
        with pytest.raises(ArtefactError, match=rf"{path.name} was changed after it was written"):
            read(path)


def test_shape_and_name_of_a_tensor_are_part_of_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    for edit in ({"x": torch.zeros(3, 2)}, {"y": torch.zeros(2, 3)}, {"x": torch.zeros(2, 3, dtype=torch.int32)}):
        write_tensors(path, {"x": torch.zeros(2, 3)}, JOB)
        save_file(edit, path, metadata={"lossbars": json.dumps(facts_of(path))})
        with pytest.raises(ArtefactError, match="was changed"):
            read_tensors(path)


@every_kind
def test_a_flipped_bit_is_noticed_or_does_no_harm(written: Path, kind: str) -> None:
    """A bit of the text about the job may differ without harm."""
    _, _, read = KINDS[kind]
    whole, sound, refused = written.read_bytes(), read(written, JOB.key), 0
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        written.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with suppress(ArtefactError):
            assert same(read(written, JOB.key), sound)
            refused -= 1
        refused += 1
    assert refused >= 10


def same(one: Any, other: Any) -> bool:
    if isinstance(one, pd.DataFrame):
        return one.equals(other)
    if isinstance(one, tuple):
        return all(torch.equal(one[0][name], tensor) for name, tensor in other[0].items())
    return one == other


@every_kind
@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'[{"a": 1}]', b"[1]", b'{"a": 1}', b"\x00" * 64, b"PAR1"])
def test_what_is_no_artefact_is_refused(tmp_path: Path, kind: str, content: bytes) -> None:
    suffix, _, read = KINDS[kind]
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(content)
    for function in (read, made_by):
        with pytest.raises(ArtefactError, match=str(path)):
            function(path)


@every_kind
def test_half_a_file_and_no_file_are_refused(written: Path, kind: str) -> None:
    _, _, read = KINDS[kind]
    written.write_bytes(written.read_bytes()[:-20])
    with pytest.raises(ArtefactError, match="damaged"):
        read(written)
    written.unlink()
    with pytest.raises(ArtefactError, match="is missing"):
        read(written)


def test_files_that_others_wrote_are_refused(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "a.safetensors")
    TABLE.to_parquet(tmp_path / "a.parquet")
    for read, path in ((read_tensors, tmp_path / "a.safetensors"), (read_table, tmp_path / "a.parquet")):
        with pytest.raises(ArtefactError, match="not written by lossbars"):
            read(path)


@pytest.mark.parametrize(
    "failure", [OSError(28, "No space left on device"), RuntimeError("killed"), KeyboardInterrupt()]
)
def test_a_failing_writer_leaves_what_was_there(tmp_path: Path, failure: BaseException) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write(temporary: str) -> None:
        Path(temporary).write_text("ne")
        raise failure

    expected = ArtefactError if isinstance(failure, OSError) else type(failure)
    with pytest.raises(expected):
        write_atomically(path, write)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"] and path.read_text() == "old"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArtefactError, match=r"cannot write .*file/a\.json.*check permissions"):
        write_records(tmp_path / "file" / "a.json", RECORDS, JOB)


def test_the_same_tensors_are_the_same_bytes(tmp_path: Path) -> None:
    """In every process: the order of a hash table must not show."""
    code = "import sys, torch; from pathlib import Path; from lossbars.workflow.artefacts import write_tensors; "
    code += "from lossbars.workflow.job import Job; "
    code += "tensors, job = {'b': torch.ones(2), 'a': torch.zeros(3)}, Job('minima', 'x', 'y', {}, '0'); "
    code += "write_tensors(Path(sys.argv[1]), tensors, job, {'device': 'cpu', 'seeds': '0', 'stacking': 'no'})"
    paths = [tmp_path / f"{i}.safetensors" for i in range(3)]
    for path in paths:
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, env=os.environ | {"PYTHONPATH": SOURCE})
    assert len({path.read_bytes() for path in paths}) == 1


def test_checkpoints(tmp_path: Path) -> None:
    checkpoint = CheckpointFile(tmp_path / "checkpoints", JOB, "0-9")
    assert checkpoint.load() is None
    for epoch in (1, 2):
        checkpoint.save({"epoch": torch.tensor(epoch)})
        assert checkpoint.load() == {"epoch": torch.tensor(epoch)}
    assert CheckpointFile(tmp_path / "checkpoints", OTHER, "0-9").load() is None
    assert CheckpointFile(tmp_path / "checkpoints", JOB, "0-8").load() is None
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:-1])  # a crash of the machine
    assert checkpoint.load() is None
    checkpoint.save({"epoch": torch.tensor(3)})
    checkpoint.remove()
    checkpoint.remove()
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_a_checkpoint_belongs_to_the_content_of_its_inputs(tmp_path: Path) -> None:
    data = tmp_path / "data.safetensors"
    write_tensors(data, {"x": torch.zeros(2)}, JOB)
    checkpoint = CheckpointFile(tmp_path, JOB, "0", [data])
    checkpoint.save({"epoch": torch.tensor(1)})
    assert CheckpointFile(tmp_path, JOB, "0", [data]).load() is not None
    write_tensors(data, {"x": torch.ones(2)}, JOB)
    assert CheckpointFile(tmp_path, JOB, "0", [data]).load() is None


def test_a_checkpoint_is_due_after_its_time_or_at_once_where_the_job_must_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    checkpoint = CheckpointFile(tmp_path, JOB, "0", seconds=30.0)
    assert not checkpoint.due()
    now[0] += 29.9
    assert not checkpoint.due()
    checkpoint.stopping = True
    assert checkpoint.due()
    checkpoint.stopping = False
    now[0] += 0.2
    assert checkpoint.due()

    def slow(*_: Any) -> None:
        now[0] += 6.0

    monkeypatch.setattr(checkpoints, "write_tensors", slow)
    checkpoint.save({})
    now[0] += 119.9
    assert not checkpoint.due(), "saving takes a twentieth of the time at most"
    now[0] += 0.2
    assert checkpoint.due()


def test_a_checkpoint_that_cannot_be_written_costs_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    CheckpointFile(tmp_path / "file", JOB, "0").save({"epoch": torch.tensor(1)})
    assert "warning: no checkpoint: cannot write" in capsys.readouterr().err


# What a plan sees of a file ----------------------------------------------------------------------


@every_kind
def test_the_condition_of_an_artefact(written: Path, kind: str) -> None:
    suffix, _, _ = KINDS[kind]
    assert condition(written, JOB.key) is None
    assert condition(written, OTHER.key) == "made by another recipe or by other code"
    whole_file = written.read_bytes()
    for cut in (1, 20, len(whole_file) // 2, len(whole_file)):
        written.write_bytes(whole_file[:-cut])
        if suffix != "json" or cut > 1:  # the last byte of a record is the end of its line
            assert condition(written, JOB.key) == "damaged", cut
    written.unlink()
    assert condition(written, JOB.key) == "missing"


@pytest.mark.parametrize("suffix", ["md", "html", "svg", "pdf"])
def test_the_condition_of_a_document(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix in ("svg", "pdf"):
        save(Figure(), tmp_path / "a.pdf", tmp_path / "a.svg", mark(JOB))
    else:
        write_document(path, "A text.\n", JOB)
        assert path.read_text() == f"A text.\n<!-- lossbars key {JOB.key} -->\n"
    assert condition(path, JOB.key) is None
    assert condition(path, OTHER.key) == "made by another recipe or by other code"
    content = path.read_bytes()
    for cut in (3, len(content) // 2, len(content)):
        path.write_bytes(content[:-cut])
        assert condition(path, JOB.key) == "damaged", cut
