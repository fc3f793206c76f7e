"""Text: which files, which of their bytes, windows and targets, what is refused, and how little memory it takes."""

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from lossbars.cli.data_checks import data_checks
from lossbars.datasets.dataset import DataError, Dataset, windows
from lossbars.datasets.specs import UNKNOWN_TEXT, TextData, size_of
from lossbars.datasets.text import missing_text, shares, text_files, text_streams
from lossbars.experiments.kinds import KINDS
from lossbars.workflow.artefacts import ArtefactError, read_tensors, write_streams, write_tensors
from lossbars.workflow.config import ConfigError
from lossbars.workflow.data_sets import data_key, dataset_task
from lossbars.workflow.job import Job
from lossbars.workflow.plan import Plan
from lossbars.workflow.training_settings import TrainingSettings
from lossbars.workflow.training_step import read_data
from lossbars.workflow.work import Work
from support.paths import CHECKOUT
from support.plans import run_tasks, the_task
from support.workflow import TINY, command_line, own, plan

JOB = Job("dataset", "", "text", {"name": "text"}, "code")


def spec(path: str = "corpus", **settings: Any) -> TextData:
    return TextData(**({"kind": "text", "path": path, "context": 4} | settings))


def text_of(root: Path, **settings: Any) -> dict[str, bytes]:
    """Training and test text, and the lengths that were said beforehand are theirs."""
    streams = text_streams(spec(**settings), root)
    found = {name: b"".join(pieces) for name, (_, pieces) in streams.items()}
    assert {name: len(text) for name, text in found.items()} == {name: n for name, (n, _) in streams.items()}
    return found


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A folder below a data_root."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    return folder


# Windows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "m"), [(9, 2), (12, 2), (13, 3), (5, 1)])
def test_each_target_is_the_token_after_and_nothing_is_copied(length: int, m: int) -> None:
    text = torch.arange(length, dtype=torch.uint8)
    x, y = windows(text, 4)
    assert x.tolist() == [[4 * i + j for j in range(4)] for i in range(m)]
    assert torch.equal(y, x + 1)
    assert x.data_ptr() == text.data_ptr() and y.data_ptr() == text.data_ptr() + 1


def test_tokens_are_no_pixels() -> None:
    x, y = windows(torch.arange(100, 121, dtype=torch.uint8), 4)
    data = Dataset(x, y, x[:1], y[:1])
    assert data.tokens and data.outputs == 256
    for wrong in (y[:, :3], y[:, 0], y.short()):
        with pytest.raises(DataError, match=r"targets are torch.* or of text as its inputs: \(m, T\) of uint8"):
            Dataset(x, wrong, x, wrong)


# Files -------------------------------------------------------------------------------------------


def test_files_come_in_the_order_of_their_paths(corpus: Path) -> None:
    names = ["b.txt", "a/z.txt", "a.txt", "B.jsonl", "a/c/d.txt.gz", "c.jsonl.gz"]
    beside = [".hidden.txt", ".git/a.txt", "a/.x/a.txt", "notes.md", "a.json", "table.csv"]
    for name in names + beside:
        (corpus / name).parent.mkdir(parents=True, exist_ok=True)
        (corpus / name).touch()
    found = [path.relative_to(corpus).as_posix() for path in text_files(spec(), corpus.parent)]
    assert found == sorted(names) == ["B.jsonl", "a.txt", "a/c/d.txt.gz", "a/z.txt", "b.txt", "c.jsonl.gz"]
    assert text_files(spec(str(corpus)), None) == text_files(spec(), corpus.parent)  # an absolute path needs no root
    assert text_files(spec("corpus/notes.md"), corpus.parent) == [corpus / "notes.md"]  # one file, as it is named


def test_a_packed_file_beside_what_it_holds_is_not_read_twice(corpus: Path) -> None:
    for name in ("a.txt", "a.txt.gz", "b.jsonl", "b.jsonl.zst", "c.txt.gz"):
        (corpus / name).touch()
    assert [path.name for path in text_files(spec(), corpus.parent)] == ["a.txt", "b.jsonl", "c.txt.gz"]
    (corpus / "b.jsonl").unlink()
    with pytest.raises(DataError, match=r"b\.jsonl\.zst is packed by Zstandard: .*zstd -d"):
        text_files(spec(), corpus.parent)


def test_every_kind_of_file_gives_the_same_text(corpus: Path) -> None:
    lines = ["Ein Löwe", "天地玄黃", "", "l'été 🙂", "\u2028 x"]
    text = "".join(f"{line}\n" for line in lines).encode()
    old, new = (
        "".join(json.dumps({"id": i, key: line}) + "\n" for i, line in enumerate(lines)) for key in ("text", "content")
    )
    plain = json.dumps({"content": lines[0], "text": "not this"}, ensure_ascii=False)
    contents: dict[str, bytes] = {
        "a.txt": text,
        "b.txt.gz": gzip.compress(text),
        "c.jsonl": old.encode(),
        "d.jsonl.gz": gzip.compress(new.encode()),
        "e.jsonl": (plain + "\n\n" + "".join(new.splitlines(keepends=True)[1:])).encode(),
    }
    for name, content in contents.items():
        (corpus / name).write_bytes(content)
        found = text_of(corpus.parent, path=f"corpus/{name}", test=0.25)
        assert found["train"] + found["test"] == text and len(found["test"]) == round(len(text) / 4), name


def test_the_last_share_of_each_file_is_test_text(corpus: Path) -> None:
    (corpus / "1.txt").write_bytes(b"a" * 60 + b"A" * 40)
    (corpus / "2.txt").write_bytes(b"")
    (corpus / "3.txt").write_bytes(b"b" * 6 + b"B" * 4)
    found = text_of(corpus.parent, test=0.4)
    assert found == {"train": b"a" * 60 + b"b" * 6, "test": b"A" * 40 + b"B" * 4}
    cut = text_of(corpus.parent, test=0.4, tokens=50)  # 10 of the short file, 40 of the long
    assert cut == {"train": b"a" * 24 + b"b" * 6, "test": b"a" * 16 + b"B" * 4}


@pytest.mark.parametrize(
    ("tokens", "taken"),
    [
        (None, [100, 0, 7, 50]),
        (10**9, [100, 0, 7, 50]),
        (157, [100, 0, 7, 50]),
        (28, [11, 0, 7, 10]),
        (127, [70, 0, 7, 50]),
        (12, [4, 0, 4, 4]),
        (2, [1, 0, 1, 0]),
    ],
)
def test_tokens_are_taken_evenly_and_others_give_what_a_short_file_lacks(
    corpus: Path, tokens: int | None, taken: list[int]
) -> None:
    sizes = {"a.txt": 100, "b.txt": 0, "c.txt.gz": 7, "d.jsonl": 50}
    for name, size in sizes.items():
        line = "x" * max(0, size - 1)
        content = json.dumps({"text": line}).encode() if name == "d.jsonl" else b"y" * size
        (corpus / name).write_bytes(gzip.compress(content) if name == "c.txt.gz" else content)
    assert shares(text_files(spec(), corpus.parent), tokens) == taken


# What is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("place", [0, 5, 2**20 - 1, 2**20, 2**21 + 3])
def test_bytes_that_are_no_utf8_are_named(corpus: Path, place: int, packed: bool) -> None:
    content = bytearray(b"x" * (2**21 + 100))
    content[place] = 0xE9  # é in Latin-1
    path = corpus / ("a.txt.gz" if packed else "a.txt")
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    with pytest.raises(DataError, match=rf"{path}, byte {place}: not UTF-8; convert it"):
        text_of(corpus.parent)


def test_a_character_may_lie_across_two_pieces_but_not_be_cut_off_at_the_end(corpus: Path) -> None:
    text = b"x" * (2**20 - 1) + "é🙂".encode() * 9
    (corpus / "a.txt").write_bytes(text)
    assert b"".join(text_of(corpus.parent).values()) == text
    (corpus / "a.txt").write_bytes(text[:-1])
    with pytest.raises(DataError, match=rf"a\.txt, byte {len(text) - 4}: not UTF-8"):
        text_of(corpus.parent)
    assert len(text_of(corpus.parent, tokens=len(text) - 4)["test"]) > 0  # what is not taken is not looked at


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"content": "a"', "line 2 .byte 16.: no JSON record with a text under 'content' or 'text'"),
        (b'{"title": "a"}', "line 2 .byte 16.: no JSON record"),
        (b'{"text": 3}', "line 2 .byte 16.: no JSON record"),
        (b"[1, 2]", "line 2 .byte 16.: no JSON record"),
        (b'{"text": "\xe9"}', "byte 26: not UTF-8"),
    ],
)
def test_a_record_that_is_none_is_named(corpus: Path, line: bytes, reason: str) -> None:
    (corpus / "a.jsonl").write_bytes(b'{"text": "abc"}\n' + line + b"\n")
    with pytest.raises(DataError, match=rf"a\.jsonl, {reason}"):
        text_of(corpus.parent)


def test_half_a_surrogate_is_a_question_mark(corpus: Path) -> None:
    """Records have them, and UTF-8 has none."""
    for path in corpus.iterdir():
        path.unlink()
    (corpus / "a.jsonl").write_bytes(b'{"text": "abc\\ud800defghijkl"}\n')
    assert text_of(corpus.parent, test=0.4) == {"train": b"abc?defg", "test": b"hijkl\n"}


def test_a_damaged_archive_is_named(corpus: Path) -> None:
    whole = gzip.compress(os.urandom(1000).hex().encode())
    for content in (whole[:-20], whole[:100] + b"\0\0\0\0" + whole[104:], b"no archive"):
        (corpus / "a.txt.gz").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.txt\.gz cannot be read"):
            text_of(corpus.parent)


def test_too_little_text_says_which(corpus: Path) -> None:
    (corpus / "a.txt").write_bytes(b"x" * 40)
    with pytest.raises(DataError, match="text corpus: 4 bytes of test text; a window takes 4, and one more"):
        text_of(corpus.parent)
    with pytest.raises(DataError, match="3 bytes of train text"):
        text_of(corpus.parent, tokens=8, test=0.6)
    assert len(text_of(corpus.parent, test=0.125)["test"]) == 5


def test_what_is_absent_says_what_to_do(tmp_path: Path) -> None:
    for root, what, advice in (
        (None, "text mine: no data_root is set", "DATA_ROOT/mine/, or name another path and set data_root"),
        (tmp_path, f"text mine: {tmp_path}/mine is not there", f"{tmp_path}/mine/, or name another path"),
    ):
        found = missing_text(spec("mine"), root)
        assert found and found[0] == what and found[1].startswith("put UTF-8 files (*.txt, ") and advice in found[1]
    (tmp_path / "mine").mkdir()
    assert (missing_text(spec("mine"), tmp_path) or "")[0] == f"text mine: {tmp_path}/mine has no files of text"
    for root, folder in ((None, "DATA_ROOT/oscar/"), (tmp_path, f"{tmp_path}/oscar/")):
        with pytest.raises(DataError) as error:
            text_files(spec("oscar"), root)
        assert "needs an account at its project's site (oscar-project.org)" in str(error.value)
        assert f"put its files into {folder}, *.jsonl.gz as delivered, or *.txt" in str(error.value)
        assert "or name other UTF-8 text as path" in str(error.value)


# In the workflow ---------------------------------------------------------------------------------

GPT = {"kind": "gpt", "layers": 1, "heads": 1, "width": 4}
TEXT: dict[str, Any] = TINY | {
    "data": {"kind": "text", "path": "oscar", "context": 4},
    "samples": None,
    "models": {"mlp": {"network": GPT}},
}


def planned(root: Path | None = None, **changes: Any) -> Plan:
    experiments = {"tiny": own(TEXT | changes), "other": own(TEXT)}
    return Plan({"data_root": str(root) if root else None, "experiments": experiments}, KINDS)


def read_by(plan: Plan) -> Dataset:
    """The data set as the first minima of the plan's experiment read it."""
    work: Work[TrainingSettings] = Work.of(the_task(plan, "tiny", "minima", part="0"))
    return read_data(work, work.settings)


def test_from_files_to_samples(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOSSBARS_DATA_ROOT", str(tmp_path))
    text = bytes(range(32, 127)) * 3
    (corpus / "a.txt").write_bytes(text)
    of_text = {"kind": "text", "path": "corpus", "context": 8, "test": 0.2, "tokens": "2.0e2"}
    plan = planned(data=of_text)
    run_tasks([dataset_task(plan, "tiny")])
    assert not (tmp_path / ".checkpoints").exists()  # files may change under a name: never kept
    data = read_by(plan)
    assert data.tokens and data.train_x.shape == data.train_y.shape == (19, 8) and data.test_x.shape == (4, 8)
    assert bytes(data.train_x.flatten()) == text[:152] and bytes(data.train_y.flatten()) == text[1:153]
    assert bytes(data.test_x.flatten()) == text[160:192] and bytes(data.test_y.flatten()) == text[161:193]
    assert torch.equal(read_by(planned(data=of_text, samples=5)).train_x, data.train_x[:5])
    another = dataset_task(planned(), "tiny").path
    Path(dataset_task(plan, "tiny").path).rename(another)
    with pytest.raises(ArtefactError, match="made by another recipe"):
        read_by(planned())


def test_a_text_is_named_by_what_is_said_of_it() -> None:
    """Experiments on one text share it, and none depends on which others there are."""
    same, another = planned(), planned(data=TEXT["data"] | {"context": 5})
    key = data_key(same, "tiny")
    assert key == data_key(same, "other") and re.fullmatch("text-[0-9a-f]{8}", key)
    assert len({key, data_key(another, "tiny"), data_key(another, "other")}) == 2
    assert dataset_task(another, "tiny").settings.text.context == 5  # type: ignore[attr-defined]
    assert dataset_task(another, "other").job == dataset_task(same, "tiny").job
    expects = [the_task(same, key, "minima", part="0").job.expects for key in ("tiny", "other")]
    assert expects[0] == expects[1]


MLP = {"kind": "mlp", "depth": 1}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"data": TEXT["data"] | {"contex": 3}}, r"tiny\.data\.contex: unknown key; did you mean 'context'"),
    ({"data": TEXT["data"] | {"test": 1.0}}, r"tiny\.data\.test: .*less than 1"),
    ({"data": TEXT["data"] | {"tokens": 0.5}}, r"tiny\.data\.tokens: "),
    ({"data": TEXT["data"] | {"vocabulary": "words"}}, r"tiny\.data\.vocabulary: .*'bytes'"),
    ({"data": "oskar"}, r"tiny\.data: unknown data set 'oskar'"),
    ({"augment": "crop-flip"}, "augment: for images, the data is text"),
    ({"models": {"mlp": {"network": MLP}}}, r"models\.mlp\.network: mlp cannot read text: use gpt"),
    ({"data": "digits"}, r"models\.mlp\.network: gpt reads text, the data is none: use data: .kind: text"),
    ({"models": {"mlp": {"network": GPT | {"heads": 3}}}}, r"mlp\.network: width: 4 is no multiple of 3 heads"),
]


@pytest.mark.parametrize(("changes", "reason"), WRONG)
def test_a_wrong_configuration_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        planned(**changes)


def test_the_doctor_says_whether_a_text_is_there(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (absent,) = data_checks(planned(), ["tiny", "other"])
    assert (absent.level, absent.text) == ("fail", "data set text oscar: no data_root is set")
    assert "needs an account" in absent.remedy and "DATA_ROOT/oscar/" in absent.remedy
    (absent,) = data_checks(planned(tmp_path), ["other"])
    assert absent.text == f"data set text oscar: {tmp_path}/oscar is not there"
    for name in ("a.txt", "b.txt"):
        (corpus / name).write_bytes(b"abc" * 100)
    there = planned(tmp_path, data=TEXT["data"] | {"path": "corpus"})
    (found,) = data_checks(there, ["tiny"])
    assert (found.level, found.text) == ("ok", f"data set text corpus: {corpus}/a.txt and 1 more")
    monkeypatch.setenv("LOSSBARS_DATA_ROOT", str(tmp_path))
    task = dataset_task(there, "tiny")
    run_tasks([task])
    (made,) = data_checks(there, ["tiny"])
    assert made.text == f"data set text corpus: {task.path}"


def test_sizes_are_those_asked_for_or_those_of_the_files(corpus: Path) -> None:
    asked = spec(tokens=1000, test=0.2, context=10)
    assert (size_of(asked, None).train, size_of(asked, None).test) == (80, 20)
    assert size_of(spec("none"), None).train == UNKNOWN_TEXT * 9 // 10 // 4
    (corpus / "a.txt").write_bytes(b"x" * 400)
    size = size_of(spec(), str(corpus.parent))
    assert (size.train, size.test, size.inputs, size.outputs) == (90, 10, 4, 256)
    assert plan().experiments["tiny"].data_set == "digits" and size_of("digits", None).train == 1438


# The artefact ------------------------------------------------------------------------------------


def test_streams_are_the_tensors_that_they_would_be(tmp_path: Path) -> None:
    parts = {"train": os.urandom(3_000_001), "test": b"", "other": b"abc"}
    streamed, whole = tmp_path / "streamed.safetensors", tmp_path / "whole.safetensors"
    pieces = {name: (len(text), iter([text[:70], text[70:]])) for name, text in parts.items()}
    write_streams(streamed, pieces, JOB, {"context": "7"})
    tensors = {name: torch.tensor(list(text), dtype=torch.uint8) for name, text in parts.items()}
    write_tensors(whole, tensors, JOB, {"context": "7"})
    (found, facts), (expected, others) = read_tensors(streamed, JOB.key), read_tensors(whole, JOB.key)
    assert facts == others and facts["context"] == "7" and set(found) == set(parts)
    for name in parts:
        assert torch.equal(found[name], tensors[name]) and torch.equal(expected[name], tensors[name])
    content = bytearray(streamed.read_bytes())
    content[-1] ^= 1
    streamed.write_bytes(content)
    with pytest.raises(ArtefactError, match="changed after it was written"):
        read_tensors(streamed)
    for count in (2, 4):
        with pytest.raises(ValueError, match=f"a: 3 bytes came, expected {count}"):
            write_streams(tmp_path / "none", {"a": (count, iter([b"abc"]))}, JOB)
    assert not (tmp_path / "none").exists()


def test_digests_are_what_they_were(tmp_path: Path) -> None:
    """Of the names in order, each with its type and shape, and its bytes."""
    b, a = torch.arange(6.0).view(2, 3), torch.tensor([True, False])
    tensors = {"b": b, "a": a, "c": torch.tensor(3)}
    heads = ["a torch.bool (2,)\n", "b torch.float32 (2, 3)\n", "c torch.int64 ()\n"]
    contents = [a.numpy().tobytes(), b.numpy().tobytes(), (3).to_bytes(8, "little")]
    expected = hashlib.sha256(b"".join(h.encode() + c for h, c in zip(heads, contents, strict=True))).hexdigest()
    write_tensors(tmp_path / "x.safetensors", tensors, JOB)
    assert read_tensors(tmp_path / "x.safetensors")[1]["digest"] == expected


MEASURED = """
import json, sys
from pathlib import Path
import torch
import yaml
from lossbars.datasets.dataset import windows
from lossbars.workflow import dataset_step
from lossbars.workflow.job import Job
from lossbars.workflow.run import main
from lossbars.workflow.training_settings import TrainingSettings
from lossbars.workflow.training_step import read_data
from lossbars.workflow.work import Work

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

settings, expects = TrainingSettings.model_validate_json(sys.argv[1]), json.loads(sys.argv[2])
torch.zeros(64, 256).long().sum()
found = [peak()]
main(sys.argv[3:])
found.append(peak())
job = Job("minima", "tiny", "mlp", {}, "", expects)
(made,) = Path("results/datasets").glob("*.safetensors")
data = read_data(Work(job, settings, "0", {"data": [made]}, {}), settings)
x, y = data.train_x[:64].long(), data.train_y[-64:].long()
found.append(peak())
print(json.dumps([len(data.train_x), *found]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for the process's peak")
def test_a_text_is_never_whole_in_memory(corpus: Path, tmp_path: Path) -> None:
    size = 160
    line = "To be, or not to be — that is the question:\n".encode()
    piece = line * (2**20 // len(line)) + b"x" * (2**20 % len(line))
    with open(corpus / "a.txt", "wb") as file:
        for _ in range(size):
            file.write(piece)
    plan = planned(data={"kind": "text", "path": "corpus", "context": 256})
    task = the_task(plan, "tiny", "minima", part="0")
    settings = TrainingSettings(**{name: getattr(task.settings, name) for name in TrainingSettings.model_fields})
    arguments = [settings.model_dump_json(), json.dumps(task.job.expects)]
    command = [sys.executable, "-c", MEASURED, *arguments, *command_line(dataset_task(plan, "tiny"))]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT / "src"), "LOSSBARS_DATA_ROOT": str(corpus.parent)}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    samples, before, written, read = json.loads(ran.stdout.splitlines()[-1])
    assert samples == (round(0.9 * size * 2**20) - 1) // 256
    assert written - before < size / 4 and read - before < size / 4, (before, written, read)


def test_paper_leaves_out_what_lacks_its_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other data are downloaded at need, a text is not."""
    monkeypatch.chdir(tmp_path)
    raw = yaml.safe_load((CHECKOUT / "config.yaml").read_text()) | {"data_root": "texts"}
    assert "gpt-oscar" not in Plan(raw, KINDS).paper and "fc-mnist" in Plan(raw, KINDS).paper
    (tmp_path / "texts" / "oscar").mkdir(parents=True)
    assert "gpt-oscar" not in Plan(raw, KINDS).paper  # nothing is in it
    (tmp_path / "texts" / "oscar" / "en.jsonl.gz").touch()
    there = Plan(raw, KINDS)
    assert set(there.paper) == set(there.experiments) - {"digits", "dss-ptb"}  # its words lie elsewhere
