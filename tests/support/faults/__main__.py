"""The fault campaign: python -m support.faults --folder FOLDER [--seed N] [--only WORD] [--list]

Needs the SLURM of tests/support/slurm, started and otherwise idle, and root. Goes on where it was broken off.
"""

import argparse
import json
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from random import Random

from support.faults import outcome
from support.faults.catalogue import CLUSTER, FAULTS
from support.faults.files import unmount
from support.faults.outcome import Outcome
from support.faults.scene import Scene
from support.faults.small import PARTS, STATES, NotReached, Run, copied, prepare
from support.faults.table import write_table
from support.slurm import cluster

TRIES = 3  # a training may be over before the fault comes


def strike(number: int, seed: int, folder: Path, undisturbed: dict[str, bytes]) -> Outcome:
    """One fault, and the plain run after it."""
    begin = time.monotonic()
    scene = _disturbed(number, seed, folder, undisturbed)
    status = scene.run.process.wait() if scene.run.process else None
    _idle(scene.run.folder)
    end = scene.run.log.stat().st_size if scene.run.log.exists() else 0
    scene.run.start()
    again = scene.run.wait()
    found = outcome.begun(scene)
    wrong = outcome.different(scene.run, undisturbed)
    made = Outcome(
        number=number,
        seed=seed,
        fault=FAULTS[number - 1].name,
        where="; ".join(scene.told),
        happened=outcome.happened(scene, status),
        rerun=outcome.rerun(scene.run, again, scene.run.log.read_text(errors="replace")[end:]),
        identical=not wrong,
        gone_on=outcome.gone_on(scene, found),
        repeated=outcome.repeated(scene, found),
        seconds=round(time.monotonic() - begin),
        different=wrong,
    )
    if made.good:
        _remove(scene.run.folder)
    return made


def _disturbed(number: int, seed: int, folder: Path, undisturbed: dict[str, bytes]) -> Scene:
    """A run that the fault was put into; one that was over before is begun anew. Raises NotReached."""
    fault, random, here = FAULTS[number - 1], Random(f"{seed} {number}"), folder / f"fault-{number}"
    for left in reversed(range(TRIES)):
        _remove(here)
        copied(folder / fault.begins, here)
        scene = Scene(Run(here), random, fault.kind, random.choice(PARTS[fault.kind]), undisturbed)
        try:
            fault.inject(scene)
            return scene
        except NotReached as error:
            print(f"{number}: {error}", flush=True)
            _quiet(scene.run)
            if not left:
                raise
    raise AssertionError("unreachable")


def _idle(folder: Path) -> None:
    """SLURM is whole again, and runs nothing of this folder."""
    for daemon in cluster.DAEMONS:
        cluster.up(daemon)
    cluster.wait_for(cluster.running, "the node is there", 180)
    cluster.wait_for(lambda: not cluster.jobs_of(folder), "no job is left", 180)


def _quiet(run: Run) -> None:
    """End a run that the fault missed."""
    if not run.ended():
        run.process.kill()  # type: ignore[union-attr]
        run.wait()
    cluster.quietly("scancel", *cluster.jobs_of(run.folder))
    _idle(run.folder)


def _remove(folder: Path) -> None:
    unmount(folder)
    shutil.rmtree(folder, ignore_errors=True)


def campaign(folder: Path, seed: int, workers: int, numbers: list[int]) -> Path:
    """Strike with these faults, but for those whose outcome is known; the file of all outcomes."""
    if not (folder / STATES[-1]).is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        print(f"undisturbed run: {prepare(folder):.0f} s", flush=True)
    undisturbed = Run(folder / STATES[-1]).artefacts()
    results = folder / "faults.jsonl"
    known = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    todo = [number for number in numbers if (number, seed) not in {(one["number"], one["seed"]) for one in known}]

    def one(number: int) -> None:
        made = strike(number, seed, folder, undisturbed)
        with results.open("a") as file:
            file.write(json.dumps(asdict(made)) + "\n")
        print(f"{'good' if made.good else 'BAD'}: {asdict(made)}", flush=True)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, [number for number in todo if FAULTS[number - 1] not in CLUSTER]))
    for number in todo:
        if FAULTS[number - 1] in CLUSTER:
            one(number)
    return results


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("faults"), help="where runs and results go")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="faults whose name has this word, or numbers: 3,7")
    parser.add_argument("--workers", type=int, default=1, help="runs that are disturbed at a time")
    parser.add_argument("--table", type=Path, help="write the table of all results here")
    parser.add_argument("--list", action="store_true", help="name the faults, and do nothing")
    given = parser.parse_args()
    numbers = {int(word) for word in given.only.split(",") if word.isdigit()}
    chosen = [n for n, fault in enumerate(FAULTS, 1) if (n in numbers if numbers else given.only in fault.name)]
    if given.list:
        print("\n".join(f"{number} {FAULTS[number - 1].name} ({FAULTS[number - 1].kind})" for number in chosen))
        return
    if os.geteuid() != 0 or not cluster.running():
        sys.exit("start the SLURM of the tests first, as root: python3 tests/support/slurm/cluster.py start --cpus 4")
    results = campaign(given.folder.resolve(), given.seed, given.workers, chosen)
    if given.table:
        write_table(given.table, results)


if __name__ == "__main__":
    main()
