"""Jobs of experiments on escape: recipe, code and expected inputs of every rule. Loads no torch."""

from collections.abc import Iterator
from typing import Any

from lossbars.workflow.job import Job
from lossbars.workflow.job_maker import JobMaker, once, plain
from lossbars.workflow.tasks import Expected

ESCAPE_FIGURE_MODULE = {
    "polynomials": "lossbars.experiments.escape.figures.polynomials",
    "rates": "lossbars.experiments.escape.figures.rates",
    "regimes": "lossbars.experiments.escape.figures.regimes",
    "trajectories": "lossbars.experiments.escape.figures.trajectories",
    "steps": "lossbars.experiments.escape.figures.steps",
}
SHOWS_TRAJECTORIES = ("regimes", "trajectories")


class EscapeJobs(JobMaker):
    """Jobs of the experiments on escape."""

    @once
    def escape_runs(self, experiment: str, model: str) -> Job:
        """All runs on a family's polynomials."""
        own = self.plan.escapes[experiment].models[model]
        recipe = {name: plain(getattr(own, name)) for name in ("family", "bars", "descent", "rates")}
        return Job("escape_runs", experiment, model, recipe, self.code("lossbars.experiments.escape.steps.runs"))

    @once
    def escape_trajectories(self, experiment: str, model: str) -> Job:
        """A whole trajectory of each regime."""
        own, runs = self.plan.escapes[experiment].models[model], self.escape_runs(experiment, model)
        recipe = {name: plain(getattr(own, name)) for name in ("family", "descent")}
        code = self.code("lossbars.experiments.escape.steps.trajectories")
        return Job("escape_trajectories", experiment, model, recipe, code, {"escape_runs": runs.key})

    @once
    def escape_table(self, experiment: str) -> Job:
        """The one table of an experiment's runs."""
        models = self.plan.escapes[experiment].models
        expects = {f"escape_runs/{model}": self.escape_runs(experiment, model).key for model in models}
        return Job("escape_table", experiment, "", {}, self.code("lossbars.experiments.escape.steps.table"), expects)

    @once
    def escape_figure(self, key: str) -> Job:
        """A figure; ``key`` names the experiment and the figure."""
        experiment, figure = self.plan.figures[key]
        whole = self.plan.escapes[experiment]
        expects = {"escape_table": self.escape_table(experiment).key}
        if self.shows_trajectories(key):
            expects |= {f"escape_trajectories/{m}": self.escape_trajectories(experiment, m).key for m in whole.models}
        labels = {model: own.label or model for model, own in whole.models.items()}
        recipe: dict[str, Any] = {"figure": figure, "title": whole.title, "labels": labels}
        code = self.code("lossbars.experiments.escape.steps.figure", (ESCAPE_FIGURE_MODULE[figure],))
        return Job("escape_figure", experiment, "", recipe, code, expects)

    def shows_trajectories(self, key: str) -> bool:
        """Whether a figure shows whole trajectories."""
        return self.plan.figures[key][1] in SHOWS_TRAJECTORIES

    @once
    def escape_claims(self, experiment: str) -> Job:
        """An experiment's claims."""
        whole, table = self.plan.escapes[experiment], self.escape_table(experiment)
        models = {model: plain(own) | {"label": own.label or model} for model, own in whole.models.items()}
        for own in models.values():
            del own["resources"]
        recipe = plain(whole) | {"scale": self.scale_of(experiment), "models": models}
        for name in ("device", "resources", "figures"):
            del recipe[name]
        code = self.code("lossbars.experiments.escape.steps.claims")
        return Job("escape_claims", experiment, "", recipe, code, {table.kind: table.key})


def escape_artefacts(jobs: EscapeJobs, experiment: str) -> Iterator[Expected]:
    """Runs and trajectories of each model, and the table of all runs."""
    plan = jobs.plan
    for model in plan.escapes[experiment].models:
        folder = plan.folder(experiment, model)
        yield Expected(f"{folder}/escape.parquet", "escape_runs", jobs.escape_runs(experiment, model))
        shown = jobs.escape_trajectories(experiment, model)
        yield Expected(f"{folder}/trajectories.parquet", "escape_trajectories", shown)
    yield Expected(f"{plan.results}/{experiment}/escapes.parquet", "escape_table", jobs.escape_table(experiment))
