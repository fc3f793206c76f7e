"""Data sets: inputs and targets of a training and a test set."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int, Integer
from torch import Tensor

from lossbars.recipes import Normalisation

BYTES = 256  # tokens of a text that is read byte by byte
TOKENS = (torch.uint8, torch.int16, torch.int32)  # bytes, or numbers of words; classes are int64
PARTS = ("train_x", "train_y", "test_x", "test_y")


class DataError(ValueError):
    """A data set cannot be had, or is not what it should be; the text says what to do."""


@dataclass(frozen=True)
class Dataset:
    """Training and test set: inputs (m, ...) as bytes 0..255 or float32, targets (m,) int64 or (m, q) float32.

    Of text: windows (m, T) of tokens, and as targets (m, T) the token after each, both uint8 for bytes, int16 or int32
    for words, of which there are ``vocabulary``; as many as their largest number needs where None.
    """

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor
    vocabulary: int | None = None

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            x, y = getattr(self, f"{part}_x"), getattr(self, f"{part}_y")
            if len(x) != len(y) or len(x) == 0:
                raise DataError(f"{part} set: {len(x)} inputs and {len(y)} targets")
            if x.dtype not in (*TOKENS, torch.float32):
                raise DataError(f"{part} set: inputs are {x.dtype}, expected uint8 or float32, of words int16 or int32")
            if y.dtype == torch.int64 and y.dim() == 1 and x.dtype in (torch.uint8, torch.float32):
                if int(y.min()) < 0:
                    raise DataError(f"{part} set: a class has the number {int(y.min())}; classes count from 0")
            elif _is_text(x, y):
                self._check_words(part, x, y)
            elif not (y.dtype == torch.float32 and y.dim() == 2 and x.dtype in (torch.uint8, torch.float32)):
                raise DataError(
                    f"{part} set: targets are {y.dtype} {tuple(y.shape)}, expected int64 (m,) or float32 (m, q), "
                    "or of text as its inputs: (m, T) of uint8, int16 or int32"
                )
            if x.is_floating_point() and not bool(x.isfinite().all()):
                raise DataError(f"{part} set: inputs have NaN or infinite numbers")
        if self.train_x.shape[1:] != self.test_x.shape[1:]:
            train, test = tuple(self.train_x.shape[1:]), tuple(self.test_x.shape[1:])
            raise DataError(f"training inputs have shape {train}, test inputs {test}")

    def _check_words(self, part: str, x: Tensor, y: Tensor) -> None:
        if x.dtype == torch.uint8:  # any byte will do, and a map of a file stays unread
            return
        low, high = min(int(x.min()), int(y.min())), max(int(x.max()), int(y.max()))
        if low < 0 or high >= (self.vocabulary or high + 1):
            wrong = low if low < 0 else high
            most = "" if self.vocabulary is None else f" to {self.vocabulary - 1}"
            raise DataError(f"{part} set: a word has the number {wrong}; words count from 0{most}")

    @property
    def tokens(self) -> bool:
        """Whether it is text, of bytes or of words."""
        return are_tokens(self.train_y)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The four tensors by name; windows of one text share its memory."""
        return {name: getattr(self, name) for name in PARTS}

    @property
    def facts(self) -> dict[str, str]:
        """Metadata of the file of tensors: the size of the vocabulary, which part of the text does not tell."""
        return {"vocabulary": str(self.outputs)} if self.tokens and self.train_y.dtype != torch.uint8 else {}

    @property
    def outputs(self) -> int:
        """Numbers that a network must give: classes, width of a real target, or tokens that there are."""
        if self.train_y.dtype == torch.uint8:
            return BYTES
        if self.train_y.is_floating_point():
            return self.train_y.shape[1]
        counted = [self.train_y, self.test_y, *((self.train_x, self.test_x) if self.tokens else ())]
        return self.vocabulary or max(int(part.max()) for part in counted) + 1


def are_tokens(y: Tensor) -> bool:
    """Whether targets are tokens of a text."""
    return y.dtype in TOKENS


def _is_text(x: Tensor, y: Tensor) -> bool:
    return are_tokens(y) and x.dtype == y.dtype and x.dim() == 2 and x.shape == y.shape


def windows(text: Integer[Tensor, " n"], context: int) -> tuple[Integer[Tensor, "m t"], Integer[Tensor, "m t"]]:
    """Non-overlapping windows (m, context) of a text, and the token after each of their tokens, as views."""
    m = (len(text) - 1) // context
    return text[: m * context].view(m, context), text[1 : m * context + 1].view(m, context)


@dataclass(frozen=True)
class Split:
    """Inputs (m, ...) float32 and targets (m,) whole numbers of classes, or (m, q) float32 for regression.

    Of text: tokens, and the token after each.
    """

    x: Float[Tensor, "m ..."] | Integer[Tensor, "m t"]
    y: Int[Tensor, " m"] | Float[Tensor, "m q"] | Integer[Tensor, "m t"]

    def __len__(self) -> int:
        return len(self.x)


def as_inputs(x: Tensor) -> Tensor:
    """Inputs as float32; bytes become 0..1, as torchvision's ToTensor makes them, and nothing else is normalised."""
    return x.float().div(255) if x.dtype == torch.uint8 else x


def normalised(x: Float[Tensor, "m ..."], rule: Normalisation | None) -> Float[Tensor, "m ..."]:
    """(x − mean)/std by channel, of images (m, c, h, w); what has no rule stays as it is.

    Raises DataError where the data have other channels.
    """
    if rule is None:
        return x
    if x.dim() != 4 or x.shape[1] != len(rule.mean):
        raise DataError(
            f"normalise has {len(rule.mean)} channels, the data set has inputs of shape {tuple(x.shape[1:])}"
        )
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (rule.mean, rule.std))
    return (x - mean) / std


def md5(path: Path) -> str:
    """MD5 of a file, the checksum that torchvision publishes."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
