"""What ``lossbars doctor`` finds."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, and what to do where it is not as it should be."""

    level: Literal["ok", "warn", "fail"]
    text: str
    remedy: str = ""

    def lines(self) -> list[str]:
        """As printed."""
        return [f"{self.level:<5}{self.text}"] + [f"     → {self.remedy}"] * bool(self.remedy)


def ok(text: str) -> Finding:
    """All is well."""
    return Finding("ok", text)


def warn(text: str, remedy: str) -> Finding:
    """A run would start, and may not go as it should."""
    return Finding("warn", text, remedy)


def fail(text: str, remedy: str) -> Finding:
    """A run would fail."""
    return Finding("fail", text, remedy)
