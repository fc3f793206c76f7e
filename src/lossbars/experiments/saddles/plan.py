"""Jobs of experiments on path optimisers: recipe, code and expected inputs of every rule. Loads no torch."""

from collections.abc import Iterator
from typing import Any

from lossbars.experiments.functions.plan import FunctionJobs
from lossbars.experiments.saddles.config import of_size
from lossbars.workflow.job import Job
from lossbars.workflow.job_maker import once, plain
from lossbars.workflow.tasks import Expected

SADDLE_FIGURE_MODULE = {
    "death-error": "lossbars.experiments.saddles.figures.death_error",
    "insertion": "lossbars.experiments.saddles.figures.insertion",
}


class SaddleJobs(FunctionJobs):
    """Jobs of the experiments on functions whose saddles are known, beside those on other functions."""

    @once
    def saddle_deaths(self, experiment: str, model: str) -> Job:
        """Deaths of a model's bars by each optimiser at each size."""
        whole = self.plan.saddles[experiment]
        optimisers = {
            name: {str(size): plain(of_size(recipe, size)) for size in whole.sizes}
            for name, recipe in whole.models[model].optimisers.items()
        }
        return self._on_landscape("saddle_deaths", experiment, model, {"optimisers": optimisers})

    @once
    def saddle_insertion(self, experiment: str, model: str) -> Job:
        """A path before and after points are inserted."""
        stages = plain(self.plan.saddles[experiment].models[model].insertion)
        return self._on_landscape("saddle_insertion", experiment, model, {"insertion": stages})

    @once
    def saddle_table(self, experiment: str) -> Job:
        """The one table of an experiment's deaths."""
        models = self.plan.saddles[experiment].models
        expects = {f"saddle_deaths/{model}": self.saddle_deaths(experiment, model).key for model in models}
        return Job("saddle_table", experiment, "", {}, self.code("lossbars.experiments.saddles.steps.table"), expects)

    @once
    def saddle_figure(self, key: str) -> Job:
        """A figure; ``key`` names the experiment and the figure."""
        experiment, figure = self.plan.figures[key]
        whole = self.plan.saddles[experiment]
        shown = self.shown_insertions(key)
        expects = {f"saddle_insertion/{model}": self.saddle_insertion(experiment, model).key for model in shown}
        expects |= {f"surface/{model}": self.surface(experiment, model).key for model in shown}
        if not shown:
            expects["saddle_table"] = self.saddle_table(experiment).key
        labels = {model: own.label or model for model, own in whole.models.items() if not shown or model in shown}
        recipe: dict[str, Any] = {"figure": figure, "title": whole.title, "labels": labels}
        code = self.code("lossbars.experiments.saddles.steps.figure", (SADDLE_FIGURE_MODULE[figure],))
        return Job("saddle_figure", experiment, "", recipe, code, expects)

    def shown_insertions(self, key: str) -> list[str]:
        """Models of which a figure shows the insertion of points; such a figure shows nothing else."""
        experiment, figure = self.plan.figures[key]
        return self.plan.saddles[experiment].insertion_models() if figure == "insertion" else []

    @once
    def saddle_claims(self, experiment: str) -> Job:
        """An experiment's claims."""
        whole, table = self.plan.saddles[experiment], self.saddle_table(experiment)
        models = {
            model: {"label": own.label or model, "optimisers": plain(own)["optimisers"]}
            for model, own in whole.models.items()
        }
        recipe = {"sizes": whole.sizes, "scale": self.scale_of(experiment), "models": models}
        code = self.code("lossbars.experiments.saddles.steps.claims")
        return Job("saddle_claims", experiment, "", recipe, code, {table.kind: table.key})


def saddle_artefacts(jobs: SaddleJobs, experiment: str) -> Iterator[Expected]:
    """Deaths of each model, what its insertion shows, and the table of all deaths."""
    plan = jobs.plan
    shows = "insertion" in plan.saddles[experiment].figures
    for model, own in plan.saddles[experiment].models.items():
        folder = plan.folder(experiment, model)
        yield Expected(f"{folder}/saddles.parquet", "saddle_deaths", jobs.saddle_deaths(experiment, model))
        if own.insertion and shows:
            stages = jobs.saddle_insertion(experiment, model)
            yield Expected(f"{folder}/insertion.parquet", "saddle_insertion", stages)
            yield Expected(f"{folder}/surface.parquet", "surface", jobs.surface(experiment, model))
    yield Expected(f"{plan.results}/{experiment}/saddles.parquet", "saddle_table", jobs.saddle_table(experiment))
