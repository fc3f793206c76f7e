"""Pythons by the dozen: forks of a process that has loaded the libraries, which saves seconds of imports each.

Snakemake runs in forks, and so do its jobs: they start ``python``, and find a stand-in for it. A fork loads
``lossbars`` itself, from the checkout that it runs. The jobs of a run on SLURM are plain processes, and so are those of
``Checkout.snakemake(…, forks=False)``.
"""

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
OF_SNAKEMAKE = (
    *("pandas", "pydantic", "snakemake.cli", "snakemake.dag", "snakemake.executors.local", "snakemake.persistence"),
    *("snakemake.scheduling.job_scheduler", "snakemake.scheduling.milp", "snakemake.workflow", "yaml"),
)
OF_JOBS = (
    *("gudhi", "jinja2", "numba", "pandas", "psutil", "pyarrow.parquet", "pydantic", "safetensors.torch", "yaml"),
    *("matplotlib.backends.backend_pdf", "matplotlib.backends.backend_svg", "matplotlib.figure", "torch"),
    *("scipy.optimize", "scipy.sparse.linalg", "scipy.spatial", "scipy.stats", "sklearn.datasets", "threadpoolctl"),
)
STAND_IN = """\
#!/bin/sh
case "$1 $2" in
"-m lossbars.workflow.run") exec {python} -IS {client} {address} "$@" ;;
*) exec {python} "$@" ;;
esac
"""


@functools.cache
def _server(modules: tuple[str, ...]) -> Path:
    """The socket of a process that forks; it ends with this one, when its input is closed."""
    folder = Path(tempfile.mkdtemp(prefix="lossbars-forks-"))
    environment = os.environ | {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS", "NUMBA")}
    environment.pop("PYTHONPATH", None)
    command = [sys.executable, str(HERE / "fork_server.py"), str(folder / "socket"), *modules]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    server = subprocess.Popen(command, env=environment, **pipes)
    atexit.register(_stop, server, folder)
    assert server.stdout and server.stdout.readline() == "ready\n", "the process that forks did not start"
    return folder / "socket"


def _stop(server: "subprocess.Popen[str]", folder: Path) -> None:
    server.communicate()
    shutil.rmtree(folder)


def run_forked(
    arguments: list[str], folder: Path, environment: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """As ``subprocess.run([sys.executable, *arguments])``, of arguments ``-m MODULE …`` or ``-c CODE …``."""
    command = [sys.executable, "-IS", str(HERE / "fork_client.py"), str(_server(OF_SNAKEMAKE)), *arguments]
    pipes = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True}
    return subprocess.run(command, cwd=folder, env=environment, check=False, **pipes)


@functools.cache
def python_of_jobs() -> Path:
    """A folder with a stand-in for ``python``, which runs the jobs of Snakemake in forks."""
    address = _server(OF_JOBS)
    script = address.with_name("python")
    script.write_text(STAND_IN.format(python=sys.executable, client=HERE / "fork_client.py", address=address))
    script.chmod(0o755)
    return address.parent


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
