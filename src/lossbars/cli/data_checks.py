"""Checks of the data sets: made, on disk, or to be had from the network."""

import os
import urllib.request
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from lossbars.cli.finding import Finding, fail, ok, warn
from lossbars.datasets.specs import DATASETS, TextData, module_of
from lossbars.user_files import split_source
from lossbars.workflow.data_sets import data_key, data_of, dataset_task
from lossbars.workflow.plan import Plan
from lossbars.workflow.validity import condition

DOWNLOADS = Path("results/datasets/downloads")
SECONDS = 10  # that a server may take to answer


def data_checks(plan: Plan, experiments: Sequence[str]) -> Iterator[Finding]:
    """A finding for each data set of the experiments, and for the folders that the configuration names."""
    if (root := plan.data_root) and not Path(root).is_dir():
        yield warn(f"data_root {root} is no folder", "data sets will be downloaded: mend data_root, or set it to null")
    if plan.cache:
        yield _cache(Path(plan.cache))
    with_data = [key for key in experiments if plan.experiments[key].data_set]
    sharing = {data_key(plan, key): key for key in with_data}  # one of the experiments on each data set
    for key in sharing.values():
        task, name = dataset_task(plan, key), data_of(plan, key)
        path = Path(task.path)
        if condition(path, task.key) is None:
            yield ok(f"data set {name.title if isinstance(name, TextData) else name}: {path}")
        else:
            yield _source(name, plan.data_root)


def _cache(folder: Path) -> Finding:
    """The shared cache is made at need, in a folder that must be there."""
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        return ok(f"cache {folder}: " + ("there" if place == folder else "will be made"))
    return fail(f"cache {folder}: {place} cannot be written to", "name another folder as cache, or set it to null")


def _text(data: TextData, root: Path | None) -> Finding:
    from lossbars.datasets.text import missing_text, text_files  # takes seconds to load

    if problem := missing_text(data, root):
        what, advice = problem
        return fail(f"data set {what}", advice)
    files = text_files(data, root)
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return ok(f"data set {data.title}: {files[0]}{more}")


def _placed(name: str, needs: Sequence[str], root: Path | None) -> Finding:
    """Of a data set whose files are never downloaded."""
    if problem := import_module(module_of(name)).missing(root):  # takes seconds to load
        what, advice = problem
        return fail(f"data set {what}", advice)
    return ok(f"data set {name}: files in {((root or Path()) / needs[0]).parent}")


def _source(name: str | TextData, data_root: str | None) -> Finding:
    root = Path(data_root) if data_root else None
    if isinstance(name, TextData):
        return _text(name, root)
    if name not in DATASETS:  # the configuration was checked: the file is there and defines the function
        return ok(f"data set {name}: will be read by {split_source(name, 'data')[0]}")
    if needs := DATASETS[name].needs:
        return _placed(name, needs, root)
    if package := DATASETS[name].comes_with:
        return ok(f"data set {name}: comes with {package}")
    from lossbars.datasets.files import files_of  # takes seconds to load

    sources = files_of(name)
    folder = sources.folder(root) or sources.folder(DOWNLOADS)
    if folder:
        return ok(f"data set {name}: files in {folder}")
    if answers(sources.addresses):
        return ok(f"data set {name}: will be downloaded to {DOWNLOADS}")
    wanted = sources.place(data_root or "DATA_ROOT")
    looked = f"not in {wanted}" if root else "no data_root is set"
    return fail(
        f"data set {name}: {looked}, and no server that has it answers",
        f"put {sources.called} into {wanted} and set data_root in config.yaml",
    )


def answers(addresses: Sequence[str]) -> bool:
    """Whether one of these can be fetched; asks for heads alone."""
    for address in addresses:
        try:
            with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=SECONDS):
                return True
        except (OSError, ValueError):
            continue
    return False
