"""Hessians of small networks at critical points, against random matrices (Pennington & Bahri 2017). Loads no torch."""

from collections.abc import Iterator, Sequence
from typing import Any

from lossbars.experiments.hessian.config import Hessians
from lossbars.experiments.hessian.costs import hessian_memory, hessian_seconds
from lossbars.workflow.kind import FigureKind, Kind, reading
from lossbars.workflow.landscape_costs import START
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import Request, cpu_request, short_request, stated
from lossbars.workflow.tasks import Inputs, Rule, Task

ROOM = "lossbars.experiments.hessian"


def _rule(name: str) -> Rule:
    module = f"{ROOM}.steps.{name.removeprefix('hessian_')}"
    return Rule(name, module, {"table": f"{{experiment}}/{{model}}/{name}.parquet"})


RULES = {  # kind of task → rule, whose table has the same name
    "random-matrices": _rule("hessian_spectra"),
    "critical-points": _rule("hessian_critical"),
    "spectrum": _rule("hessian_parts"),
    "minimisers": _rule("hessian_minimisers"),
}


def figure(name: str, task: str, caption: str) -> FigureKind:
    """A figure of module ``name`` that shows the models of one kind of task."""
    return FigureKind(f"{ROOM}.figures.{name}", reading(table=(RULES[task].name, "table")), caption)


class HessianKind(Kind):
    """A task for each model: random matrices, critical points, one spectrum, or minimisers."""

    name = "hessian"
    config = Hessians
    rules = tuple(RULES.values())
    figures = {
        "spectra": figure(
            "spectra",
            "random-matrices",
            "Spectra of Wishart plus Wigner matrices, a model of Hessians: computed, and of sampled matrices.",
        ),
        "index-energy": figure(
            "index_energy",
            "critical-points",
            "Share of negative eigenvalues of the Hessian at critical points, against their energy.",
        ),
        "critical-energy": figure(
            "critical_energy",
            "critical-points",
            "The energy at which negative eigenvalues appear, against parameters over data points.",
        ),
        "net-spectrum": figure(
            "net_spectrum",
            "spectrum",
            "Spectra of the Hessian of a small net and of its two parts, and of the Hessian by Lanczos.",
        ),
        "null-space": figure(
            "null_space",
            "minimisers",
            "Dimension of the null space of the Hessian where a net interpolates its samples.",
        ),
    }
    claims_module = f"{ROOM}.claims.catalogue"

    def tasks(self, plan: Plan, experiment: str) -> Iterator[Task]:
        """The table of each model's task."""
        for key, model in plan.experiments[experiment].models.items():
            chosen = ("lossbars.landscapes.perceptron",)
            yield RULES[model.task.kind].task(plan, model.task, experiment=experiment, model=key, extra_modules=chosen)

    def claims_inputs(self, tasks: Sequence[Task]) -> Inputs:
        """The tables of all tasks, by their rules."""
        return {rule.name: [task["table"] for task in tasks if task.rule == rule.name] for rule in RULES.values()}

    def request(self, plan: Plan, task: Task) -> Request:
        """Computed for the tasks; figures and claims are short."""
        if task.rule not in {rule.name for rule in RULES.values()}:
            return short_request(task.rule)
        config = plan.experiments[task.experiment]
        model = config.models[task.model]
        computed = cpu_request(hessian_memory(model.task), START + hessian_seconds(model.task))
        return stated(computed, config.resources, model.resources)

    def example(self) -> dict[str, Any]:
        """Small matrices and networks of three units."""
        descent = {"rate": 0.2, "steps": 10}
        searches = {
            "kind": "critical-points",
            "width": 3,
            "samples": [12, 6],
            "data_sets": 3,
            "indices": [0, 0, 1, 2],
            "descent": descent,
            "steps": 40,
            "tolerance": 1.0e-2,
        }
        net = {"inputs": 3, "hidden": [3], "outputs": 3, "samples": 8, "biases": False}
        fitted = {"inputs": 1, "hidden": [3], "outputs": 1, "samples": 3}
        lanczos = {"steps": 10, "probes": 4}
        matrices = {"kind": "random-matrices", "taus": [0.5], "energies": [0.1, 0.5], "rows": 100}
        return {
            "kind": "hessian",
            "title": "A few Hessians",
            "models": {
                "matrices": {"label": "plain", "task": matrices},
                "tanh": {"task": searches},
                "linear": {"task": searches | {"activation": "identity", "indices": [0]}},
                "parts": {"task": {"kind": "spectrum", "net": net, "descent": descent, "lanczos": lanczos}},
                "minimisers": {"task": {"kind": "minimisers", "nets": [fitted], "starts": 2}},
            },
            "figures": ["spectra", "critical-energy", "net-spectrum", "null-space"],
        }
