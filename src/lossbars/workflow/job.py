"""A job on record: what decided a result, as text that Snakemake compares and that every artefact carries.

Snakemake carries a job as one JSON text among a rule's params, so a result is stale exactly when this text
changes. The key of a job is the digest of that text, and each artefact carries the key it was made under.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Job:
    """The settings and the code of a job, and the keys that its inputs must carry."""

    kind: str  # rule, or the name of one of several recipes for it: "minima", "curves", "curves-flow", …
    experiment: str
    model: str
    recipe: dict[str, Any]  # the settings as JSON; a mapping keeps its order, which figures follow
    code: str  # fingerprint of the modules that the step runs
    expects: dict[str, list[str]] = field(default_factory=dict)  # option → keys that the files given to it may carry

    @cached_property
    def key(self) -> str:
        """Digest of all that decides the result: 16 hexadecimal digits."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """Canonical text."""
        return self._text

    @cached_property  # a plan of thousands of jobs asks for each text several times
    def _text(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """The job of a text that :meth:`to_json` made."""
        return cls(**json.loads(text))
