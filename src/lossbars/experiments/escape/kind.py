"""Escape: the learning rate that gradient descent needs to leave a minimum (Barannikov et al. 2022, §9).

Loads no torch.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from lossbars.experiments.escape.config import Escape, RunSettings, TrajectorySettings
from lossbars.experiments.escape.costs import memory, seconds
from lossbars.workflow.common_rules import gather
from lossbars.workflow.kind import FigureKind, Kind, reading
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import Request, cpu_request, short_request, stated
from lossbars.workflow.tasks import Inputs, Rule, Task, files

ROOM = "lossbars.experiments.escape"
RUNS = Rule("escape_runs", f"{ROOM}.steps.runs", {"table": "{experiment}/{model}/escape.parquet"})
TRAJECTORIES = Rule(
    "escape_trajectories",
    f"{ROOM}.steps.trajectories",
    {"table": "{experiment}/{model}/trajectories.parquet"},
    local=True,
)
OF_RUNS = reading(runs=("gather", "table"))
OF_TRAJECTORIES = reading(trajectories=("escape_trajectories", "table"))


class EscapeKind(Kind):
    """Gradient descent on families of polynomials, at many learning rates and from many starts."""

    name = "escape"
    config = Escape
    rules = (RUNS, TRAJECTORIES)
    figures = {
        "polynomials": FigureKind(
            f"{ROOM}.figures.polynomials",
            OF_RUNS,
            "Polynomials of degree six with a local minimum to escape, one for each length of its bar.",
        ),
        "rates": FigureKind(
            f"{ROOM}.figures.rates",
            OF_RUNS,
            "The smallest learning rate that escapes the local minimum, against the length of its bar.",
        ),
        "regimes": FigureKind(
            f"{ROOM}.figures.regimes",
            OF_TRAJECTORIES,
            "Gradient descent near the local minimum: it stays, it neither converges nor escapes, it escapes.",
        ),
        "trajectories": FigureKind(
            f"{ROOM}.figures.trajectories", OF_TRAJECTORIES, "Gradient descent that escapes, on its polynomial."
        ),
        "steps": FigureKind(
            f"{ROOM}.figures.steps",
            OF_RUNS,
            "Steps to escape against the learning rate; 0 where gradient descent never escapes.",
        ),
    }
    claims_module = f"{ROOM}.claims"

    def tasks(self, plan: Plan, experiment: str) -> Iterator[Task]:
        """Runs and trajectories of each model, and the table of all runs."""
        every = []
        for key, model in plan.experiments[experiment].models.items():
            place = {"experiment": experiment, "model": key}
            settings = RunSettings(family=model.family, descent=model.descent, bars=model.bars, rates=model.rates)
            every.append(RUNS.task(plan, settings, None, **place))
            yield every[-1]
            followed = TrajectorySettings(family=model.family, descent=model.descent)
            yield TRAJECTORIES.task(plan, followed, {"runs": [every[-1]["table"]]}, **place)
        yield gather(plan, experiment, "escapes", files(every, "table"))

    def claims_inputs(self, tasks: Sequence[Task]) -> Inputs:
        """The table of all runs."""
        return OF_RUNS(None, tasks)

    def request(self, plan: Plan, task: Task) -> Request:
        """Computed for the runs; the other tasks are short."""
        if task.rule != RUNS.name:
            return short_request(task.rule)
        config = plan.experiments[task.experiment]
        model = config.models[task.model]
        return stated(cpu_request(memory(model), seconds(model)), config.resources, model.resources)

    def example(self) -> dict[str, Any]:
        """One family, four bars."""
        family = {"kind": "two-point", "curvature": 1.0, "distance": 4.0, "depth": 0.75, "far_curvature": 0.3}
        return {
            "kind": "escape",
            "title": "Escape",
            "descent": {"starts": 2, "radius": 0.1, "steps": 500},
            "rates": {"lowest": 0.5, "highest": 2.4, "number": 20},
            "models": {"first": {"family": family, "bars": {"shortest": 0.04, "longest": 0.12, "number": 4}}},
        }
