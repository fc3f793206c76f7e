"""Networks: minima, curves and triangles between them, and their barcodes (Barannikov et al. 2022). Loads no torch."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lossbars.experiments.networks import costs, settings
from lossbars.experiments.networks.config import Experiment
from lossbars.experiments.networks.embeddings.plan import EMBEDDING, embedding_task
from lossbars.experiments.networks.plan import (
    ALIGNMENT_MODULES,
    BARCODE,
    CERTIFICATES,
    COMPLEX,
    CURVATURE,
    CURVE_STEPS,
    CURVES,
    DESCENTS,
    MINIMA,
    ROBUSTNESS,
    ROOM,
    TRIANGLES,
    model_tasks,
)
from lossbars.recipes import Paths
from lossbars.workflow.common_rules import gather
from lossbars.workflow.data_sets import dataset_task
from lossbars.workflow.kind import FigureKind, Kind, Source, reading, titled
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import Request
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.tasks import Inputs, Task, files


def _is_aligned(task: Task) -> bool:
    """Whether a task trains curves whose ends are matched by a permutation of units."""
    return isinstance(task.settings, settings.CurvesSettings) and task.settings.curves.align != "none"


def _is_plain(task: Task) -> bool:
    """Whether a task trains curves between minima as they are."""
    return not _is_aligned(task)


OF_BARS = ("gather", "table", lambda task: Path(task.path).stem == "barcodes")
OF_MINIMA, OF_TRIANGLES = (MINIMA.name, "table"), (TRIANGLES.name, "table")
OF_CURVES = (CURVES.name, "table")
OF_PLAIN_CURVES, OF_ALIGNED_CURVES = (CURVES.name, "table", _is_plain), (CURVES.name, "table", _is_aligned)
OF_PATHS = (CURVES.name, "tensors", lambda task: task.module == CURVE_STEPS[Paths])
OF_ROBUSTNESS, OF_EMBEDDINGS = (ROBUSTNESS.name, "table"), (EMBEDDING.name, "table")


def figure(name: str, caption: str, make: Callable[..., FigureSettings] = titled, **options: Source) -> FigureKind:
    """A figure of module ``name`` in this room, which reads the table of bars and ``options``."""
    return FigureKind(f"{ROOM}.{name}", reading(bars=OF_BARS, **options), caption, make)


class NetworksKind(Kind):
    """Several networks on one data set."""

    name = "networks"
    config = Experiment
    rules = (MINIMA, CURVATURE, CURVES, DESCENTS, CERTIFICATES, TRIANGLES, COMPLEX, BARCODE, ROBUSTNESS, EMBEDDING)
    figures = {
        "barcodes": figure(
            "figures.barcodes",
            "Barcodes of the given minima: a bar for each, from its loss up to the height at which a direct curve can "
            "reach something lower. The arrow is the half-line of the lowest minimum. An open end has not converged.",
            settings.with_groups,
        ),
        "to-score": figure(
            "figures.to_score",
            "TO-score of each network: the longest finite bar of the direct barcode of the given minima, over √2, with "
            "its standard error over the sample of minima where barcodes of subsets were asked for.",
            robustness=OF_ROBUSTNESS,
        ),
        "profiles": figure(
            "figures.profiles",
            "Loss along the optimised curves between all pairs of minima, beside the straight segments.",
            curves=OF_PLAIN_CURVES,
        ),
        "optimisers": figure(
            "figures.optimisers",
            "Deaths of the direct bars of the given minima, by the curves of each of several recipes, side by side.",
            settings.with_recipes,
            curves=OF_CURVES,
        ),
        "modulo": figure(
            "figures.modulo",
            "Barcodes of the given minima, as they are and modulo permutations of units; and the largest loss on the "
            "straight segments between two minima, and between one and a copy of the other whose units are permuted "
            "to match.",
            curves=OF_PLAIN_CURVES,
            aligned=OF_ALIGNED_CURVES,
        ),
        "path-norms": figure(
            "figures.path_norms",
            "How paths settle: norms of the two parts of the gradient at their moving points, epoch by epoch.",
            settings.with_recipes,
            paths=OF_PATHS,
        ),
        "triangle": figure(
            "figures.triangle",
            "Loss on one optimised seven-point triangle of each network. Its 1-saddle bar reaches from the "
            "maximum on the sides to the maximum on the whole triangle.",
            settings.with_recipes,
            triangles=OF_TRIANGLES,
        ),
        "robustness": figure(
            "figures.robustness",
            "Error bars on bars of the given minima: how deaths and births vary when only a subset of these is known.",
            robustness=OF_ROBUSTNESS,
        ),
        "persistence": figure(
            "figures.persistence",
            "Persistence diagrams of the merged barcodes of the given minima: every bar as a point, its death "
            "above its birth.",
        ),
        "embeddings": figure(
            "embeddings.figure",
            "Penalties of minima, against the maxima of paths between what they descend to in a larger network.",
            settings.of_embeddings,
            embeddings=OF_EMBEDDINGS,
        ),
        "complexity": figure(
            "figures.complexity",
            "Barcodes of the given minima of each network, with the mean test error of its minima.",
            settings.with_networks,
            minima=OF_MINIMA,
        ),
        "one-saddles": figure(
            "figures.one_saddles",
            "1-saddle barcodes of the given minima: loops of curves, up to the height of the triangles that fill them.",
            settings.of_triangles,
        ),
        "string-bridge": figure(
            "figures.string_bridge",
            "Strings and curves between the same minima: heights of each pair, and the bars of the given "
            "minima by both.",
            settings.with_strings,
            curves=OF_PLAIN_CURVES,
        ),
        "closed": figure(
            "figures.closed",
            "Merged barcodes of the given minima, and closed: with the minima that descents from curves found.",
        ),
        "certified": figure(
            "figures.certified",
            "Merged barcodes by curves, and by certified saddles: of the given minima, and closed.",
        ),
        "components": figure(
            "figures.components",
            "Merged barcodes of the given minima, and beside them N(λ): how many connected components the set of all "
            "places with a loss of at most λ has, as far as these minima tell.",
        ),
    }
    claims_module = f"{ROOM}.claims.catalogue"

    def tasks(self, plan: Plan, experiment: str) -> Iterator[Task]:
        """What is trained, the complex and the barcodes of each model; the table of all bars; the embeddings."""
        config: Experiment = plan.experiments[experiment]  # type: ignore[assignment]
        data = dataset_task(plan, experiment)
        yield data
        of_models: dict[str, list[Task]] = {}
        for key in config.models:
            of_models[key] = list(model_tasks(plan, experiment, key, data))
            yield from of_models[key]
        barcodes = [task["records"] for tasks in of_models.values() for task in tasks if task.rule == BARCODE.name]
        bars = gather(plan, experiment, "barcodes", {"barcodes": barcodes}, f"{ROOM}.bars")
        yield bars
        trained = [task for tasks in of_models.values() for task in tasks if task.rule == MINIMA.name]
        curvature = [task for tasks in of_models.values() for task in tasks if task.rule == CURVATURE.name]
        reads = {"minima": files(trained, "table"), "parameters": files(trained, "tensors"), "bars": [bars["table"]]}
        descents = [task for tasks in of_models.values() for task in tasks if task.rule == DESCENTS.name]
        if descents:
            reads |= {"found": files(descents, "table"), "found_parameters": files(descents, "tensors")}
        certificates = [task for tasks in of_models.values() for task in tasks if task.rule == CERTIFICATES.name]
        if certificates:
            reads |= {"certified": files(certificates, "table"), "certified_parameters": files(certificates, "tensors")}
            of_saddles = {name: files(certificates, name) for name in ("saddles", "joins")}
            yield gather(plan, experiment, "certified", {"bars": (bars["table"],), **of_saddles}, f"{ROOM}.certified")
        if curvature:
            reads |= {"curvature": files(curvature, "table"), "units": files(curvature, "records")}
        yield gather(plan, experiment, "minima", reads, f"{ROOM}.minima", *ALIGNMENT_MODULES)
        for key, embedding in config.embeddings.items():
            yield embedding_task(plan, experiment, key, data, of_models[embedding.small])

    def claims_inputs(self, tasks: Sequence[Task]) -> Inputs:
        """The table of bars, and all that was trained; aligned curves by themselves, since they join other points."""
        reads = reading(
            bars=OF_BARS,
            minima=OF_MINIMA,
            curves=OF_PLAIN_CURVES,
            aligned=OF_ALIGNED_CURVES,
            triangles=OF_TRIANGLES,
            robustness=OF_ROBUSTNESS,
            embeddings=OF_EMBEDDINGS,
        )
        return reads(None, tasks)

    def request(self, plan: Plan, task: Task) -> Request:
        """Computed for what trains; the other tasks are short."""
        return costs.request(plan, task)

    def result_bytes(self, plan: Plan, task: Task) -> int:
        """The parameters of what is trained."""
        return costs.result_bytes(plan, task)

    def example(self) -> dict[str, Any]:
        """One small network on the bundled digits."""
        adam = {"optimiser": "adam", "schedule": {"kind": "constant", "lr": 1.0e-2}, "batch_size": 50}
        family = {"family": {"kind": "chain", "bends": 1}, "grid": {"points": 3, "refinements": 1}}
        return {
            "title": "A small network",
            "data": "digits",
            "device": "cpu",
            "samples": 100,
            "seeds": 2,
            "seeds_per_job": 2,
            "minima": adam | {"epochs": 1},
            "curves": adam | family | {"epochs": 1},
            "models": {"mlp": {"network": {"kind": "mlp", "depth": 1, "width": 4}}},
            "figures": ["barcodes"],
        }
