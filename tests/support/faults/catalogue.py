"""All faults of a campaign, in their order."""

import signal
from dataclasses import dataclass

from support.faults import files, running
from support.faults.scene import Injection, in_the_middle

TERM, KILL, INT = signal.SIGTERM, signal.SIGKILL, signal.SIGINT


@dataclass(frozen=True)
class Fault:
    """What is done, to a training of which kind, in a folder in which state."""

    name: str
    inject: Injection
    kind: str = "minima"
    state: str = ""

    @property
    def begins(self) -> str:
        """The prepared folder that the run starts from: all that the struck training needs is there."""
        return self.state or {"minima": "data", "curves": "minima"}[self.kind]


def both(name: str, inject: Injection) -> list[Fault]:
    """The same fault in either kind of training."""
    return [Fault(name, inject, "minima"), Fault(name, inject, "curves")]


def snakemake(how: signal.Signals) -> Injection:
    """Snakemake is sent a signal, and ends."""
    return in_the_middle(running.snakemake(how))


JOBS = [
    *both("scancel", running.scancel()),
    Fault("scancel --signal=KILL", running.scancel("--signal=KILL")),
    *both("kill -9 of the step", in_the_middle(lambda scene: scene.step().kill())),
    Fault("kill -9 of all of a job's processes", in_the_middle(running.kill_tree), "curves"),
    Fault("scontrol requeue", in_the_middle(running.requeue), "curves"),
    *both("time limit reached", in_the_middle(running.time_limit)),
    Fault("out of memory", files.memory),
]
SNAKEMAKE = [
    Fault("SIGINT to Snakemake", snakemake(INT)),
    Fault("SIGTERM to Snakemake", snakemake(TERM), "curves"),
    *both("kill -9 of Snakemake", in_the_middle(running.snakemake(KILL), then=running.recover)),
    Fault("kill -9 of Snakemake; its jobs end", in_the_middle(running.snakemake(KILL), then=running.recover_later)),
    Fault("kill -9 of Snakemake at a local rule", running.kill_in_local_rule, "curves"),
]
DISKS = [
    Fault("disk full", files.full_disk("results")),
    Fault("disk full", files.full_disk(".checkpoints"), "curves"),
    Fault("disk full", files.full_disk(""), "curves"),
]
TENSORS, TABLE = "{results}/{kind}/{part}.safetensors", "{results}/{kind}/{part}.parquet"
FILES = [
    Fault("truncated artefact", files.damage(TENSORS, files.half), "minima", "done"),
    Fault("truncated artefact", files.damage(TABLE, files.half), "curves", "done"),
    Fault("truncated artefact", files.damage("{results}/complex.json", files.half), "minima", "done"),
    Fault("empty artefact", files.damage(TENSORS, lambda _: b""), "minima", "minima"),
    Fault("artefact with a flipped bit", files.damage_unseen(TENSORS), "minima", "minima"),
    Fault("deleted file", files.damage(TENSORS, None), "minima", "done"),
    Fault("deleted file", files.damage(TABLE, None), "curves", "done"),
    Fault("truncated checkpoint", files.checkpoint(files.half)),
    Fault("checkpoint with a flipped bit", files.checkpoint(files.flipped), "curves"),
]
# These strike all jobs there are, so they are done one at a time.
CLUSTER = [
    Fault("preemption by an urgent job", in_the_middle(running.preempt), "curves"),
    Fault("slurmd stopped and started", in_the_middle(running.daemon("slurmd", TERM, 3))),
    Fault("slurmd killed and started", in_the_middle(running.daemon("slurmd", KILL, 5)), "curves"),
    Fault("slurmctld stopped and started", in_the_middle(running.daemon("slurmctld", TERM, 3))),
    Fault("slurmctld killed, away for long", in_the_middle(running.daemon("slurmctld", KILL, 20)), "curves"),
    Fault("slurmdbd away", in_the_middle(running.daemon("slurmdbd", TERM, 10)), "curves"),
    Fault("node lost", in_the_middle(running.node_lost), "curves"),
]
FAULTS = JOBS + SNAKEMAKE + DISKS + FILES + CLUSTER
