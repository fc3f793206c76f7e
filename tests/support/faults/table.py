"""The campaign's results as a document."""

import json
import re
from pathlib import Path

from support.faults.catalogue import FAULTS

INTRODUCTION = """# Faults and what became of them

Made by `make faults`: {count} faults, seed {seeds}, each put into a run of a small experiment (two blocks of minima,
two of curves, their reduction and documents) on a real SLURM of one node (`tests/support/slurm`). After each fault the
command of the run is given once more, as it was. The table says where trainings that had been begun went on, and
compares the results with those of a run that nothing disturbed: every file of `results/`, byte by byte, except logs,
benchmarks, `provenance.json` and `report.html`, which tell when a run was and what it used.

*Twice* are trainings that were finished when the fault struck, or had a saved state, and yet began from the start:
there should be none. A saved state is at most a second old here (`LOSSBARS_CHECKPOINT_SECONDS=1`), else 30 seconds.

After `kill -9` of Snakemake, `lossbars recover` is run before. A flipped bit is seen by no plan: the job that reads
the file stops and says to delete it, and that is done before the command is given again. Memory is held to by SLURM's
accounting (`OverMemoryKill`), since this SLURM has no cgroups. A lost node is slurmd and all processes of a job killed
at once.

| | fault | where | the disturbed run | run again | same bits | goes on | twice | s |
|--:|---|---|---|---|---|---|---|--:|
"""


def write_table(path: Path, results: Path) -> None:
    """One row for each fault, the last result of each."""
    found = {one["number"]: one for one in map(json.loads, results.read_text().splitlines())}
    rows = [found[number] for number in range(1, len(FAULTS) + 1) if number in found]
    seeds = ", ".join(str(seed) for seed in sorted({one["seed"] for one in rows}))
    lines = [_row(one) for one in rows]
    path.write_text(INTRODUCTION.format(count=len(rows), seeds=seeds) + "\n".join(lines) + "\n")


def _row(one: dict) -> str:
    cells = [
        one["number"],
        one["fault"],
        one["where"],
        one["happened"],
        re.sub(r": see .*", "", one["rerun"]),
        "yes" if one["identical"] else f"**no**: {', '.join(one['different'][:3])}",
        "; ".join(one["gone_on"]) or "nothing",
        "; ".join(one["repeated"]) or "none",
        f"{one['seconds']:.0f}",
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
