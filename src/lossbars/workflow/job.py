"""What one job is asked to make: its recipe, the code that makes it, and what its inputs must be.

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
    """``recipe`` and ``code`` of this job, and the keys that its inputs must carry, by kind."""

    kind: str  # "minima", "curves", …
    experiment: str
    model: str
    recipe: dict[str, Any]
    code: str  # fingerprint of the modules that the step runs
    expects: dict[str, str] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """Digest of all that decides the result."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """Canonical text."""
        return self._text

    @cached_property  # a plan of thousands of jobs asks for few texts, each thousands of times
    def _text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """The job of a text that :meth:`to_json` made."""
        return cls(**json.loads(text))
