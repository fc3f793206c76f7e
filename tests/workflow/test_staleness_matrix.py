"""docs/staleness.md: each key of the configuration and each package of the code, against the rules that rerun.

Keys are compared as tasks of two plans, packages by dry runs of the real workflow, so the page says what happens; the
test compares it with what is committed. Write it anew with
``LOSSBARS_WRITE_DOCS=1 pytest tests/workflow/test_staleness_matrix.py``.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lossbars.documents.plan import documents, experiment_tasks
from lossbars.experiments.kinds import KINDS
from lossbars.workflow.fingerprint import closure
from lossbars.workflow.plan import Plan
from lossbars.workflow.tasks import Task
from support.forks import jobs_of
from support.paths import CHECKOUT
from support.plans import copied
from support.workflow import ADAM, TINY, Checkout, plan

pytestmark = pytest.mark.workflow

PAGE = CHECKOUT / "docs/staleness.md"
SOURCE = CHECKOUT / "src/lossbars"

HEAD = """\
# What reruns after a change

Made by `LOSSBARS_WRITE_DOCS=1 pytest tests/workflow/test_staleness_matrix.py`, which makes each change in a checkout
with complete results and counts how many jobs of each rule would run: by the keys of the tasks after a change of the
configuration, by a dry run of Snakemake after a change of the code. The test fails where this page says something else.
The experiment has two models, `mlp` (triangles whose sides are trained) and `fixed` (triangles whose sides are the
trained curves), one block of seeds, and two figures; it is measured on the data loss, so that each weight decay may be
another. A dot means that the rule does not run. Keys of `certificates`, which are off by default, are those of another
experiment, of one model that is smooth and has a weight decay.
"""
KEYS = """
## Keys of the configuration

Keys of `minima`, `curves` and `triangles` are those of the model `mlp`, unless the key says `fixed`.
"""
PACKAGES = """
## Packages of the code

A line of code is added to every module of a package, without the packages in it. A comment, a docstring or a new layout
changes nothing (`tests/workflow/test_staleness.py`). Packages that are not named make nothing rerun.
"""

CYCLICAL = {"kind": "cyclical", "lr_max": 1.0e-2, "lr_min": 1.0e-4}
EXPERIMENT = TINY | {
    "seeds_per_job": 3,
    "objective": "data_loss",  # so that each weight decay may be changed alone
    "polish": {"passes": 2},
    "curvature": {"products": 2},
    "descents": {"passes": 2},
    "minima": ADAM | {"epochs": 2, "schedule": CYCLICAL},
    "curves": TINY["curves"] | {"points": 2, "settle": {"passes": 12, "places": 3}},
    "triangles": TINY["triangles"] | {"points": 2},
    "models": TINY["models"]
    | {"fixed": TINY["models"]["mlp"] | {"label": "fixed sides", "triangles": {"sides": "fixed"}}},
}
DECAY = {"weight_decay": 1.0e-3}
CERTIFIED = TINY | {
    "seeds_per_job": 3,
    "minima": TINY["minima"] | DECAY,
    "curves": TINY["curves"] | DECAY,
    "triangles": None,
    "models": {"mlp": {"label": "smooth", "network": {"kind": "mlp", "depth": 1, "width": 8, "activation": "tanh"}}},
    "certificates": {},
}
OTHER: dict[str, Any] = {  # where a number cannot just be changed
    "title": "Another title",
    "data": "mine.py:load",
    "augment": "crop-flip",
    "across": False,
    "groups": {"short": {}, "long": {"minima": {"epochs": 3}}},
    "more_curves": {"bezier": TINY["curves"] | {"family": {"kind": "bezier"}}},
    "more_triangles": {"long": TINY["triangles"] | {"epochs": 2}},
    "objective": "regularised",
    "polish.precision": "float32",
    "polish.gradient": 1.0e-6,
    "descents.places": "dips",
    "descents.precision": "float64",
    "preconditioner": "none",
    "settle.precision": "float32",
    "precision": "bfloat16",
    "normalise": {"mean": [0.5], "std": [0.5]},
    "micro_batch": 16,
    "device": "auto",
    "label": "another label",
    "sizes": [2, 3],
    "figures": ["barcodes", "profiles", "persistence"],
    "activation": "tanh",
    "optimiser": "sgd",
    "schedule.kind": {"kind": "garipov", "lr": 1.0e-2},
    "family.kind": "bezier",
    "sides": "fixed",
    "nesterov": True,
    "decay": 0.5,
    "momentum": 0.5,
    "clip": 5.0,
    "network.kind": {"kind": "lenet"},
    "samples": 190,
    "runtime": 77,
    "mem_mb": 7777,
    "gpu_mem_mb": 777,
}
OF_FIXED = ("minima.epochs", "curves.epochs", "triangles.epochs")


def leaves(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Places of all values in nested mappings."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*place, key))
    else:
        yield place


def changed(experiment: dict[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
    """A copy with another value there."""
    copy = copied(experiment)
    inner = copy
    for key in place[:-1]:
        inner = inner[key]
    name = ".".join(place[-2:])
    if place[-1] == "kind" and isinstance(OTHER[name], dict):  # another kind has other keys
        inner = copy
        for key in place[:-2]:
            inner = inner[key]
        inner[place[-2]] = OTHER[name]
        return copy
    old = inner[place[-1]]
    new = OTHER.get(name, OTHER.get(place[-1]))
    inner[place[-1]] = new if new is not None else old * 2 if isinstance(old, float) and old else old + 1
    assert inner[place[-1]] != old, place
    return copy


def whole_experiment() -> dict[str, Any]:
    """The experiment with every key of its recipes written out."""
    loaded = plan(**{key: value for key, value in EXPERIMENT.items() if key not in TINY or value != TINY[key]})
    return loaded.experiments["tiny"].model_dump(mode="json")


def key_changes(experiment: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Label, experiment and further settings of each changed key."""
    for place in leaves(experiment):
        label = ".".join(place).replace("models.mlp", "models.*")
        if place[-1] == "certificates":  # needs a smooth network and a weight decay: certificate_rows
            continue
        if place == ("embeddings",) or place[-2:] == (
            "curves",
            "align",
        ):  # need a larger model, a further recipe: below
            continue
        if place[:2] == ("models", "fixed") and ".".join(place[2:]) not in OF_FIXED:
            continue
        yield label, changed(experiment, place), {}
    more = copied(experiment)
    more["models"]["deep"] = copied(more["models"]["mlp"])
    more["models"]["deep"] |= {"label": "two layers", "network": {"kind": "mlp", "depth": 2, "width": 8}}
    yield "models: one more", more, {}
    embedded = copied(more)
    path = {key: value for key, value in EXPERIMENT["curves"].items() if key not in ("family", "grid", "settle")}
    embedded["embeddings"] = {
        "deeper": {"small": "mlp", "large": "deep", "descent": EXPERIMENT["minima"], "path": path}
    }
    yield "embeddings: one, in one more model", embedded, {}
    aligned = copied(experiment)
    aligned["models"]["mlp"]["more_curves"] = {"aligned": copied(TINY["curves"]) | {"align": "weights"}}
    yield "models.*.more_curves: one, aligned", aligned, {}
    for key, value in (("data_root", "elsewhere"), ("cache", "elsewhere"), ("scale", {"epochs": 0.5})):
        yield key, experiment, {key: value}


def files_of_code() -> list[Path]:
    """Modules and templates, relative to the package."""
    return [path.relative_to(SOURCE) for path in sorted(SOURCE.rglob("*")) if path.suffix in (".py", ".j2")]


def table(title: str, rows: dict[str, dict[str, int]], rules: list[str]) -> str:
    lines = [f"| {title} | " + " | ".join(rules) + " |", "|---" * (len(rules) + 1) + "|"]
    for label, counts in rows.items():
        assert set(counts) <= {*rules, "tiny"}, (label, counts)
        lines.append(f"| `{label}` | " + " | ".join(str(counts.get(rule, "·")) for rule in rules) + " |")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page, made anew."""
    checkout = Checkout.fresh(tmp_path_factory.mktemp("matrix") / "checkout", tiny=whole_experiment())
    (checkout.folder / "mine.py").write_text("def load():\n    return None\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(checkout.folder)
        keys = key_rows(checkout.experiments["tiny"]) | certificate_rows()
    checkout.run()
    assert dry_run(checkout, []) == {}
    packages = package_rows(checkout)
    rules = dict.fromkeys(rule for counts in (*keys.values(), *packages.values()) for rule in counts if rule != "tiny")
    order = [rule for rule in ORDER if rule in rules] + [rule for rule in rules if rule not in ORDER]
    return HEAD + KEYS + "\n" + table("key", keys, order) + PACKAGES + "\n" + table("package", packages, order)


def key_rows(experiment: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Changed key → rule → number of jobs whose results are new, or have another key."""
    before = tasks_of({"tiny": experiment})
    known = {path: task.key for task in before for path in task.outputs.values()}
    rows = {}
    for label, changed_one, more in key_changes(experiment):
        new = [task for task in tasks_of({"tiny": changed_one}, **more) if known.get(task.path) != task.key]
        rows[label] = dict(Counter(task.rule for task in new))
    return rows


def certificate_rows() -> dict[str, dict[str, int]]:
    """As :func:`key_rows`, of the keys of ``certificates``."""
    whole = plan(**{key: value for key, value in CERTIFIED.items() if key not in TINY or value != TINY[key]})
    stated = whole.experiments["tiny"].model_dump(mode="json")
    known = {path: task.key for task in tasks_of({"tiny": stated}) for path in task.outputs.values()}
    none = copied(stated)
    none["models"]["mlp"]["certificates"] = None
    every = {"models.*.certificates: none": none}
    for key in stated["models"]["mlp"]["certificates"]:
        place = ("models", "mlp", "certificates", key)
        every[f"models.*.certificates.{key}"] = changed(stated, place)
    return {
        label: dict(Counter(task.rule for task in tasks_of({"tiny": one}) if known.get(task.path) != task.key))
        for label, one in every.items()
    }


def tasks_of(experiments: Mapping[str, Any], **more: Any) -> list[Task]:
    """All tasks of a plan, the documents too."""
    made = Plan({"experiments": copied(experiments), **more}, KINDS)
    return [task for key in experiments for task in experiment_tasks(made, key)] + documents(made, list(experiments))


def package_rows(checkout: Checkout) -> dict[str, dict[str, int]]:
    """Package → rule → number of jobs that rerun once a line is added to each of its modules; none that run nothing.

    Packages of which no job of the experiment runs a module are changed together: where nothing reruns then, nothing
    does after one of them.
    """
    packages: dict[str, list[Path]] = {}
    for path in files_of_code():
        packages.setdefault(str(path.parent), []).append(path)
    run = modules_run(checkout.experiments)
    idle = [path for files in packages.values() if not run & set(files) for path in files]
    assert dry_run(checkout, idle) == {}
    rows = {name: dry_run(checkout, files) for name, files in packages.items() if run & set(files)}
    return {f"lossbars/{name}".removesuffix("/."): counts for name, counts in rows.items() if counts}


def dry_run(checkout: Checkout, paths: list[Path]) -> dict[str, int]:
    """What reruns after a change of these modules, which are then put back."""
    before = {}
    for path in paths:
        place = checkout.folder / "src/lossbars" / path
        line = "<!-- more -->\n" if path.suffix == ".j2" else "\n\nADDED = 1\n"
        before[place] = place.read_text()
        place.write_text(before[place] + line)
    try:
        planned = checkout.snakemake("-n", "--", *checkout.experiments)
        assert planned.returncode == 0, planned.stdout + planned.stderr
        return jobs_of(planned.stdout + planned.stderr)
    finally:
        for place, text in before.items():
            place.write_text(text)


def modules_run(experiments: Mapping[str, Any]) -> set[Path]:
    """Files of the modules that some job of the experiments runs, and templates."""
    names = set[str]().union(*(closure(task.module, task.extra_modules)[0] for task in tasks_of(experiments)))
    parts = [name.split(".")[1:] for name in names]
    files = {Path(*part).with_suffix(".py") for part in parts if part} | {Path(*part, "__init__.py") for part in parts}
    return files | {path for path in files_of_code() if path.suffix == ".j2"}


ORDER = [
    "dataset",
    "minima",
    "curvature",
    "curves",
    "descents",
    "certificates",
    "triangles",
    "complex",
    "barcode",
    "robustness",
    "gather",
    "figure",
    "claims",
]


def test_the_page_says_what_happens(matrix: str) -> None:
    if os.environ.get("LOSSBARS_WRITE_DOCS"):
        PAGE.write_text(matrix)
    committed = PAGE.read_text() if PAGE.exists() else ""
    differences = set(matrix.splitlines()) ^ set(committed.splitlines())
    assert matrix == committed, "docs/staleness.md is to be written anew: " + "\n".join(sorted(differences))
