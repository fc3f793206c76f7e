"""Install, start and stop a one-node SLURM with accounting and stand-in GPUs; root, no systemd, no cgroups.

    python3 tests/support/slurm/cluster.py install | start [--gpus N] [--cpus N] | stop

Needs Debian or a distribution made from it, and the standard library alone.
"""

import argparse
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PACKAGES = [
    "munge",
    "slurmctld",
    "slurmd",
    "slurmdbd",
    "slurm-client",
    "slurm-wlm-basic-plugins",
    "mariadb-server",
    "procps",
]
HERE = Path(__file__).resolve().parent
STATE = Path("/var/spool/lossbars-slurm")
CONFIGURATION = Path("/etc/slurm")
FILES = ("slurm.conf", "slurmdbd.conf", "gres.conf", "cgroup.conf")
DATABASE_SOCKET = Path("/run/mysqld/mysqld.sock")
MARK = "Written by lossbars' tests"
MEMORY_SHARE = 0.9  # of the machine's memory, given to jobs
DAEMONS = ("slurmdbd", "slurmctld", "slurmd")
TABLES = """
create database if not exists slurm_acct_db;
create user if not exists slurm@localhost identified by 'slurm';
grant all on slurm_acct_db.* to slurm@localhost;
"""


class ClusterError(RuntimeError):
    """SLURM cannot be installed, started or stopped here; the message says why."""


def install() -> None:
    """Install Debian's packages. Raises ClusterError."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *PACKAGES]):
        run("apt-get", "-o", "DPkg::Lock::Timeout=300", *command, environment=environment)


def start(gpus: int = 2, cpus: int | None = None) -> None:
    """Start all daemons and wait for an idle node; ``cpus`` may be more than there are. Raises ClusterError."""
    missing = [name for name in (*DAEMONS, "munged", "mariadbd", "sacct") if shutil.which(name) is None]
    if missing:
        raise ClusterError(f"{', '.join(missing)} not found: run `python3 tests/support/slurm/cluster.py install`")
    for name in ("ctld", "d", "run", "log"):
        (STATE / name).mkdir(parents=True, exist_ok=True)
    _configure(gpus, cpus or os.cpu_count() or 1)
    _start_munge()
    _start_database()
    up("slurmdbd")
    wait_for(lambda: quietly("sacctmgr", "-n", "list", "cluster"), "slurmdbd answers")
    for entity in (
        ["cluster", "lossbars"],
        ["account", "tests", "cluster=lossbars"],
        ["user", "root", "account=tests"],
    ):
        quietly("sacctmgr", "-i", "add", *entity)
    up("slurmctld")
    up("slurmd")
    wait_for(lambda: node_state() == "idle", "the node is idle")


def stop() -> None:
    """End all jobs and daemons, and forget the state; what never ran is no error."""
    if quietly("scancel", "--user", "root"):
        wait_for(lambda: not output("squeue", "-h"), "no job is left", seconds=30)
    for daemon in reversed(DAEMONS):
        down(daemon)
    if DATABASE_SOCKET.exists():
        quietly("mysql", "-e", "drop database if exists slurm_acct_db")
        quietly("mysqladmin", "shutdown")
    munge = Path("/run/munge/munged.pid")
    if munge.exists():
        _end(munge, signal.SIGTERM)
    shutil.rmtree(STATE, ignore_errors=True)
    _forget_configuration()


def up(daemon: str) -> None:
    """Start one of SLURM's daemons, unless it runs."""
    if not alive(daemon):
        run(daemon)
        wait_for(lambda: alive(daemon), f"{daemon} runs")


def down(daemon: str, how: signal.Signals = signal.SIGTERM) -> None:
    """Stop one of SLURM's daemons; jobs that run go on."""
    if alive(daemon):
        _end(pid_file(daemon), how)


def alive(daemon: str) -> bool:
    """Whether one of SLURM's daemons runs."""
    return _alive(_pid(pid_file(daemon)))


def running() -> bool:
    """Whether the cluster that this module starts is up."""
    return all(alive(daemon) for daemon in DAEMONS) and node_state() in ("idle", "mixed", "allocated", "completing")


def gpus() -> int:
    """How many GPUs the cluster has."""
    return int(output("sinfo", "-h", "-p", "gpu", "-o", "%G").split("(")[0].split(":")[-1])


def jobs_of(folder: Path) -> list[str]:
    """Numbers of the jobs of a folder that wait or run."""
    rows = (line.split() for line in output("squeue", "--noheader", "--Format=JobID:20,WorkDir:500").splitlines())
    return [number for number, where in rows if Path(where) == folder]


def node_state() -> str:
    """What SLURM says of the node: idle, mixed, down, …"""
    return output("sinfo", "-h", "-o", "%T", "-p", "cpu")


# Parts -------------------------------------------------------------------------------------------


def _configure(gpus: int, cpus: int) -> None:
    current = CONFIGURATION / "slurm.conf"
    if current.exists() and MARK not in current.read_text():
        raise ClusterError(f"{current} is another cluster's: this machine has a SLURM already, which is left alone")
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    values = {
        "mark": MARK,
        "host": socket.gethostname().split(".")[0],
        "state": STATE,
        "cpus": cpus,
        "gpus": gpus,
        "memory": int(MEMORY_SHARE * pages / 2**20),
    }
    for name in ("slurm.conf", "slurmdbd.conf"):
        (CONFIGURATION / name).write_text((HERE / name).read_text().format(**values))
    (CONFIGURATION / "slurmdbd.conf").chmod(0o600)  # slurmdbd does not start otherwise
    devices = [STATE / f"gpu{i}" for i in range(gpus)]  # SLURM drops a GPU without a file
    for device in devices:
        _make_device(device)
    lines = [f"NodeName={values['host']} Name=gpu File={device}\n" for device in devices]
    (CONFIGURATION / "gres.conf").write_text("".join(lines))
    (CONFIGURATION / "cgroup.conf").write_text("CgroupAutomount=no\n")


def _forget_configuration() -> None:
    """Remove our configuration: with one, but no daemons, each start of Snakemake waits ten seconds for SLURM."""
    main = CONFIGURATION / "slurm.conf"
    if main.exists() and MARK in main.read_text():
        for name in FILES:
            (CONFIGURATION / name).unlink(missing_ok=True)


def _make_device(path: Path) -> None:
    """Stand-in of a GPU's file; a container may forbid devices, and SLURM takes a plain file, with less to see."""
    path.unlink(missing_ok=True)
    try:
        os.mknod(path, 0o666 | stat.S_IFCHR, Path("/dev/null").stat().st_rdev)
    except PermissionError:
        path.touch()


def _start_munge() -> None:
    key = Path("/etc/munge/munge.key")
    if not key.exists():
        run("mungekey", "--create")
    run("chown", "munge:", str(key))
    run("install", "-d", "-o", "munge", "-g", "munge", "-m", "755", "/run/munge")
    if not quietly("munge", "-n"):
        run("runuser", "-u", "munge", "--", shutil.which("munged") or "munged")
    wait_for(lambda: quietly("munge", "-n"), "munge answers")


def _start_database() -> None:
    if not quietly("mysqladmin", "ping"):
        run("install", "-d", "-o", "mysql", "-g", "mysql", str(DATABASE_SOCKET.parent))
        command = ["setsid", "--fork", "mariadbd", "--user=mysql", "--skip-networking", f"--socket={DATABASE_SOCKET}"]
        with (STATE / "log" / "mariadbd.log").open("ab") as log:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)
        wait_for(lambda: quietly("mysqladmin", "ping"), "MariaDB answers")
    run("mysql", "-e", TABLES)


# Processes ---------------------------------------------------------------------------------------


def run(*command: str, environment: dict[str, str] | None = None) -> None:
    """Run a command. Raises ClusterError with what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise ClusterError(f"`{' '.join(command)}` failed: {(done.stderr or done.stdout).strip()[-500:]}")


def quietly(*command: str) -> bool:
    """Whether a command succeeds."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def output(*command: str) -> str:
    """What a command writes; empty where it fails."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def wait_for(true: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait until ``true()``. Raises ClusterError with the ends of the daemons' logs."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            logs = [f"{path.name}: {path.read_text()[-400:]}" for path in sorted((STATE / "log").glob("*.log"))]
            raise ClusterError("\n".join([f"not within {seconds:g} s: {what}", *logs]))
        time.sleep(0.2)


def pid_file(daemon: str) -> Path:
    """Where a daemon leaves its process's number."""
    return STATE / "run" / f"{daemon}.pid"


def _pid(file: Path) -> int | None:
    text = file.read_text().strip() if file.exists() else ""
    return int(text) if text else None


def _alive(pid: int | None) -> bool:
    """Whether a process is there and not a zombie, which nothing may reap in a container."""
    status = Path(f"/proc/{pid}/stat")
    return pid is not None and status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def _end(file: Path, how: signal.Signals) -> None:
    pid = _pid(file)
    if pid is not None and _alive(pid):
        os.kill(pid, how)
        wait_for(lambda: not _alive(pid), f"process {pid} of {file.name} ends", seconds=30)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=["install", "start", "stop"])
    parser.add_argument("--gpus", type=int, default=2, help="stand-in GPUs")
    parser.add_argument("--cpus", type=int, help="cores that SLURM believes in; this machine's by default")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("a SLURM for tests is set up by root: install it by hand, or leave its tests out")
    try:
        if arguments.verb == "start":
            start(arguments.gpus, arguments.cpus)
        else:
            {"install": install, "stop": stop}[arguments.verb]()
    except ClusterError as error:
        sys.exit(f"cluster: {error}")


if __name__ == "__main__":
    main()
