"""Text of any size, byte by byte: files below ``data_root``, streamed, so that they are never whole in memory.

A text is cut from its files evenly. The last share of what each file gives is test text, so that training and test text
are of the same kind. Both are joined in the order of the files' paths.
"""

import codecs
import gzip
import json
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from lossbars.datasets.dataset import DataError
from lossbars.datasets.specs import TextData

PIECE = 2**20  # bytes at a time
SUFFIXES = (".txt", ".txt.gz", ".jsonl", ".jsonl.gz")
PACKED = (".gz", ".zst")  # passed over where the file that they hold lies beside
OSCAR = (
    "OSCAR needs an account at its project's site (oscar-project.org), so it cannot be downloaded here: put its files "
    "into {folder}, *.jsonl.gz as delivered, or *.txt; or name other UTF-8 text as path"
)
OTHERS = "put UTF-8 files (" + ", ".join(f"*{suffix}" for suffix in SUFFIXES) + ") into {folder}, or name another path"
Streams = dict[str, tuple[int, Iterator[bytes]]]


# Files -------------------------------------------------------------------------------------------


def text_files(data: TextData, data_root: Path | None) -> list[Path]:
    """The files of a text in the order of their paths, hidden ones left out. Raises DataError, saying what to do."""
    if problem := missing_text(data, data_root):
        raise DataError(": ".join(problem))
    return _files_of(_place(data, data_root))


def missing_text(data: TextData, data_root: Path | None) -> tuple[str, str] | None:
    """The problem with the files of a text, and advice; None if there is none."""
    place = _place(data, data_root)
    advice = OSCAR if place.name == "oscar" else OTHERS
    if not place.is_absolute() and data_root is None:
        advice = advice.format(folder=f"{Path('DATA_ROOT') / data.path}/") + " and set data_root in config.yaml"
        return f"{data.title}: no data_root is set", advice
    advice = advice.format(folder=f"{place}/")
    if not place.exists():
        return f"{data.title}: {place} is not there", advice
    files = _files_of(place)
    if packed := [path for path in files if path.suffix == ".zst"]:
        return f"{data.title}: {packed[0]} is packed by Zstandard", "unpack such files first: zstd -d FILE"
    if not files:
        return f"{data.title}: {place} has no files of text", advice
    return None


def _place(data: TextData, data_root: Path | None) -> Path:
    return (data_root or Path()) / Path(data.path).expanduser()


def _files_of(place: Path) -> list[Path]:
    """The file itself, or all files of text below a folder, hidden and packed duplicates left out."""
    if place.is_file():
        return [place]
    every = {path for path in place.rglob("*") if path.name.endswith((*SUFFIXES, ".zst")) and path.is_file()}
    shown = [path for path in every if not any(part.startswith(".") for part in path.relative_to(place).parts)]
    kept = [path for path in shown if path.suffix not in PACKED or path.with_suffix("") not in every]
    return sorted(kept, key=lambda path: path.relative_to(place).as_posix())


# Their bytes -------------------------------------------------------------------------------------


def text_streams(data: TextData, data_root: Path | None) -> Streams:
    """``train`` and ``test``: how many bytes, and these piece by piece. Raises DataError, also on the way."""
    files = text_files(data, data_root)
    taken = shares(files, data.tokens)
    tests = [round(count * data.test) for count in taken]
    sizes = {"train": sum(taken) - sum(tests), "test": sum(tests)}
    for part, size in sizes.items():
        if size <= data.context:
            raise DataError(f"{data.title}: {size} bytes of {part} text; a window takes {data.context}, and one more")
    places = list(zip(files, taken, tests, strict=True))
    return {
        "train": (sizes["train"], _joined((path, 0, count - test) for path, count, test in places)),
        "test": (sizes["test"], _joined((path, count - test, count) for path, count, test in places)),
    }


def shares(files: list[Path], tokens: int | None) -> list[int]:
    """Bytes to take of each file: all, or ``tokens`` together, evenly. What a short file lacks, the others give."""
    left, taken = list(files), dict[Path, int]()
    while left:
        each, over = (sys.maxsize - 1, 0) if tokens is None else divmod(tokens - sum(taken.values()), len(left))
        short = {path: count for path in left if (count := _length(path, each + 1)) <= each}
        if not short:
            taken |= {path: each + (i < over) for i, path in enumerate(left)}
            break
        taken |= short
        left = [path for path in left if path not in short]
    return [taken[path] for path in files]


def _length(path: Path, most: int) -> int:
    """Bytes of a file's text, counted up to ``most``."""
    if not _is_packed(path) and not _has_records(path):
        return min(path.stat().st_size, most)
    count = 0
    for piece in pieces(path):
        count += len(piece)
        if count >= most:
            return most
    return count


def _joined(parts: Iterable[tuple[Path, int, int]]) -> Iterator[bytes]:
    """Bytes ``first`` to ``end`` of each file's text, one file after the other."""
    for path, first, end in parts:
        place = 0
        for piece in pieces(path) if end > first else ():
            if kept := piece[max(0, first - place) : end - place]:
                yield kept
            place += len(piece)
            if place >= end:
                break


def pieces(path: Path) -> Iterator[bytes]:
    """A file's text: its own bytes, or those of its records, a line each. Raises DataError, where it is no text."""
    try:
        with gzip.open(path, "rb") if _is_packed(path) else path.open("rb") as file:
            if _has_records(path):
                yield from _records(path, file)
            else:
                yield from _checked(path, iter(lambda: file.read(PIECE), b""))
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error})") from None


def _checked(path: Path, raw: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, cut between characters."""
    offset, rest = 0, b""
    for piece in raw:
        text = rest + piece
        try:
            _, used = codecs.utf_8_decode(text, "strict", False)
        except UnicodeDecodeError as error:
            raise _no_text(path, offset + error.start) from None
        yield text[:used]
        offset, rest = offset + used, text[used:]
    if rest:
        raise _no_text(path, offset)


def _records(path: Path, lines: Iterable[bytes]) -> Iterator[bytes]:
    offset = 0
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                yield _content(json.loads(line.decode())).encode("utf-8", "replace") + b"\n"
        except UnicodeDecodeError as error:
            raise _no_text(path, offset + error.start) from None
        except (ValueError, TypeError):
            what = "no JSON record with a text under 'content' or 'text'"
            raise DataError(f"{path}, line {number} (byte {offset}): {what}") from None
        offset += len(line)


def _content(record: object) -> str:
    """The text of a record: OSCAR has had it under ``content`` since 2021, others have it under ``text``."""
    text = record.get("content", record.get("text")) if isinstance(record, dict) else None
    if not isinstance(text, str):
        raise TypeError
    return text


def _is_packed(path: Path) -> bool:
    return path.suffix == ".gz"


def _has_records(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith(".jsonl")


def _no_text(path: Path, offset: int) -> DataError:
    return DataError(f"{path}, byte {offset}: not UTF-8; convert it (iconv -f ITS-ENCODING -t UTF-8), or take it out")
