"""The rules of networks, and the tasks of one model. Loads no torch."""

from collections.abc import Iterator, Sequence
from typing import Any

from lossbars.experiments.networks import settings
from lossbars.experiments.networks.config import Experiment
from lossbars.experiments.networks.model import Model
from lossbars.recipes import Paths, Strings, Triangles
from lossbars.workflow.blocks import base, block_pairs, blocks, groups_of, parts
from lossbars.workflow.plan import Plan
from lossbars.workflow.tasks import Output, Rule, Task, files

ROOM = "lossbars.experiments.networks"


def _trained(name: str, folder: str, priority: int) -> Rule:
    path = f"{{experiment}}/{{model}}/{folder}/{{part}}"
    outputs = {"tensors": f"{path}.safetensors", "table": f"{path}.parquet"}
    return Rule(name, f"{ROOM}.steps.{name}", outputs, priority=priority)


MINIMA = _trained("minima", "minima", 2)
CURVES = _trained("curves", "{curves}", 1)
TRIANGLES = _trained("triangles", "{triangles}", 0)
CURVATURE = Rule(
    "curvature",
    f"{ROOM}.steps.curvature",
    {"table": "{experiment}/{model}/curvature/{part}.parquet", "records": "{experiment}/{model}/curvature/{part}.json"},
)
DESCENTS = Rule(
    "descents",
    f"{ROOM}.steps.descents",
    {
        "tensors": "{experiment}/{model}/descents.safetensors",
        "table": "{experiment}/{model}/descents.parquet",
        "pieces": "{experiment}/{model}/pieces.parquet",
    },
)
CERTIFICATES = Rule(
    "certificates",
    f"{ROOM}.steps.certificates",
    {
        "tensors": "{experiment}/{model}/certificates.safetensors",
        "table": "{experiment}/{model}/certificates.parquet",
        "saddles": "{experiment}/{model}/saddles.parquet",
        "joins": "{experiment}/{model}/joins.parquet",
    },
)
COMPLEX = Rule("complex", f"{ROOM}.steps.complex", {"records": "{experiment}/{model}/complex.json"})
BARCODE = Rule("barcode", f"{ROOM}.steps.barcode", {"records": "{experiment}/{model}/barcode.json"})
ROBUSTNESS = Rule(
    "robustness", f"{ROOM}.steps.robustness", {"table": "{experiment}/{model}/robustness.parquet"}, on_demand=True
)
CORNERS = {"minima": 1, "curves": 2, "triangles": 3}  # minima that a job's simplices lie between
CURVE_STEPS: dict[type, str] = {
    Paths: f"{ROOM}.steps.paths",
    Strings: f"{ROOM}.steps.string_curves",
}  # other curves: CURVES.module
PERMUTATIONS = "lossbars.symmetry.permutations"
ALIGNMENT_MODULES = ("lossbars.symmetry.alignment", PERMUTATIONS)


def model_tasks(plan: Plan, experiment: str, key: str, data: Task) -> Iterator[Task]:
    """What is trained for a model, by every recipe; the complex of it, its barcodes, and those of subsets of minima."""
    config: Experiment = plan.experiments[experiment]  # type: ignore[assignment]
    model: Model = config.models[key]
    place = {"experiment": experiment, "model": key}
    trained: dict[str, dict[str, Task]] = {}  # kind → part → task
    names = blocks(config.seeds, config.seeds_per_job, max(1, len(model.groups)))
    for kind in model.kinds:
        trained[kind] = {}
        for part in parts(names, CORNERS[base(kind)], config.across):
            task = _training(plan, experiment, key, kind, part, data, trained)
            trained[kind][part] = task
            yield task
    for minima in trained["minima"].values() if model.curvature else ():
        yield _curvature(plan, minima, data)
    every = [task for tasks in trained.values() for task in tasks.values()]
    of_rule = {rule.name: [task for task in every if task.rule == rule.name] for rule in (MINIMA, CURVES, TRIANGLES)}
    reads = {name: files(tasks, "table") for name, tasks in of_rule.items()}
    descents = [_descents(plan, experiment, key, data, trained)] if config.descents(key) else []
    yield from descents
    if descents:
        reads |= {"found": files(descents, "table"), "pieces": files(descents, "pieces")}
    if model.certificates:
        certificates = _certificates(plan, experiment, key, data, trained, descents)
        yield certificates
        reads |= {"certified": files([certificates], "table"), "joins": files([certificates], "joins")}
    complex_ = COMPLEX.task(plan, settings.ComplexSettings(aligned=model.aligned), reads, **place)
    yield complex_
    yield BARCODE.task(plan, None, {"complex": [complex_["records"]]}, **place)
    if config.robustness:
        subsets = settings.RobustnessSettings(robustness=config.robustness)
        yield ROBUSTNESS.task(plan, subsets, {"complex": [complex_["records"]]}, **place)


def _training(
    plan: Plan, experiment: str, key: str, kind: str, part: str, data: Task, trained: dict[str, dict[str, Task]]
) -> Task:
    """The training of one part, a block of seeds or the blocks of a pair or a triple, by one recipe of a model."""
    config: Experiment = plan.experiments[experiment]  # type: ignore[assignment]
    model: Model = config.models[key]
    descent = model.descent(kind, groups_of(part))
    extra_modules = (model.network.module, *(ALIGNMENT_MODULES if kind in model.aligned else ()))
    place: dict[str, Any] = {
        "experiment": experiment,
        "model": key,
        "part": part,
        "recipe": kind,
        "extra_modules": extra_modules,
    }
    common = (plan, experiment, model.network)
    measured_on = config.weight_decay(key)
    reads: dict[str, Sequence[Output]] = {"data": [data["tensors"]]}
    if base(kind) == "minima":
        polish = model.polish_of(groups_of(part))
        of_minima = settings.MinimaSettings.of(*common, weight_decay=measured_on, minima=descent, polish=polish)
        return MINIMA.task(plan, of_minima, reads, **place)
    names = part.split("+")
    reads["minima"] = files([trained["minima"][name] for name in dict.fromkeys(names)], "tensors")
    if isinstance(descent, Triangles):
        if descent.sides == "fixed":
            reads["curves"] = files(_sides(names, trained["curves"]), "tensors")
        made = settings.TrianglesSettings.of(*common, weight_decay=measured_on, triangles=descent)
        return TRIANGLES.task(plan, made, reads, triangles=kind, **place)
    family: Any = type(descent)
    of_family = settings.CurvesSettings[family].of(*common, weight_decay=measured_on, curves=descent)
    return CURVES.task(plan, of_family, reads, module=CURVE_STEPS.get(family, ""), curves=kind, **place)


def _curvature(plan: Plan, minima: Task, data: Task) -> Task:
    """The curvature of the objective at the minima of one block."""
    config: Experiment = plan.experiments[minima.experiment]  # type: ignore[assignment]
    model: Model = config.models[minima.model]
    of_curvature = settings.CurvatureSettings.of(
        plan,
        minima.experiment,
        model.network,
        weight_decay=config.weight_decay(minima.model),
        batch_size=model.descent("minima", groups_of(minima.part)).batch_size,
        curvature=model.curvature,
    )
    return CURVATURE.task(
        plan,
        of_curvature,
        {"data": [data["tensors"]], "minima": [minima["tensors"]]},
        experiment=minima.experiment,
        model=minima.model,
        part=minima.part,
        extra_modules=(model.network.module, PERMUTATIONS),
    )


def _descents(plan: Plan, experiment: str, key: str, data: Task, trained: dict[str, dict[str, Task]]) -> Task:
    """The descents from places on all curves of a model between minima as they are."""
    config: Experiment = plan.experiments[experiment]  # type: ignore[assignment]
    model: Model = config.models[key]
    given = _of_curves(config, key) | {"descents": config.descents(key)}
    of_descents = settings.DescentsSettings.of(plan, experiment, model.network, **given)
    place: dict[str, Any] = {"experiment": experiment, "model": key}
    reads = _minima_and_curves(model, data, trained)
    return DESCENTS.task(plan, of_descents, reads, extra_modules=(model.network.module,), **place)


def _certificates(
    plan: Plan,
    experiment: str,
    key: str,
    data: Task,
    trained: dict[str, dict[str, Task]],
    descents: Sequence[Task],
) -> Task:
    """The saddles between the minima of a model, given and found by descents."""
    config: Experiment = plan.experiments[experiment]  # type: ignore[assignment]
    model: Model = config.models[key]
    given = _of_curves(config, key) | {"certificates": model.certificates}
    of_certificates = settings.CertificatesSettings.of(plan, experiment, model.network, **given)
    place: dict[str, Any] = {"experiment": experiment, "model": key}
    reads = _minima_and_curves(model, data, trained) | ({"found": files(descents, "tensors")} if descents else {})
    return CERTIFICATES.task(plan, of_certificates, reads, extra_modules=(model.network.module,), **place)


def _of_curves(config: Experiment, key: str) -> dict[str, Any]:
    """Settings of a job that reads the curves of a model."""
    return {"weight_decay": config.weight_decay(key), "batch_size": config.models[key].curves.batch_size}


def _minima_and_curves(model: Model, data: Task, trained: dict[str, dict[str, Task]]) -> dict[str, Sequence[Output]]:
    """The data, all minima of a model, and all its curves between minima as they are, with the loss along them."""
    kinds = [kind for kind in trained if base(kind) == "curves" and kind not in model.aligned]
    curves = [task for kind in kinds for task in trained[kind].values()]
    return {
        "data": [data["tensors"]],
        "minima": files(list(trained["minima"].values()), "tensors"),
        "curves": files(curves, "tensors"),
        "profiles": files(curves, "table"),
    }


def _sides(names: Sequence[str], curves: dict[str, Task]) -> list[Task]:
    """The blocks of curves that hold the sides of the triangles between three blocks of minima."""
    one, two, three = names
    pairs = dict.fromkeys((a, b) for a, b in ((one, two), (one, three), (two, three)) if block_pairs(a, b))
    return [curves[f"{a}+{b}"] for a, b in pairs]
