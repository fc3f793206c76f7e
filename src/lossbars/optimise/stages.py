"""One checkpoint for stages that follow each other: a training and its polish, or the rounds of an optimisation."""

from collections.abc import Callable
from dataclasses import dataclass

from lossbars.optimise.descent import Checkpoint, State


class Stages:
    """Stages of one job. What a stage that has ended returned takes the place of its state in the checkpoint."""

    def __init__(self, checkpoint: Checkpoint | None) -> None:
        self.checkpoint = checkpoint
        self.kept: State = (checkpoint.load() or {}) if checkpoint else {}

    def run(self, name: str, stage: Callable[[Checkpoint | None], State]) -> State:
        """What ``stage`` returns; if it had ended before a stop, what it returned then.

        It is given a checkpoint in which it sees nothing but the state it saved itself; None where there is none.
        """
        if ended := self.under(f"{name}/result/"):
            return ended
        result = stage(Stage(self, f"{name}/state/") if self.checkpoint else None)
        self.replace(f"{name}/", {f"{name}/result/{key}": value for key, value in result.items()})
        return result

    def part(self, name: str) -> Checkpoint | None:
        """A checkpoint for what keeps its own results in the end, such as stages within a stage."""
        return Stage(self, f"{name}/") if self.checkpoint else None

    def under(self, prefix: str) -> State:
        """What is kept under a prefix, without it."""
        return {key.removeprefix(prefix): value for key, value in self.kept.items() if key.startswith(prefix)}

    def replace(self, prefix: str, state: State) -> None:
        """Keep ``state`` instead of all that is kept under a prefix."""
        self.kept = {key: value for key, value in self.kept.items() if not key.startswith(prefix)} | state


@dataclass(frozen=True)
class Stage:
    """The checkpoint of one stage."""

    stages: Stages
    prefix: str

    @property
    def _file(self) -> Checkpoint:
        assert self.stages.checkpoint
        return self.stages.checkpoint

    @property
    def stopping(self) -> bool:
        """Whether the job was asked to stop."""
        return self._file.stopping

    def due(self) -> bool:
        """Whether the state should be saved now."""
        return self._file.due()

    def load(self) -> State | None:
        """The last state of this stage."""
        return self.stages.under(self.prefix) or None

    def save(self, state: State) -> None:
        """Keep the state, beside the results of the stages before."""
        self.stages.replace(self.prefix, {f"{self.prefix}{key}": value for key, value in state.items()})
        self._file.save(self.stages.kept)
