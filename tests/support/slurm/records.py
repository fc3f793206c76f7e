"""What SLURM's own accounting says of the jobs of a folder."""

import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

FIELDS = (
    *("WorkDir", "JobIDRaw", "Comment", "Partition", "State"),
    *("ReqTRES", "AllocTRES", "TimelimitRaw", "Start", "End"),
)


@dataclass(frozen=True)
class Record:
    """One job as it was asked for and as it ran; a job that was requeued has a record of each time."""

    job: str
    rule: str  # of a group: the group's name and its rules
    wildcards: tuple[str, ...]
    partition: str
    state: str
    gpus_asked: int
    gpus_had: int
    mem_mb: int
    minutes: int
    start: datetime | None
    end: datetime | None


def records(folder: Path, since: datetime) -> list[Record]:
    """All jobs that Snakemake submitted from a folder; before ``since``, one of the same name may have been there."""
    command = ["sacct", "-X", "--noheader", "--noconvert", "--parsable2", "--duplicates"]
    command += [f"--starttime={since:%Y-%m-%dT%H:%M:%S}", f"--format={','.join(FIELDS)}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = (dict(zip(FIELDS, line.split("|"), strict=True)) for line in done.stdout.splitlines())
    return [_record(row) for row in rows if Path(row["WorkDir"]) == folder]


def most_gpus_at_once(jobs: Iterable[Record]) -> int:
    """The most GPUs that were in use at any time, to the second."""
    changes = []
    for job in jobs:
        if job.gpus_had and job.start and job.end:
            changes += [(job.start, job.gpus_had), (job.end, -job.gpus_had)]
    used = most = 0
    for _, change in sorted(changes):  # what ends in a second ends before what begins in it
        used += change
        most = max(most, used)
    return most


def _record(values: dict[str, str]) -> Record:
    rule, _, wildcards = values["Comment"].removeprefix("rule_").partition("_wildcards_")
    return Record(
        job=values["JobIDRaw"],
        rule=rule,
        wildcards=tuple(wildcards.split("_")),
        partition=values["Partition"],
        state=values["State"].split()[0],
        gpus_asked=_number("gres/gpu=", values["ReqTRES"]),
        gpus_had=_number("gres/gpu=", values["AllocTRES"]),
        mem_mb=_number("mem=", values["ReqTRES"]),
        minutes=int(values["TimelimitRaw"]),
        start=_time(values["Start"]),
        end=_time(values["End"]),
    )


def _number(name: str, tres: str) -> int:
    """``mem=2000M,gres/gpu=1``: what is not named is none."""
    found = re.search(rf"{name}(\d+)", tres)
    return int(found[1]) if found else 0


def _time(text: str) -> datetime | None:
    return None if text in ("Unknown", "None") else datetime.fromisoformat(text)
