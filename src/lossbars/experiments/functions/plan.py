"""Jobs of experiments on functions: recipe, code and expected inputs of every rule. Loads no torch."""

from collections.abc import Iterator, Mapping
from typing import Any

from lossbars.experiments.convergence.config import ConvergenceModel
from lossbars.experiments.functions.config import FunctionModel
from lossbars.experiments.functions.paths import (
    cloud_paths,
    clouds,
    optimised_paths,
    surface_models,
    surface_paths,
)
from lossbars.experiments.saddles.config import SaddlesModel
from lossbars.landscapes.modules import LANDSCAPE_MODULES
from lossbars.landscapes.specs import CustomLandscape
from lossbars.workflow.job import Job
from lossbars.workflow.job_maker import JobMaker, once, plain, user_file
from lossbars.workflow.tasks import Expected

STEP_MODULE = {  # of the jobs on one landscape
    "cloud": "lossbars.experiments.functions.steps.cloud",
    "surface": "lossbars.experiments.functions.steps.surface",
    "optimised": "lossbars.experiments.functions.steps.optimised",
    "cloud_pairs": "lossbars.experiments.convergence.steps.cloud_pairs",
    "saddle_deaths": "lossbars.experiments.saddles.steps.deaths",
    "saddle_insertion": "lossbars.experiments.saddles.steps.insertion",
}
FUNCTION_FIGURE_MODULE = {
    "surface": "lossbars.experiments.functions.figures.surface",
    "pairs": "lossbars.experiments.functions.figures.pairs",
    "sublevel-bars": "lossbars.experiments.functions.figures.sublevel_bars",
    "tiny-bars": "lossbars.experiments.functions.figures.tiny_bars",
    "bridge": "lossbars.experiments.functions.figures.bridge",
    "components": "lossbars.plots.components",
    "convergence": "lossbars.experiments.convergence.figure",
}


class FunctionJobs(JobMaker):
    """Jobs of the experiments on functions, and of those on convergence."""

    # Of a model -----------------------------------------------------------------------------------

    @once
    def cloud(self, experiment: str, model: str) -> Job:
        """The bars of a model's clouds; which cloud is the name of a part."""
        own = self.plan.functions[experiment].models[model]
        return self._on_landscape("cloud", experiment, model, {"cloud": plain(own.cloud)})

    @once
    def surface(self, experiment: str, model: str) -> Job:
        """Values on a regular grid."""
        return self._on_landscape("surface", experiment, model, {})

    @once
    def optimised(self, experiment: str, model: str) -> Job:
        """Bars of optimised curves."""
        own = self.plan.functions[experiment].models[model]
        return self._on_landscape("optimised", experiment, model, {"optimised": plain(own.optimised)})

    @once
    def cloud_pairs(self, experiment: str, model: str) -> Job:
        """Distances between clouds; their size is the name of a part."""
        whole = self.plan.convergences[experiment]
        recipe = {"pairs": whole.pairs, "cloud": plain(whole.models[model].cloud)}
        return self._on_landscape("cloud_pairs", experiment, model, recipe)

    @once
    def sublevel_barcode(self, experiment: str, model: str) -> Job:
        """The barcode of a model's first cloud, as a record; of its curves where it has no cloud."""
        has_cloud = self.plan.functions[experiment].models[model].cloud
        source = self.cloud(experiment, model) if has_cloud else self.optimised(experiment, model)
        expects = {source.kind: source.key}
        code = self.code("lossbars.experiments.functions.steps.sublevel_barcode")
        return Job("sublevel_barcode", experiment, model, {}, code, expects)

    def _on_landscape(self, kind: str, experiment: str, model: str, recipe: dict[str, Any]) -> Job:
        spec = self.landscape_models(experiment)[model].landscape
        custom = spec.source if isinstance(spec, CustomLandscape) else None
        whole = {"landscape": plain(spec)} | recipe | user_file("landscape_file", custom)
        code = self.code(STEP_MODULE[kind], LANDSCAPE_MODULES[spec.kind])
        return Job(kind, experiment, model, whole, code)

    # Of an experiment -----------------------------------------------------------------------------

    @once
    def bars(self, experiment: str) -> Job:
        """The one table of an experiment's bars."""
        whole = self.plan.functions[experiment]
        expects = {f"cloud/{model}": self.cloud(experiment, model).key for model in whole.cloud_models()}
        expects |= {f"optimised/{m}": self.optimised(experiment, m).key for m in whole.optimised_models()}
        return Job("bars", experiment, "", {}, self.code("lossbars.experiments.functions.steps.bars"), expects)

    @once
    def distances(self, experiment: str) -> Job:
        """The one table of an experiment's distances."""
        models = self.plan.convergences[experiment].models
        expects = {f"cloud_pairs/{model}": self.cloud_pairs(experiment, model).key for model in models}
        return Job(
            "distances", experiment, "", {}, self.code("lossbars.experiments.convergence.steps.distances"), expects
        )

    def landscape_models(self, experiment: str) -> Mapping[str, FunctionModel | ConvergenceModel | SaddlesModel]:
        """The models of an experiment on functions, on convergence or on path optimisers."""
        plan = self.plan
        found = plan.functions.get(experiment) or plan.convergences.get(experiment) or plan.saddles[experiment]
        return found.models

    def table(self, experiment: str) -> Job:
        """The table that figures and claims of an experiment read."""
        return self.bars(experiment) if experiment in self.plan.functions else self.distances(experiment)

    @once
    def function_figure(self, key: str) -> Job:
        """A figure; ``key`` names the experiment and the figure."""
        experiment, figure = self.plan.figures[key]
        expects = {f"surface/{m}": self.surface(experiment, m).key for m in self.shown_surfaces(key)}
        if self.shows_table(key):
            expects[self.table(experiment).kind] = self.table(experiment).key
        recipe: dict[str, Any] = {
            "figure": figure,
            "title": self.plan.experiments[experiment].title,
            "labels": self._labels(experiment, figure),
        }
        if figure == "components":
            recipe["axis"] = self._axis(experiment)
        if figure == "tiny-bars":  # the paper's numbers are of networks of certain sizes
            models = self.landscape_models(experiment)
            recipe["models"] = {model: {"landscape": plain(own.landscape)} for model, own in models.items()}
        code = self.code("lossbars.experiments.functions.steps.figure", (FUNCTION_FIGURE_MODULE[figure],))
        return Job("function_figure", experiment, "", recipe, code, expects)

    def _axis(self, experiment: str) -> list[Any]:
        """What values are called, and whether all models have one range of them: losses may be compared."""
        kinds = {own.landscape.kind for own in self.landscape_models(experiment).values()}
        losses = kinds <= {"regression", "perceptron"}
        return ["loss" if losses else "value", losses]

    def shows_table(self, key: str) -> bool:
        """Whether a figure shows bars or distances."""
        return self.plan.figures[key][1] != "surface"

    def shown_surfaces(self, key: str) -> list[str]:
        """Models whose surface a figure shows."""
        experiment, figure = self.plan.figures[key]
        return surface_models(self.plan, experiment) if figure in ("surface", "pairs") else []

    def _labels(self, experiment: str, figure: str) -> dict[str, str]:
        """Of the models that a figure can show."""
        models = self.landscape_models(experiment)
        of_functions = self.plan.functions.get(experiment)
        shown = of_functions.shown(figure) if of_functions else list(models)
        return {model: models[model].label or model for model in shown}

    @once
    def function_claims(self, experiment: str) -> Job:
        """An experiment's claims."""
        whole, table = self.plan.experiments[experiment], self.table(experiment)
        budgets = {
            model: plain(own) | {"label": own.label or model, "dimension": own.landscape.dimension}
            for model, own in self.landscape_models(experiment).items()
        }
        for own in budgets.values():
            del own["resources"]
        recipe = plain(whole) | {"scale": self.scale_of(experiment), "models": budgets}
        for name in ("device", "resources", "figures"):
            del recipe[name]
        code = self.code("lossbars.experiments.functions.steps.claims", ("lossbars.landscapes.toy_data",))
        return Job("function_claims", experiment, "", recipe, code, {table.kind: table.key})


def function_artefacts(jobs: "FunctionJobs", experiment: str) -> Iterator[Expected]:
    """Clouds, surfaces, optimised curves and barcodes of each model, and the table of all bars."""
    plan = jobs.plan
    optimised, surfaces = optimised_paths(plan, experiment), surface_paths(plan, experiment)
    for model in plan.functions[experiment].models:
        folder = plan.folder(experiment, model)
        for path, part in zip(cloud_paths(plan, experiment, model), clouds(plan, experiment), strict=False):
            yield Expected(path, "cloud", jobs.cloud(experiment, model), part)
        if (path := f"{folder}/optimised.parquet") in optimised:
            yield Expected(path, "optimised", jobs.optimised(experiment, model))
        if (path := f"{folder}/surface.parquet") in surfaces:
            yield Expected(path, "surface", jobs.surface(experiment, model))
        yield Expected(f"{folder}/barcode.json", "sublevel_barcode", jobs.sublevel_barcode(experiment, model))
    yield Expected(f"{plan.results}/{experiment}/barcodes.parquet", "bars", jobs.bars(experiment))
