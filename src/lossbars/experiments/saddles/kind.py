"""Saddles: path optimisers on functions whose saddles are known (Barannikov et al. 2022, figure 10). Loads no torch."""

from collections.abc import Iterator, Sequence
from typing import Any

from lossbars.experiments.saddles.config import DeathsSettings, InsertionSettings, Saddles, SaddlesModel, of_size
from lossbars.experiments.saddles.costs import saddle_seconds
from lossbars.recipes import AnyCurves
from lossbars.workflow.common_rules import gather
from lossbars.workflow.kind import FigureKind, Kind, reading
from lossbars.workflow.landscape_costs import PROCESS, START
from lossbars.workflow.landscape_rules import landscape_task, surface_task
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import Request, cpu_request, short_request, stated
from lossbars.workflow.tasks import Inputs, Rule, Task, files

ROOM = "lossbars.experiments.saddles"
DEATHS = Rule("saddle_deaths", f"{ROOM}.steps.deaths", {"table": "{experiment}/{model}/saddles.parquet"})
INSERTION = Rule(
    "saddle_insertion", f"{ROOM}.steps.insertion", {"table": "{experiment}/{model}/insertion.parquet"}, local=True
)
OF_DEATHS = reading(deaths=("gather", "table"))


class SaddlesKind(Kind):
    """Functions with known minima and saddles, and the optimisers of the curves between the minima."""

    name = "saddles"
    config = Saddles
    rules = (DEATHS, INSERTION)
    figures = {
        "death-error": FigureKind(
            f"{ROOM}.figures.death_error",
            OF_DEATHS,
            "Error of the deaths of bars by several path optimisers, against the gradients that a curve takes.",
        ),
        "insertion": FigureKind(
            f"{ROOM}.figures.insertion",
            reading(stages=("saddle_insertion", "table"), surfaces=("surface", "table")),
            "A path before and after points are inserted where neighbours have come apart.",
        ),
    }
    claims_module = f"{ROOM}.claims"

    def tasks(self, plan: Plan, experiment: str) -> Iterator[Task]:
        """Deaths of each model, what its insertion shows, and the table of all deaths."""
        config: Saddles = plan.experiments[experiment]  # type: ignore[assignment]
        every = []
        for key, model in config.models.items():
            place = {"experiment": experiment, "model": key}
            settings = DeathsSettings.of(model.landscape, optimisers=at_sizes(model, config.sizes))
            every.append(landscape_task(DEATHS, plan, settings, **place))
            yield every[-1]
            if model.insertion and "insertion" in config.figures:
                stages = InsertionSettings.of(model.landscape, insertion=model.insertion)
                yield landscape_task(INSERTION, plan, stages, **place)
                yield surface_task(plan, experiment, key, model.landscape)
        yield gather(plan, experiment, "saddles", files(every, "table"))

    def claims_inputs(self, tasks: Sequence[Task]) -> Inputs:
        """The table of all deaths."""
        return OF_DEATHS(None, tasks)

    def request(self, plan: Plan, task: Task) -> Request:
        """Computed for the deaths; the other tasks are short."""
        if task.rule != DEATHS.name:
            return short_request(task.rule)
        config: Saddles = plan.experiments[task.experiment]  # type: ignore[assignment]
        computed = cpu_request(PROCESS, START + saddle_seconds(config, task.model))
        return stated(computed, config.resources, config.models[task.model].resources)

    def example(self) -> dict[str, Any]:
        """Two optimisers on two functions; points are inserted into a path on one of them."""
        flow = {
            "optimiser": "sgd",
            "momentum": 0.0,
            "schedule": {"kind": "constant", "lr": 3.0e-2},
            "epochs": 10,
            "family": {"kind": "path", "points": 6},
            "grid": {"between": 4, "refinements": 8},
        }
        chain = {
            "optimiser": "adam",
            "schedule": {"kind": "ramp", "m1": 5, "m2": 10, "lr_max": 5.0e-2, "lr_min": 5.0e-5},
            "epochs": 10,
            "family": {"kind": "chain", "bends": 1},
            "points": 4,
            "tilt": 20.0,
            "grid": {"points": 21, "refinements": 8},
        }
        inserting = flow | {"epochs": 70, "family": {"kind": "path", "points": 4, "insertion": {"every": 30}}}
        return {
            "kind": "saddles",
            "title": "Known saddles",
            "sizes": [1, 2],
            "optimisers": {"flow": flow, "chain": chain},
            "models": {
                "camel": {"label": "HumpCamel6", "landscape": {"kind": "function", "name": "six_hump_camel"}},
                "bent": {
                    "landscape": {"kind": "function", "name": "bent_double_well", "dim": 2},
                    "insertion": {"minima": [0, 1], "path": inserting},
                },
            },
            "figures": ["death-error", "insertion"],
        }


def at_sizes(model: SaddlesModel, sizes: Sequence[int]) -> dict[str, dict[str, AnyCurves]]:
    """The recipe of each optimiser at each size; optimisers in the order of the alphabet, as results list them."""
    return {
        name: {str(size): of_size(recipe, size) for size in sizes} for name, recipe in sorted(model.optimisers.items())
    }
