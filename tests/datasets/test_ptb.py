"""The Penn Treebank: files, vocabulary, windows of words, what is missing; and words from files to samples."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from lossbars.cli.data_checks import data_checks
from lossbars.datasets import ptb
from lossbars.datasets.dataset import DataError, Dataset, md5, windows
from lossbars.datasets.load import load_dataset
from lossbars.datasets.ptb import FILES, missing, vocabulary, words
from lossbars.datasets.specs import size_of
from lossbars.experiments.kinds import KINDS
from lossbars.workflow.artefacts import read_tensors
from lossbars.workflow.config import ConfigError
from lossbars.workflow.data_sets import data_key, dataset_task
from lossbars.workflow.plan import Plan
from lossbars.workflow.training_settings import TrainingSettings
from lossbars.workflow.training_step import read_data
from lossbars.workflow.work import Work
from support.paths import CHECKOUT
from support.plans import run_tasks, the_task
from support.workflow import TINY, own

LINES = " the cat sat \n the dog sat on the mat \n a <unk> sat on N mats \n"  # 15 words, and three ends of lines
CONTENTS = (LINES * 5, " on a mat \n", " the dog sat \n" * 11)
ORDER = ["<eos>", "sat", "the", "on", "<unk>", "N", "a", "cat", "dog", "mat", "mats"]
NUMBERS = {word: i for i, word in enumerate(ORDER)}


def put(root: Path, monkeypatch: pytest.MonkeyPatch, contents: tuple[str, ...] = CONTENTS) -> Path:
    """Small files below a root, whose checksums are taken to be the right ones."""
    (root / "ptb").mkdir(exist_ok=True)
    for name, content in zip(FILES, contents, strict=True):
        (root / name).write_text(content)
    monkeypatch.setattr(ptb, "CHECKSUMS", tuple(md5(root / name) for name in FILES))
    return root


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return put(tmp_path, monkeypatch)


# The data set ------------------------------------------------------------------------------------


def test_numbers_are_by_frequency_and_by_the_alphabet(root: Path) -> None:
    read = words(root / FILES[0])
    assert read[:9] == ["the", "cat", "sat", "<eos>", "the", "dog", "sat", "on", "the"] and len(read) == 90
    assert vocabulary(read) == NUMBERS


def test_windows_of_words_and_the_word_after_each(root: Path) -> None:
    data = load_dataset("ptb", root, root / "downloads")
    assert data.tokens and data.outputs == len(NUMBERS)
    for x, y, file, m in (
        (data.train_x, data.train_y, 0, (90 - 1) // 20),
        (data.test_x, data.test_y, 2, (44 - 1) // 20),
    ):
        assert x.dtype == y.dtype == torch.int16 and x.shape == y.shape == (m, 20)
        read = words(root / FILES[file])
        assert [ORDER[i] for i in x.flatten()] == read[: 20 * m]
        assert [ORDER[i] for i in y.flatten()] == read[1 : 20 * m + 1]


def test_a_word_that_training_does_not_have_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, monkeypatch, (*CONTENTS[:2], CONTENTS[2] + " a zebra \n"))
    with pytest.raises(DataError, match="the test file has 'zebra', which is no word of the training file"):
        load_dataset("ptb", tmp_path, tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named(root: Path, name: str) -> None:
    (root / name).write_text("the cat \n")
    with pytest.raises(DataError, match=rf"{root / name} is damaged: its MD5 is .*, expected "):
        load_dataset("ptb", root, root)


def test_what_is_absent_says_what_to_do(root: Path) -> None:
    assert missing(root) is None
    (root / FILES[1]).unlink()
    (root / FILES[2]).unlink()
    for given, what, folder in (
        (root, f"ptb: {root}/ptb lacks ptb.valid.txt, ptb.test.txt", f"{root}/ptb/"),
        (None, "ptb: no data_root is set", "DATA_ROOT/ptb/"),
    ):
        with pytest.raises(DataError) as error:
            load_dataset("ptb", given, root)
        text = str(error.value)
        assert text.startswith(f"{what}: it is not downloaded here: put ptb.train.txt, ptb.valid.txt, ptb.test.txt of ")
        assert text.endswith(f" into {folder} and set data_root in config.yaml")


WORDS = torch.arange(21, dtype=torch.int16)


def test_words_and_bytes_are_tokens_and_other_whole_numbers_are_not() -> None:
    for dtype, outputs in ((torch.uint8, 256), (torch.int16, 21), (torch.int32, 21)):
        x, y = windows(WORDS.to(dtype), 4)
        data = Dataset(x, y, x[:1], y[:1])
        assert data.tokens and data.outputs == outputs  # the last word is a target alone
        assert data.facts == ({} if dtype == torch.uint8 else {"vocabulary": "21"})
    assert Dataset(x, y, x, y, 30).outputs == 30
    for wrong in (x.long(), x.short(), y[:, :3]):
        with pytest.raises(DataError, match=r"targets are torch.*, or of text as its inputs: \(m, T\) of uint8, int16"):
            Dataset(x, wrong, x, wrong)
    for classes in (x[:, 0].long(), x.float()):
        with pytest.raises(DataError, match=r"targets are torch\.(int64|float32).*or of text as its inputs"):
            Dataset(x, classes, x, classes)
    with pytest.raises(DataError, match=r"test set: a word has the number -1; words count from 0$"):
        Dataset(x, y, x - 1, y)
    with pytest.raises(DataError, match="train set: a word has the number 20; words count from 0 to 19"):
        Dataset(x, y, x, y, 20)


# In the workflow ---------------------------------------------------------------------------------

LSTM = {"kind": "lstm", "layers": 1, "width": 4}
OF_WORDS: dict[str, Any] = TINY | {"data": "ptb", "samples": None, "models": {"mlp": {"network": LSTM}}}


def planned(data_root: Path | None = None, **changes: Any) -> Plan:
    raw = {"data_root": str(data_root) if data_root else None, "experiments": {"tiny": own(OF_WORDS | changes)}}
    return Plan(raw, KINDS)


def read_by(plan: Plan) -> Dataset:
    """The data set as the first minima of the plan's experiment read it."""
    work: Work[TrainingSettings] = Work.of(the_task(plan, "tiny", "minima", part="0"))
    return read_data(work, work.settings)


def test_from_files_to_samples_and_a_minimum(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOSSBARS_DATA_ROOT", str(root))
    plan = planned(root)
    assert data_key(plan, "tiny") == "ptb"
    data = dataset_task(plan, "tiny")
    run_tasks([data])
    assert read_tensors(Path(data.path))[1]["vocabulary"] == "11"
    every, read = load_dataset("ptb", root, root), read_by(plan)
    assert read.outputs == 11 and all(torch.equal(read.tensors[name], part) for name, part in every.tensors.items())
    few = planned(root, samples=2)
    assert read_by(few).outputs == 11 and torch.equal(read_by(few).train_x, every.train_x[:2])
    task = the_task(few, "tiny", "minima", part="0")
    run_tasks([task])
    count = 2 * 11 * 4 + 11 + 8 * 4**2 + 8 * 4
    assert read_tensors(Path(task.path))[0]["theta"].shape == (1, count)


def test_a_users_own_words_keep_their_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.py"
    path.write_text(
        "import torch\n\n\ndef load():\n    x = torch.arange(12, dtype=torch.int32).view(3, 4)\n"
        "    return x, x.flip(1), x[:1], x[:1] + 5\n"
    )
    plan = planned(data=f"{path}:load", samples=1)
    run_tasks([dataset_task(plan, "tiny")])
    assert read_by(plan).outputs == 12


MLP = {"kind": "mlp", "depth": 1}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"augment": "crop-flip"}, "augment: for images, the data is text"),
    ({"normalise": {"mean": [0.5], "std": [0.5]}}, "normalise: for images, the data is text"),
    ({"models": {"mlp": {"network": MLP}}}, r"models\.mlp\.network: mlp cannot read text: use gpt, lstm, or a network"),
    ({"data": "digits"}, r"mlp\.network: lstm reads text, the data is none: use data: .kind: text, .*, data: ptb, or"),
    ({"models": {"mlp": {"network": LSTM | {"dropout": 1.0}}}}, r"mlp\.network\.dropout: .*less than 1"),
    ({"models": {"mlp": {"network": LSTM | {"heads": 2}}}}, r"mlp\.network\.heads: unknown key"),
    ({"models": {"mlp": {"network": {"kind": "conv-fc"}}}}, r"mlp\.network: conv-fc cannot read text"),
]


@pytest.mark.parametrize(("changes", "reason"), WRONG)
def test_a_wrong_configuration_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        planned(**changes)


def test_a_gpt_reads_words_and_an_lstm_bytes() -> None:
    planned(models={"mlp": {"network": {"kind": "gpt", "layers": 1, "heads": 1, "width": 4}}})
    planned(data={"kind": "text", "path": "corpus"})


def test_the_doctor_says_whether_it_is_there(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (found,) = data_checks(planned(root), ["tiny"])
    assert (found.level, found.text) == ("ok", f"data set ptb: files in {root}/ptb")
    (absent,) = data_checks(planned(), ["tiny"])
    assert (absent.level, absent.text) == ("fail", "data set ptb: no data_root is set")
    assert (
        absent.remedy.startswith("it is not downloaded here: put ptb.train.txt, ") and "DATA_ROOT/ptb/" in absent.remedy
    )
    (root / FILES[0]).unlink()
    (absent,) = data_checks(planned(root), ["tiny"])
    assert (absent.level, absent.text) == ("fail", f"data set ptb: {root}/ptb lacks ptb.train.txt")


def test_paper_leaves_out_what_lacks_it(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    raw = yaml.safe_load((CHECKOUT / "config.yaml").read_text())
    raw["experiments"]["words"] = own(OF_WORDS)
    assert "words" not in Plan(raw | {"data_root": None}, KINDS).paper
    assert "words" in Plan(raw | {"data_root": str(root)}, KINDS).paper
    (root / FILES[0]).unlink()
    lacking = Plan(raw | {"data_root": str(root)}, KINDS)
    assert "words" not in lacking.paper and "fc-mnist" in lacking.paper
    out = Path(dataset_task(lacking, "words").path)
    out.parent.mkdir(parents=True)
    out.touch()  # it was made before
    assert "words" in lacking.paper


def test_its_size_is_known_before_it_is_read() -> None:
    size = size_of("ptb", None)
    tokens = {"train": 887_521 + 42_068, "test": 78_669 + 3_761}  # words and lines, by wc
    assert (size.train, size.test) == tuple((n - 1) // 20 for n in tokens.values())
    assert (size.inputs, size.outputs, size.text) == (20, 10_000, True)
