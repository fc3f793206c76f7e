"""Jobs of experiments on level sets: recipe, code and expected inputs of every rule. Loads no torch."""

from collections.abc import Iterator
from typing import Any

from lossbars.experiments.functions.plan import FunctionJobs
from lossbars.experiments.networks.plan import NetworkJobs
from lossbars.experiments.strings.config import StringsModel
from lossbars.landscapes.modules import LANDSCAPE_MODULES
from lossbars.landscapes.specs import CustomLandscape
from lossbars.networks.modules import NETWORK_MODULE
from lossbars.networks.specs import CustomNetwork
from lossbars.workflow.job import Job
from lossbars.workflow.job_maker import once, plain, training_settings, user_file
from lossbars.workflow.tasks import Expected

STRING_FIGURE_MODULE = {
    "string-lengths": "lossbars.experiments.strings.figures.lengths",
    "string-answers": "lossbars.experiments.strings.figures.answers",
    "string-views": "lossbars.experiments.strings.figures.views",
}


class StringJobs(NetworkJobs, FunctionJobs):
    """Jobs of the experiments on level sets, beside those on networks and on functions."""

    @once
    def strings(self, experiment: str, model: str) -> Job:
        """Strings of a model's pairs; which pairs is the name of a part."""
        own = self.plan.strings[experiment].models[model]
        names = ("ends", "thresholds", "reuse", "level", "strings")
        recipe: dict[str, Any] = {name: plain(own)[name] for name in names}
        make = self._of_network if own.network else self._of_landscape
        return make(experiment, model, own, recipe)

    def _of_network(self, experiment: str, model: str, own: StringsModel, recipe: dict[str, Any]) -> Job:
        assert own.network
        custom = own.network.source if isinstance(own.network, CustomNetwork) else None
        recipe |= {"network": plain(own.network)} | user_file("network_file", custom)
        recipe |= training_settings(self.plan.strings[experiment], self.plan.scale)
        code = self.code("lossbars.experiments.strings.steps.strings", (NETWORK_MODULE[own.network.kind],))
        expects = {"dataset": self.dataset(self.plan.data_key(experiment)).key}
        return Job("strings", experiment, model, recipe, code, expects)

    def _of_landscape(self, experiment: str, model: str, own: StringsModel, recipe: dict[str, Any]) -> Job:
        assert own.landscape
        custom = own.landscape.source if isinstance(own.landscape, CustomLandscape) else None
        recipe |= {"landscape": plain(own.landscape)} | user_file("landscape_file", custom)
        code = self.code("lossbars.experiments.strings.steps.strings", LANDSCAPE_MODULES[own.landscape.kind])
        return Job("strings", experiment, model, recipe, code)

    @once
    def string_table(self, experiment: str) -> Job:
        """The one table of an experiment's answers."""
        return Job(
            "string_table",
            experiment,
            "",
            {},
            self.code("lossbars.experiments.strings.steps.table"),
            self._each(experiment),
        )

    def _each(self, experiment: str) -> dict[str, str]:
        models = self.plan.strings[experiment].models
        return {f"strings/{model}": self.strings(experiment, model).key for model in models}

    @once
    def string_figure(self, key: str) -> Job:
        """A figure; ``key`` names the experiment and the figure."""
        experiment, figure = self.plan.figures[key]
        whole = self.plan.strings[experiment]
        expects = self._each(experiment) if self.shows_strings(key) else {}
        expects |= {"string_table": self.string_table(experiment).key}
        labels = {model: own.label or model for model, own in whole.models.items()}
        metrics = {model: own.level.metric for model, own in whole.models.items()}
        recipe: dict[str, Any] = {"figure": figure, "title": whole.title, "labels": labels, "metrics": metrics}
        recipe["order"] = list(labels)  # a job's text has mappings in the order of the alphabet
        code = self.code("lossbars.experiments.strings.steps.figure", (STRING_FIGURE_MODULE[figure],))
        return Job("string_figure", experiment, "", recipe, code, expects)

    def shows_strings(self, key: str) -> bool:
        """Whether a figure shows the strings themselves."""
        return self.plan.figures[key][1] == "string-views"

    @once
    def string_claims(self, experiment: str) -> Job:
        """An experiment's claims."""
        whole, table = self.plan.strings[experiment], self.string_table(experiment)
        models = {model: plain(own) | {"label": own.label or model} for model, own in whole.models.items()}
        for own in models.values():
            del own["resources"]
        recipe = {"data": plain_data(whole.data), "samples": whole.samples, "pairs": whole.pairs}
        recipe |= {"scale": self.scale_of(experiment), "models": models, "order": list(models)}
        code = self.code("lossbars.experiments.strings.steps.claims")
        return Job("string_claims", experiment, "", recipe, code, {table.kind: table.key})


def plain_data(data: Any) -> Any:
    """The name of a data set, or what is said of a text."""
    return data if data is None or isinstance(data, str) else plain(data)


def string_artefacts(jobs: StringJobs, experiment: str) -> Iterator[Expected]:
    """The data set where there is one, strings of each model, and the table of all answers."""
    plan = jobs.plan
    if experiment in plan.with_data:
        yield Expected(plan.dataset_path(experiment), "dataset", jobs.dataset(plan.data_key(experiment)))
    for model in plan.strings[experiment].models:
        for block in plan.string_blocks(experiment):
            for suffix in ("safetensors", "parquet"):
                path = f"{plan.folder(experiment, model)}/strings/{block}.{suffix}"
                yield Expected(path, "strings", jobs.strings(experiment, model), block)
    yield Expected(f"{plan.results}/{experiment}/strings.parquet", "string_table", jobs.string_table(experiment))
