"""What became of a disturbed run and of the plain run after it."""

import re
from dataclasses import dataclass, field

from support.faults.scene import Scene
from support.faults.small import EXPERIMENT, MODEL, Run
from support.slurm.records import records

Training = tuple[str, str]  # kind, part
RESUMED = re.compile(r"goes on in epoch (\d+), after step (\d+)")
PUT_BACK = re.compile(rf"taken, as made before, from \S*/{EXPERIMENT}-{MODEL}-([a-z]+)-([\d+-]+?)-[0-9a-f]{{8}}")
FORGIVING = ("COMPLETED", "RUNNING", "PENDING")


@dataclass
class Outcome:
    """Numbers and words of one fault, as they are written down."""

    number: int
    seed: int
    fault: str
    where: str
    happened: str  # to the disturbed run
    rerun: str
    identical: bool
    gone_on: list[str]  # where trainings that had been begun before the fault went on after it
    repeated: list[str]  # those of them that had been whole, or had a checkpoint and did not use it
    seconds: float
    different: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """One plain run led to the undisturbed bits, and nothing was done twice."""
        return self.rerun in ("finished", "nothing to do") and self.identical and not self.repeated


def happened(scene: Scene, status: int | None) -> str:
    """States of SLURM's jobs other than success, and how Snakemake ended."""
    states = [job.state for job in records(scene.run.folder, scene.since) if job.state not in FORGIVING]
    counted = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    ended = {None: "no run", 0: "the run finished"}.get(status, "killed" if (status or 0) < 0 else "the run failed")
    return ", ".join([*counted, ended])


def begun(scene: Scene) -> dict[Training, list[str]]:
    """Where each training began that a job started after the fault, from the jobs' own logs."""
    found: dict[Training, list[str]] = {}
    for job, texts in scene.run.attempts().items():
        earlier = scene.texts.get(job, [])
        restarted = job not in scene.texts or texts[: len(earlier)] != earlier  # a requeued job writes a new log
        new = texts if restarted else texts[len(earlier) :]
        for kind, part in dict.fromkeys((kind, part) for kind, part, _ in new):
            mine = [text for *training, text in new if training == [kind, part]]
            resumed = [match for text in mine if (match := RESUMED.match(text))]
            if resumed:
                found.setdefault((kind, part), []).append(f"epoch {resumed[0][1]}, step {resumed[0][2]}")
            elif restarted:
                found.setdefault((kind, part), []).append("the start")
    return found


def gone_on(scene: Scene, found: dict[Training, list[str]]) -> list[str]:
    """What became of the trainings that were finished or on their way when the fault struck."""
    earlier = scene.saved | scene.whole | scene.damaged
    texts = [f"{kind} {part} from {place}" for (kind, part), places in found.items() for place in places]
    known = [text for text in texts if tuple(text.split()[:2]) in earlier]
    return known + [f"{kind} {part} put back" for kind, part in put_back(scene)]


def repeated(scene: Scene, found: dict[Training, list[str]]) -> list[str]:
    """Trainings of which something was done twice that need not have been."""
    wrong = []
    for training, places in found.items():
        if training in scene.damaged:
            continue
        if training in scene.whole or (training in scene.saved and "the start" in places):
            wrong.append(f"{training[0]} {training[1]} from {', '.join(places)}")
    return wrong


def rerun(run: Run, status: int, said: str) -> str:
    """How the plain run ended; ``said`` is its part of the log."""
    if status:
        return f"failed: see {run.log}"
    return "nothing to do" if "Nothing to be done" in said else "finished"


def different(run: Run, undisturbed: dict[str, bytes]) -> list[str]:
    """Results that are not the undisturbed run's bits, are missing, or should not be there."""
    there = run.artefacts()
    return sorted(path for path in there.keys() | undisturbed.keys() if there.get(path) != undisturbed.get(path))


def put_back(scene: Scene) -> list[Training]:
    """Trainings whose finished results were put back, without training."""
    new = [log for log in scene.run.slurm_logs() if int(log.stem) not in scene.texts]
    found = [training for log in new for training in PUT_BACK.findall(log.read_text(errors="replace"))]
    return list(dict.fromkeys(found))
