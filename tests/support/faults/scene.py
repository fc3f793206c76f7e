"""One disturbed run, and how a fault comes into it."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

import psutil

from support.faults.small import PARTS, NotReached, Run


@dataclass
class Scene:
    """One disturbed run: where, and what was done to it."""

    run: Run
    random: Random
    kind: str  # of the training that is struck: minima or curves
    part: str
    undisturbed: dict[str, bytes] = field(repr=False)
    since: datetime = field(default_factory=datetime.now)
    told: list[str] = field(default_factory=list)  # for the table: when and where
    whole: set[tuple[str, str]] = field(default_factory=set)  # trainings that were finished when the fault struck
    saved: set[tuple[str, str]] = field(default_factory=set)  # trainings that had a saved state then
    texts: dict[int, list[tuple[str, str, str]]] = field(default_factory=dict)  # what the jobs had reported then
    damaged: set[tuple[str, str]] = field(default_factory=set)  # trainings whose results or state the fault spoilt

    def middle(self) -> None:
        """Wait until the training has a checkpoint behind it, and a little more."""
        self.run.until(lambda: self.run.checkpoint(self.kind, self.part), f"a checkpoint of {self.kind} {self.part}")
        time.sleep(self.random.uniform(0, 1.5))
        self.told.append(f"in the middle of {self.kind} {self.part}")

    def strikes(self) -> None:
        """To be called right before the harm is done."""
        self.whole = self.run.whole(self.undisturbed)
        self.saved = {(kind, part) for kind in PARTS for part in PARTS[kind] if self.run.checkpoint(kind, part)}
        self.texts = self.run.attempts()

    def job(self) -> str:
        """SLURM's number of the struck job."""
        number = self.run.job(self.kind, self.part)
        if not number:
            raise NotReached(f"the job of {self.kind} {self.part} was over before the fault")
        return number

    def step(self) -> psutil.Process:
        """The Python process of the struck training."""
        found = self.run.step(self.kind, self.part)
        if found is None:
            raise NotReached(f"the process of {self.kind} {self.part} was over before the fault")
        return found


Injection = Callable[[Scene], None]


def ran(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def in_the_middle(harm: Injection, *words: str, then: Injection | None = None) -> Injection:
    """A run is started, and harm done in the middle of the training; ``then`` follows, else the run's own end."""

    def inject(scene: Scene) -> None:
        scene.run.start(*words)
        scene.middle()
        scene.strikes()
        harm(scene)
        if then:
            then(scene)
        else:
            scene.run.wait()

    return inject
