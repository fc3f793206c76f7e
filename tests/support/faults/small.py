"""A small experiment whose trainings last long enough to be broken in the middle, and runs of it on SLURM."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from support.workflow import ADAM, Checkout

EXPERIMENT, MODEL = "small", "mlp"
SMALL: dict[str, Any] = {
    "title": "A small experiment",
    "data": "digits",
    "device": "cpu",
    "samples": 1000,
    "seeds": 3,
    "seeds_per_job": 2,
    "minima": ADAM | {"epochs": 300},
    "polish": None,
    "curves": ADAM | {"epochs": 300, "family": {"kind": "chain", "bends": 1}, "grid": {"points": 5, "refinements": 0}},
    "robustness": {"sizes": [2], "max_subsets": 10},
    "models": {MODEL: {"network": {"kind": "mlp", "depth": 2, "width": 16}}},
    "figures": ["barcodes"],
}
PARTS = {"minima": ["0-1", "2"], "curves": ["0-1+0-1", "0-1+2"]}
STATES = ("data", "minima", "done")  # how far a prepared folder is
COMMAND = [
    *("--profile", "slurm", "--nocolor", "--configfile", "small.yaml"),
    *("--slurm-init-seconds-before-status-checks", "3", "--latency-wait", "10", "--slurm-keep-successful-logs"),
]
RESULTS = Path("results") / EXPERIMENT / MODEL
# Of a run these say when it ran, for how long and where: no two runs are the same.
OF_THE_RUN = ("provenance.json", "report.html")
TRAINING = re.compile(rf"^\[{EXPERIMENT}/{MODEL} (\w+) (\S+)\] (.*)$", re.MULTILINE)


class NotReached(RuntimeError):  # noqa: N818 (it says what happened)
    """A run did not come to the place where a fault was to be put."""


def prepare(folder: Path) -> float:
    """Undisturbed runs, a copy of the folder at each of STATES; seconds that the whole took."""
    checkout = Checkout.fresh(folder / "run", **{EXPERIMENT: SMALL})
    (checkout.folder / "small.yaml").write_text(yaml.safe_dump({"experiments": checkout.experiments}))
    minima = [f"{RESULTS}/minima/{part}.safetensors" for part in PARTS["minima"]]
    begun = time.monotonic()
    for state, targets in zip(STATES, (["results/datasets/digits.safetensors"], minima, [EXPERIMENT]), strict=True):
        run = Run(checkout.folder)
        run.start(*targets)
        if run.wait() != 0:
            raise RuntimeError(f"the undisturbed run failed: see {run.log}")
        shutil.copytree(checkout.folder, folder / state, symlinks=True, copy_function=_linked())
    shutil.rmtree(checkout.folder)
    return time.monotonic() - begun


def _linked() -> Callable[[str, str], str]:
    """Copies files so that one with two names has two names in the copy."""
    seen: dict[int, str] = {}

    def copy(source: str, target: str) -> str:
        status = Path(source).stat()
        if status.st_nlink > 1 and status.st_ino in seen:
            os.link(seen[status.st_ino], target)
        else:
            shutil.copy2(source, target)
            seen[status.st_ino] = target
        return target

    return copy


def copied(prepared: Path, folder: Path) -> None:
    """A prepared folder, elsewhere."""
    shutil.copytree(prepared, folder, symlinks=True, copy_function=_linked(), dirs_exist_ok=True)


@dataclass
class Run:
    """Snakemake in one folder; a second start appends to the same log."""

    folder: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def log(self) -> Path:
        """What Snakemake said."""
        return self.folder.with_name(f"{self.folder.name}.log")

    def start(self, *words: str) -> None:
        """Start Snakemake on the experiment, or on what ``words`` say."""
        targets = words if words and not words[0].startswith("-") else (*words, "--", EXPERIMENT)
        command = [sys.executable, "-m", "snakemake", *COMMAND, *targets]
        environment = os.environ | {"LOSSBARS_CHECKPOINT_SECONDS": "1"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, env=environment, start_new_session=True
            )

    def wait(self, seconds: float = 900) -> int:
        """Exit status."""
        assert self.process
        return self.process.wait(seconds)

    def ended(self) -> bool:
        """Whether Snakemake is no more."""
        return self.process is None or self.process.poll() is not None

    def stop(self, how: signal.Signals) -> None:
        """Send Snakemake, and it alone, a signal."""
        assert self.process
        self.process.send_signal(how)

    # Where a run is ------------------------------------------------------------------------------

    def until(self, true: Callable[[], Any], what: str, seconds: float = 240) -> Any:
        """Wait for something while the run goes on. Raises NotReached."""
        end = time.monotonic() + seconds
        while not (found := true()):
            if time.monotonic() > end or (self.process is not None and self.ended()):
                raise NotReached(f"{what}: see {self.log}")
            time.sleep(0.1)
        return found

    def checkpoint(self, kind: str, part: str) -> Path | None:
        """The state of a training on its way, once it has one."""
        found = sorted((self.folder / ".checkpoints").glob(f"{EXPERIMENT}-{MODEL}-{kind}-{part}-*.safetensors"))
        return found[0] if found else None

    def job(self, kind: str, part: str) -> str:
        """SLURM's number of the job of a training that runs; empty where there is none."""
        wildcards = "_".join([EXPERIMENT, MODEL, *([] if kind == "minima" else [kind]), part])
        wanted = (f"rule_{kind}_wildcards_{wildcards}", str(self.folder))
        command = ["squeue", "--noheader", "--states=RUNNING", "--Format=JobID:20,Comment:100,WorkDir:200"]
        rows = [line.split() for line in subprocess.run(command, capture_output=True, text=True).stdout.splitlines()]
        return next((number for number, *rest in rows if tuple(rest) == wanted), "")

    def step(self, kind: str, part: str) -> psutil.Process | None:
        """The Python process of a training."""
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
                if process.cwd() != str(self.folder) or "bash" in words[0]:
                    continue
            except (psutil.NoSuchProcess, psutil.AccessDenied, IndexError):
                continue
            if {f"lossbars.experiments.networks.steps.{kind}", f"--part={part}"} <= set(words):
                return process
        return None

    # What a run did ------------------------------------------------------------------------------

    def attempts(self) -> dict[int, list[tuple[str, str, str]]]:
        """SLURM's number of a job → (kind, part, text) of all that its trainings reported."""
        return {int(log.stem): TRAINING.findall(log.read_text(errors="replace")) for log in self.slurm_logs()}

    def slurm_logs(self) -> list[Path]:
        """What SLURM's jobs wrote, a file each."""
        return sorted((self.folder / ".snakemake/slurm_logs").rglob("*.log"))

    def artefacts(self) -> dict[str, bytes]:
        """Path → content of all results."""
        found = Checkout(self.folder, {}).files()
        return {path: content for path, content in found.items() if Path(path).name not in OF_THE_RUN}

    def whole(self, undisturbed: dict[str, bytes]) -> set[tuple[str, str]]:
        """(kind, part) of the trainings whose results are there as they must be."""
        return {
            (kind, part)
            for kind, parts in PARTS.items()
            for part in parts
            if all(
                (self.folder / (path := f"{RESULTS}/{kind}/{part}{suffix}")).is_file()
                and (self.folder / path).read_bytes() == undisturbed[path]
                for suffix in (".safetensors", ".parquet")
            )
        }
