"""Jobs of experiments on Hessians: recipe, code and expected inputs of every rule. Loads no torch."""

from collections.abc import Iterator
from typing import Any

from lossbars.experiments.functions.plan import FunctionJobs
from lossbars.experiments.hessian.config import SHOWN_TASK
from lossbars.workflow.job import Job
from lossbars.workflow.job_maker import once, plain
from lossbars.workflow.tasks import Expected

HESSIAN_RULES = {  # kind of task → rule, whose table has the same name
    "random-matrices": "hessian_spectra",
    "critical-points": "hessian_critical",
    "spectrum": "hessian_parts",
    "minimisers": "hessian_minimisers",
}
HESSIAN_FIGURE_MODULE = {
    "spectra": "lossbars.experiments.hessian.figures.spectra",
    "index-energy": "lossbars.experiments.hessian.figures.index_energy",
    "critical-energy": "lossbars.experiments.hessian.figures.critical_energy",
    "net-spectrum": "lossbars.experiments.hessian.figures.net_spectrum",
    "null-space": "lossbars.experiments.hessian.figures.null_space",
}


class HessianJobs(FunctionJobs):
    """Jobs of the experiments on Hessians, beside those on functions."""

    @once
    def hessian_task(self, experiment: str, model: str) -> Job:
        """The task of one model."""
        task = self.plan.hessians[experiment].models[model].task
        rule = HESSIAN_RULES[task.kind]
        code = self.code(
            f"lossbars.experiments.hessian.steps.{rule.removeprefix('hessian_')}", ("lossbars.landscapes.perceptron",)
        )
        return Job(rule, experiment, model, {"task": plain(task)}, code)

    def hessian_tasks(self, experiment: str, kinds: list[str]) -> dict[str, Job]:
        """Model → job, of some kinds of tasks."""
        models = self.plan.hessians[experiment].models
        return {key: self.hessian_task(experiment, key) for key, own in models.items() if own.task.kind in kinds}

    def hessian_paths(self, experiment: str, kinds: list[str]) -> list[str]:
        """Their tables."""
        tasks = self.hessian_tasks(experiment, kinds)
        return [f"{self.plan.folder(experiment, model)}/{job.kind}.parquet" for model, job in tasks.items()]

    @once
    def hessian_figure(self, key: str) -> Job:
        """A figure; ``key`` names the experiment and the figure."""
        experiment, figure = self.plan.figures[key]
        whole = self.plan.hessians[experiment]
        tasks = self.hessian_tasks(experiment, [SHOWN_TASK[figure]])
        expects = {f"{job.kind}/{model}": job.key for model, job in tasks.items()}
        labels = {model: whole.models[model].label or model for model in tasks}
        recipe: dict[str, Any] = {"figure": figure, "title": whole.title, "labels": labels}
        code = self.code("lossbars.experiments.hessian.steps.figure", (HESSIAN_FIGURE_MODULE[figure],))
        return Job("hessian_figure", experiment, "", recipe, code, expects)

    @once
    def hessian_claims(self, experiment: str) -> Job:
        """An experiment's claims."""
        whole, tasks = self.plan.hessians[experiment], self.hessian_tasks(experiment, list(HESSIAN_RULES))
        models = {key: {"label": own.label or key, "task": plain(own.task)} for key, own in whole.models.items()}
        recipe = {"scale": self.scale_of(experiment), "models": models}
        expects = {f"{job.kind}/{model}": job.key for model, job in tasks.items()}
        return Job(
            "hessian_claims", experiment, "", recipe, self.code("lossbars.experiments.hessian.steps.claims"), expects
        )


def hessian_artefacts(jobs: HessianJobs, experiment: str) -> Iterator[Expected]:
    """The table of each model's task."""
    for model, job in jobs.hessian_tasks(experiment, list(HESSIAN_RULES)).items():
        yield Expected(f"{jobs.plan.folder(experiment, model)}/{job.kind}.parquet", job.kind, job)
