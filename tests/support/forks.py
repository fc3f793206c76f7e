"""Snakemake by the dozen: it is loaded once in a process that forks for each run, which saves seconds of imports each.

A fork loads ``lossbars`` itself, from the checkout that it runs.
"""

import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SERVER = """
import importlib, json, os, runpy, sys

import pandas, pydantic, snakemake.cli, yaml

for name in ("dag", "executors.local", "persistence", "scheduling.job_scheduler", "scheduling.milp", "workflow"):
    importlib.import_module(f"snakemake.{name}")
assert not any(name.startswith("lossbars") for name in sys.modules)

for line in sys.stdin:
    folder, arguments, environment, out, err = json.loads(line)
    child = os.fork()
    if child == 0:
        for number, path in ((0, os.devnull), (1, out), (2, err)):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC * (number > 0)), number)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
        if arguments[0] == "-m":
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = ["-c", *arguments[2:]]
            exec(compile(arguments[1], "given", "exec"), {"__name__": "__main__"})
        sys.exit()  # as any other Python: what is registered with atexit runs, an error is shown
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@functools.cache
def _server() -> "subprocess.Popen[str]":
    """The process that forks; it ends with this one, when its input is closed."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONPATH", None)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", SERVER], env=environment, **pipes)


def run_forked(
    arguments: list[str], folder: Path, environment: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """As ``subprocess.run([sys.executable, *arguments])``, of arguments ``-m MODULE …`` or ``-c CODE …``."""
    server = _server()
    assert server.stdin and server.stdout
    with tempfile.TemporaryDirectory() as kept:
        out, err = (Path(kept) / name for name in ("out", "err"))
        given = [str(folder), arguments, dict(environment or os.environ), str(out), str(err)]
        server.stdin.write(json.dumps(given) + "\n")
        server.stdin.flush()
        status = server.stdout.readline().strip()
        assert status, "the process that forks has ended"
        return subprocess.CompletedProcess(arguments, int(status), out.read_text(), err.read_text())


def jobs_of(text: str) -> dict[str, int]:
    """Snakemake's table ``Job stats`` of a dry run; empty where it says that there is nothing to be done."""
    lines = iter(text.splitlines())
    jobs: dict[str, int] = {}
    for line in lines:
        if line.startswith("Job stats:"):
            next(lines), next(lines)
            for row in lines:
                if row.startswith("total"):
                    return jobs
                name, count = row.split()
                jobs[name] = int(count)
    assert "Nothing to be done" in text, text
    return jobs
