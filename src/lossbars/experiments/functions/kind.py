"""Functions: barcodes from clouds of points, and from optimised curves (Barannikov et al. 2020). Loads no torch."""

from collections.abc import Iterator, Sequence
from typing import Any

from lossbars.experiments.functions.config import (
    CloudSettings,
    ComponentsFigure,
    Functions,
    LandscapesFigure,
    OptimisedSettings,
)
from lossbars.experiments.functions.costs import optimised_seconds
from lossbars.workflow.common_rules import gather
from lossbars.workflow.kind import FigureKind, Kind, reading, titled
from lossbars.workflow.landscape_costs import PROCESS, START, Points, cloud_memory, cloud_seconds
from lossbars.workflow.landscape_rules import SURFACE, landscape_task, surface_task
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import Request, cpu_request, short_request, stated
from lossbars.workflow.tasks import Inputs, Output, Rule, Task

ROOM = "lossbars.experiments.functions"
CLOUD = Rule("cloud", f"{ROOM}.steps.cloud", {"table": "{experiment}/{model}/clouds/{part}.parquet"}, threads=2)
OPTIMISED = Rule("optimised", f"{ROOM}.steps.optimised", {"table": "{experiment}/{model}/optimised.parquet"})
BARCODE = Rule(
    "sublevel_barcode", f"{ROOM}.steps.sublevel_barcode", {"records": "{experiment}/{model}/barcode.json"}, local=True
)
OF_BARS = reading(bars=("gather", "table"))


def of_surfaces(config: Functions, tasks: Sequence[Task], figure: str = "surface") -> Inputs:
    """The surfaces of the models that a figure shows."""
    shown = config.shown(figure)
    return {"surfaces": [task["table"] for task in tasks if task.rule == SURFACE.name and task.model in shown]}


def of_both(config: Functions, tasks: Sequence[Task]) -> Inputs:
    """The table of all bars, and the surfaces of the models that have both."""
    return {**OF_BARS(config, tasks), **of_surfaces(config, tasks, "pairs")}


def components_figure(config: Functions, figure: str, module: str) -> ComponentsFigure:
    """The settings of the figure of components: the name of values, and whether models may be compared."""
    losses = {model.landscape.kind for model in config.models.values()} <= {"regression", "perceptron"}
    unit = "loss" if losses else "value"
    return titled(config, figure, module, ComponentsFigure, axis=unit, comparable=losses)


def landscapes_figure(config: Functions, figure: str, module: str) -> LandscapesFigure:
    """The settings of a figure that depends on the landscape of each model."""
    landscapes = {key: model.landscape for key, model in config.models.items()}
    return titled(config, figure, module, LandscapesFigure, landscapes=landscapes)


class FunctionsKind(Kind):
    """Landscapes, each with clouds of points, with optimised curves, or with both."""

    name = "functions"
    config = Functions
    rules = (CLOUD, OPTIMISED, BARCODE)
    figures = {
        "surface": FigureKind(f"{ROOM}.figures.surface", of_surfaces, "The functions of two variables."),
        "pairs": FigureKind(
            f"{ROOM}.figures.pairs",
            of_both,
            "Minima, and the saddles that end their bars, on the colours of the function.",
        ),
        "sublevel-bars": FigureKind(
            f"{ROOM}.figures.sublevel_bars",
            OF_BARS,
            "Barcodes of clouds of points: a bar for each minimum, up to the height at which a path can reach "
            "something lower. The arrow is the half-line of the lowest minimum.",
        ),
        "tiny-bars": FigureKind(
            f"{ROOM}.figures.tiny_bars",
            OF_BARS,
            "Barcodes of the losses of tiny networks, beside the published tops of the bars.",
            landscapes_figure,
        ),
        "bridge": FigureKind(
            f"{ROOM}.figures.bridge",
            OF_BARS,
            "Two ways to one barcode: bars of a cloud of points beside those of optimised curves.",
        ),
        "components": FigureKind(
            f"{ROOM}.figures.components",
            OF_BARS,
            "Barcodes, and beside them N(λ): how many connected components the set of all places with a loss of "
            "at most λ has.",
            components_figure,
        ),
    }
    claims_module = f"{ROOM}.claims.catalogue"

    def tasks(self, plan: Plan, experiment: str) -> Iterator[Task]:
        """Clouds, optimised curves, surface and barcode of each model, and the table of all bars."""
        config: Functions = plan.experiments[experiment]  # type: ignore[assignment]
        drawn = [key for figure in config.figures if figure in ("surface", "pairs") for key in config.shown(figure)]
        clouds: list[Output] = []
        optimised: list[Output] = []
        for key, model in config.models.items():
            place = {"experiment": experiment, "model": key}
            bars = []
            if model.cloud:
                recipe = CloudSettings.of(model.landscape, cloud=model.cloud)
                seeds = map(str, range(config.seeds))
                bars += [landscape_task(CLOUD, plan, recipe, **place, part=seed) for seed in seeds]
                clouds += [task["table"] for task in bars]
            if model.optimised:
                descents = OptimisedSettings.of(model.landscape, optimised=model.optimised)
                bars.append(landscape_task(OPTIMISED, plan, descents, **place))
                optimised.append(bars[-1]["table"])
            yield from bars
            if key in drawn:
                yield surface_task(plan, experiment, key, model.landscape)
            yield BARCODE.task(plan, None, {"bars": [bars[0]["table"]]}, **place)  # of the first cloud, if there is one
        yield gather(plan, experiment, "barcodes", {"clouds": clouds, "optimised": optimised}, f"{ROOM}.bars")

    def claims_inputs(self, tasks: Sequence[Task]) -> Inputs:
        """The table of all bars."""
        return OF_BARS(None, tasks)

    def claims_modules(self, config: Any) -> tuple[str, ...]:  # noqa: ARG002
        """Claims on small networks look at their data."""
        return ("lossbars.landscapes.toy_data",)

    def request(self, plan: Plan, task: Task) -> Request:
        """Computed for clouds and curves; the other tasks are short."""
        if task.rule not in (CLOUD.name, OPTIMISED.name):
            return short_request(task.rule)
        config: Functions = plan.experiments[task.experiment]  # type: ignore[assignment]
        model = config.models[task.model]
        if task.rule == CLOUD.name and model.cloud:
            cloud = Points(model.landscape, model.cloud.points, model.cloud.neighbours)
            memory, seconds = cloud_memory(cloud), cloud_seconds(cloud)
        else:
            assert model.optimised
            memory, seconds = PROCESS, optimised_seconds(model.landscape, model.optimised)
        return stated(cpu_request(memory, START + seconds), config.resources, model.resources)

    def example(self) -> dict[str, Any]:
        """The six-hump camel on few points and with few descents, and a network without a cloud."""
        descent = {"optimiser": "adam", "schedule": {"kind": "constant", "lr": 5.0e-2}}
        curves = {"epochs": 10, "family": {"kind": "chain", "bends": 1}, "grid": {"points": 9, "refinements": 1}}
        optimised = {"starts": 8, "minima": descent | {"epochs": 20}, "curves": descent | curves}
        camel = {"landscape": {"kind": "function", "name": "six_hump_camel"}, "cloud": {"points": 400}}
        net = {"kind": "perceptron", "task": "permuted-points", "hidden": [3], "activation": "relu", "biases": False}
        return {
            "kind": "functions",
            "title": "A function and a network",
            "optimised": optimised,
            "models": {"camel": camel, "relu": {"landscape": net | {"box": 2.0}}},
            "figures": list(self.figures),
        }
