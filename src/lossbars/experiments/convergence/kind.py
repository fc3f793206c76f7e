"""Convergence: distances between barcodes of clouds of growing size (Barannikov et al. 2020, §4). Loads no torch."""

from collections.abc import Iterator, Sequence
from typing import Any

from lossbars.experiments.convergence.config import Convergence, PairsSettings
from lossbars.experiments.convergence.costs import pair_seconds
from lossbars.workflow.common_rules import gather
from lossbars.workflow.kind import FigureKind, Kind, reading
from lossbars.workflow.landscape_costs import START, Points, cloud_memory
from lossbars.workflow.landscape_rules import landscape_task
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import Request, cpu_request, short_request, stated
from lossbars.workflow.tasks import Inputs, Rule, Task, files

ROOM = "lossbars.experiments.convergence"
PAIRS = Rule("cloud_pairs", f"{ROOM}.steps.cloud_pairs", {"table": "{experiment}/{model}/distances/{part}.parquet"})
OF_DISTANCES = reading(distances=("gather", "table"))


class ConvergenceKind(Kind):
    """Pairs of clouds of several sizes on each landscape."""

    name = "convergence"
    config = Convergence
    rules = (PAIRS,)
    figures = {
        "convergence": FigureKind(
            f"{ROOM}.figure",
            OF_DISTANCES,
            "Bottleneck distances between barcodes of two clouds of a size, and to the exact barcode where it is "
            "known.",
        )
    }
    claims_module = f"{ROOM}.claims"

    def tasks(self, plan: Plan, experiment: str) -> Iterator[Task]:
        """Distances of each model and size, and the table of all."""
        config: Convergence = plan.experiments[experiment]  # type: ignore[assignment]
        every = []
        for key, model in config.models.items():
            settings = PairsSettings.of(model.landscape, pairs=config.pairs, cloud=model.cloud)
            for size in config.sizes:
                task = landscape_task(PAIRS, plan, settings, experiment=experiment, model=key, part=str(size))
                every.append(task)
                yield task
        yield gather(plan, experiment, "distances", files(every, "table"))

    def claims_inputs(self, tasks: Sequence[Task]) -> Inputs:
        """The table of all distances."""
        return OF_DISTANCES(None, tasks)

    def request(self, plan: Plan, task: Task) -> Request:
        """Computed for the distances; the other tasks are short."""
        if task.rule != PAIRS.name:
            return short_request(task.rule)
        config: Convergence = plan.experiments[task.experiment]  # type: ignore[assignment]
        model = config.models[task.model]
        neighbours = model.cloud.neighbours or 2 * model.landscape.dimension
        cloud = Points(model.landscape, int(task.part), neighbours)
        computed = cpu_request(cloud_memory(cloud), START + pair_seconds(cloud, config.pairs))
        return stated(computed, config.resources, model.resources)

    def example(self) -> dict[str, Any]:
        """Two pairs of two small sizes."""
        return {
            "kind": "convergence",
            "title": "Convergence",
            "pairs": 2,
            "sizes": [100, 200],
            "models": {"wavy": {"landscape": {"kind": "function", "name": "wavy"}}},
        }
