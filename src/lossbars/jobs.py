"""The jobs of a plan: recipe, code and expected inputs of every rule. Loads no torch."""

from functools import cache
from typing import Any

from lossbars.experiments import DATASETS, CustomNetwork, split_source
from lossbars.fingerprint import SOURCE, file_fingerprint, fingerprint, text_fingerprint
from lossbars.job import Job
from lossbars.plan import Plan
from lossbars.recipes import Recipe

REPORT_TEMPLATE = SOURCE / "templates" / "report.html.j2"

# The members that a job may choose, and so run.
NETWORK_MODULE = {
    "mlp": "lossbars.networks.mlp",
    "lenet": "lossbars.networks.lenet",
    "custom": "lossbars.networks.custom",
}
DATASET_MODULE = {
    "digits": "lossbars.datasets.digits",
    "mnist": "lossbars.datasets.mnist",
    "fmnist": "lossbars.datasets.mnist",
}
FIGURE_MODULE = {
    "barcodes": "lossbars.figures.barcodes",
    "to-score": "lossbars.figures.to_score",
    "profiles": "lossbars.figures.profiles",
    "triangle": "lossbars.figures.triangle",
    "robustness": "lossbars.figures.robustness",
    "persistence": "lossbars.figures.persistence",
}


class Jobs:
    """Jobs of one plan. The key of each covers all that comes before it, since it names its inputs' keys."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._trained = cache(self._make_trained)

    def dataset(self, key: str) -> Job:
        """Fetching a data set; ``key`` is its file's name."""
        name = self.plan.data_keys[key]
        recipe = {"name": name} | _user_file("file", name if name not in DATASETS else None)
        module = DATASET_MODULE.get(name, "lossbars.datasets.custom")
        return Job("dataset", "", key, recipe, fingerprint("lossbars.steps.dataset", (module,)))

    def trained(self, kind: str, experiment: str, model: str) -> Job:
        """Minima, curves or triangles of a model."""
        return self._trained(kind, experiment, model)

    def _make_trained(self, kind: str, experiment: str, model: str) -> Job:
        whole, own = self.plan.experiments[experiment], self.plan.model(experiment, model)
        custom = own.network.source if isinstance(own.network, CustomNetwork) else None
        recipe = {
            "network": _plain(own.network),
            "augment": whole.augment,
            "samples": whole.samples,
            "samples_scale": self.plan.scale.samples,
            kind: _plain(getattr(own, kind)),
        } | _user_file("network_file", custom)
        expects = {"dataset": self.dataset(self.plan.data_key(experiment)).key}
        if kind in ("curves", "triangles"):
            expects["minima"] = self.trained("minima", experiment, model).key
        if kind == "triangles" and recipe["triangles"]["sides"] == "fixed":
            expects["curves"] = self.trained("curves", experiment, model).key
        code = fingerprint(f"lossbars.steps.{kind}", (NETWORK_MODULE[own.network.kind],))
        return Job(kind, experiment, model, recipe, code, expects)

    def complex(self, experiment: str, model: str) -> Job:
        """The filtered complex of a model."""
        kinds = ["minima", "curves"] + ["triangles"] * (self.plan.model(experiment, model).triangles is not None)
        expects = {kind: self.trained(kind, experiment, model).key for kind in kinds}
        return Job("complex", experiment, model, {}, fingerprint("lossbars.steps.complex"), expects)

    def barcode(self, experiment: str, model: str) -> Job:
        """The barcodes of a model."""
        expects = {"complex": self.complex(experiment, model).key}
        return Job("barcode", experiment, model, {}, fingerprint("lossbars.steps.barcode"), expects)

    def robustness(self, experiment: str, model: str) -> Job:
        """The barcodes of subsets of a model's minima."""
        recipe = {"robustness": _plain(self.plan.experiments[experiment].robustness)}
        expects = {"complex": self.complex(experiment, model).key}
        return Job("robustness", experiment, model, recipe, fingerprint("lossbars.steps.robustness"), expects)

    def tables(self, experiment: str) -> Job:
        """The one table of an experiment's bars."""
        expects = {f"barcode/{model}": self.barcode(experiment, model).key for model in self._models(experiment)}
        return Job("tables", experiment, "", {}, fingerprint("lossbars.steps.tables"), expects)

    def figure(self, key: str) -> Job:
        """A figure; ``key`` names the experiment and the figure."""
        experiment, figure = self.plan.figures[key]
        whole = self.plan.experiments[experiment]
        labels = {model: own.label or model for model, own in whole.models.items()}
        recipe = {"figure": figure, "title": whole.title, "labels": labels}
        expects = {"tables": self.tables(experiment).key} | {
            f"{kind}/{model}": self._key(kind, experiment, model)
            for kind in self.figure_inputs(key)
            for model in self._models(experiment)
            if kind != "triangles" or whole.models[model].triangles
        }
        return Job(
            "figure", experiment, "", recipe, fingerprint("lossbars.steps.figure", (FIGURE_MODULE[figure],)), expects
        )

    def figure_inputs(self, key: str) -> list[str]:
        """What a figure reads of every model, beside the table of bars."""
        experiment, figure = self.plan.figures[key]
        wanted = {
            "profiles": ["curves"],
            "triangle": ["triangles"],
            "robustness": ["robustness"],
            "to-score": ["robustness"],
        }
        kinds = wanted.get(figure, [])
        return [kind for kind in kinds if kind != "robustness" or self.plan.experiments[experiment].robustness]

    def claims(self, experiment: str) -> Job:
        """An experiment's claims."""
        whole = self.plan.experiments[experiment]
        budgets = {
            model: {
                kind: _plain(getattr(own, kind)) for kind in ("minima", "curves", "triangles") if getattr(own, kind)
            }
            | {"network": _plain(own.network), "label": own.label or model}
            for model, own in whole.models.items()
        }
        recipe = {
            "title": whole.title,
            "scale": _plain(self.plan.scale),
            "seeds": whole.seeds,
            "data": whole.data,
            "samples": whole.samples,
            "models": budgets,
        }
        expects = {"tables": self.tables(experiment).key}
        for model in budgets:
            for kind in ["minima", "curves"] + ["triangles"] * (whole.models[model].triangles is not None):
                expects[f"{kind}/{model}"] = self.trained(kind, experiment, model).key
            if whole.robustness:
                expects[f"robustness/{model}"] = self.robustness(experiment, model).key
        return Job("claims", experiment, "", recipe, fingerprint("lossbars.steps.claims"), expects)

    def claims_report(self, experiments: list[str]) -> Job:
        """The claims of all experiments that ran, in one document."""
        expects = {f"claims/{key}": self.claims(key).key for key in experiments}
        return Job("claims_report", "", "", {}, fingerprint("lossbars.steps.claims_report"), expects)

    def report(self, experiments: list[str]) -> Job:
        """The report of all experiments that ran."""
        recipe = {key: _plain(self.plan.experiments[key]) for key in experiments}
        expects = {f"claims/{key}": self.claims(key).key for key in experiments}
        expects |= {f"barcode/{key}/{m}": self.barcode(key, m).key for key in experiments for m in self._models(key)}
        figures = {key: self.figure(key).key for key, (own, _) in self.plan.figures.items() if own in experiments}
        code = f"{fingerprint('lossbars.steps.report')}-{text_fingerprint(REPORT_TEMPLATE)}"
        return Job("report", "", "", recipe | {"figures": figures}, code, expects)

    def _models(self, experiment: str) -> list[str]:
        return list(self.plan.experiments[experiment].models)

    def _key(self, kind: str, experiment: str, model: str) -> str:
        if kind == "robustness":
            return self.robustness(experiment, model).key
        return self.trained(kind, experiment, model).key


def _plain(recipe: Recipe | None) -> Any:
    return None if recipe is None else recipe.model_dump(mode="json")


def _user_file(name: str, source: str | None) -> dict[str, str]:
    """The fingerprint of a user's file; what that file imports is not followed."""
    return {} if source is None else {name: file_fingerprint(split_source(source, name)[0])}
