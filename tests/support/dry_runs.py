"""Dry runs of the real workflow by the dozen: Snakemake is loaded once, and each run is a fork of that process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from support.workflow import Checkout

SERVER = """
import json, os, sys

import snakemake.cli, snakemake.dag, snakemake.persistence, snakemake.workflow, snakemake.scheduling.job_scheduler

for line in sys.stdin:
    folder, log, arguments = json.loads(line)
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        try:
            snakemake.cli.main(arguments)
        except SystemExit as end:
            os._exit(int(end.code or 0))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class DryRuns:
    """Which rules would run, after a change of a checkout."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        self.server = subprocess.Popen(
            [sys.executable, "-c", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def rules(self, experiments: dict[str, Any], *arguments: str) -> dict[str, int]:
        """Rule → number of its jobs that a run of these experiments would start now."""
        folder = self.checkout.folder
        (folder / "tiny.yaml").write_text(yaml.safe_dump({"experiments": experiments}, sort_keys=False))
        log = folder / "dry-run.log"
        line = ["--nocolor", "-n", "--configfile", "tiny.yaml", *arguments, "--", *experiments]
        assert self.server.stdin and self.server.stdout
        self.server.stdin.write(json.dumps([str(folder), str(log), line]) + "\n")
        self.server.stdin.flush()
        status = self.server.stdout.readline().strip()
        text = log.read_text()
        assert status == "0", text
        return jobs_of(text)

    def close(self) -> None:
        """End the process."""
        self.server.communicate(timeout=20)


def jobs_of(text: str) -> dict[str, int]:
    """Snakemake's table ``Job stats`` of a dry run; empty where it says that there is nothing to be done."""
    lines = iter(text.splitlines())
    found: dict[str, int] = {}
    for line in lines:
        if line.startswith("Job stats:"):
            next(lines), next(lines)
            for row in lines:
                if row.startswith("total"):
                    return found
                name, count = row.split()
                found[name] = int(count)
    assert "Nothing to be done" in text, text
    return found


def edited(path: Path, text: str) -> str:
    """Put ``text`` into a file; what it held before."""
    before = path.read_text()
    path.write_text(text)
    return before
