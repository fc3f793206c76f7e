"""Stand-ins for SLURM's commands, which print what a real one printed: for cases that a test cluster does not have."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

CONFIG = """\
Configuration data as of 2026-11-21T16:00:00
AccountingStorageType   = accounting_storage/slurmdbd
MinJobAge               = 300 sec
PreemptMode             = REQUEUE
SLURM_VERSION           = 22.05.8
"""
NODES = (
    "NodeName=n1 Arch=x86_64 CoresPerSocket=1 CPUAlloc=0 CPUTot=16 CPULoad=0.10 Gres=(null) RealMemory=64000 "
    "AllocMem=0 FreeMem=100 Sockets=16 Boards=1 State=IDLE ThreadsPerCore=1 Partitions=cpu \n"
    "NodeName=n2 Arch=x86_64 CoresPerSocket=1 CPUAlloc=0 CPUTot=16 CPULoad=0.10 Gres=gpu:a100:4(S:0-1) "
    "RealMemory=128000 State=MIXED ThreadsPerCore=1 Partitions=gpu \n"
)
PARTITIONS = (
    "PartitionName=cpu AllowGroups=ALL Default=YES MaxTime=UNLIMITED Nodes=n1 PreemptMode=REQUEUE State=UP\n"
    "PartitionName=gpu AllowGroups=ALL Default=NO MaxTime=1-00:00:00 Nodes=n2 PreemptMode=REQUEUE State=UP\n"
)
ANSWERS = {
    "scontrol ping": "Slurmctld(primary) at head is UP\n",
    "scontrol show config": CONFIG,
    "scontrol show nodes --oneliner": NODES,
    "scontrol show partitions --oneliner": PARTITIONS,
}
SCRIPT = """\
#!{python}
import json, pathlib, sys
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write(json.dumps([pathlib.Path(__file__).name, *sys.argv[1:]]) + "\\n")
queue = json.loads((here / "queue").read_text())
name = pathlib.Path(__file__).name
if name == "scancel":
    left = [line for line in queue if line.split("|")[0] not in sys.argv]
    (here / "queue").write_text(json.dumps(left))
elif name == "squeue":
    print("\\n".join(queue))
else:
    answers = json.loads((here / "answers").read_text())
    text = answers.get(" ".join([name, *sys.argv[1:]]))
    print(text if text is not None else "no answer", end="", file=sys.stdout if text is not None else sys.stderr)
    sys.exit(text is None)
"""


class StandIn:
    """SLURM's commands in a folder of their own, before all others on PATH."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        for name in ("squeue", "scancel", "scontrol"):
            (folder / name).write_text(SCRIPT.format(python=sys.executable))
            (folder / name).chmod(0o755)
        self.answer(ANSWERS)
        self.queue()
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def answer(self, answers: Mapping[str, str]) -> None:
        """Set what scontrol prints, by command."""
        (self.folder / "answers").write_text(json.dumps(dict(answers)))

    def queue(self, *lines: str) -> None:
        """Set the queue: NUMBER|NAME|STATE|FOLDER of each job."""
        (self.folder / "queue").write_text(json.dumps(lines))

    def queued(self) -> list[str]:
        """Numbers of the jobs that are left."""
        return [line.split("|")[0] for line in json.loads((self.folder / "queue").read_text())]
