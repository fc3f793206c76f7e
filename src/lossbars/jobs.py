"""The jobs of a plan: recipe, code and expected inputs of every rule. Loads no torch."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

import yaml

from lossbars.blocks import parts, stacked
from lossbars.expected import rule_graph
from lossbars.experiments import DATASETS, CustomNetwork, Scale, split_source
from lossbars.fingerprint import SOURCE, file_fingerprint, fingerprint, text_fingerprint
from lossbars.job import Job
from lossbars.plan import Plan
from lossbars.recipes import Recipe
from lossbars.resources import request

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


def _once(method: "Callable[Concatenate[Jobs, ...], Job]") -> "Callable[Concatenate[Jobs, ...], Job]":
    """Makes each job once: a plan of thousands of jobs asks for the same few again and again."""

    @wraps(method)
    def made_before(self: "Jobs", *names: str) -> Job:
        place = (method.__name__, *names)
        if place not in self._made:
            self._made[place] = method(self, *names)
        return self._made[place]

    return made_before


class Jobs:
    """Jobs of one plan. The key of each covers all that comes before it, since it names its inputs' keys."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.codes: dict[str, tuple[str, tuple[str, ...]]] = {}  # fingerprint → what it was asked for
        self._made: dict[tuple[str, ...], Job] = {}

    @_once
    def dataset(self, key: str) -> Job:
        """Fetching a data set; ``key`` is its file's name."""
        name = self.plan.data_keys[key]
        recipe = {"name": name} | _user_file("file", name if name not in DATASETS else None)
        module = DATASET_MODULE.get(name, "lossbars.datasets.custom")
        return Job("dataset", "", key, recipe, self._code("lossbars.steps.dataset", (module,)))

    @_once
    def trained(self, kind: str, experiment: str, model: str) -> Job:
        """Minima, curves or triangles of a model."""
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
        code = self._code(f"lossbars.steps.{kind}", (NETWORK_MODULE[own.network.kind],))
        return Job(kind, experiment, model, recipe, code, expects)

    @_once
    def complex(self, experiment: str, model: str) -> Job:
        """The filtered complex of a model."""
        kinds = ["minima", "curves"] + ["triangles"] * (self.plan.model(experiment, model).triangles is not None)
        expects = {kind: self.trained(kind, experiment, model).key for kind in kinds}
        return Job("complex", experiment, model, {}, self._code("lossbars.steps.complex"), expects)

    @_once
    def barcode(self, experiment: str, model: str) -> Job:
        """The barcodes of a model."""
        expects = {"complex": self.complex(experiment, model).key}
        return Job("barcode", experiment, model, {}, self._code("lossbars.steps.barcode"), expects)

    @_once
    def robustness(self, experiment: str, model: str) -> Job:
        """The barcodes of subsets of a model's minima."""
        recipe = {"robustness": _plain(self.plan.experiments[experiment].robustness)}
        expects = {"complex": self.complex(experiment, model).key}
        return Job("robustness", experiment, model, recipe, self._code("lossbars.steps.robustness"), expects)

    @_once
    def tables(self, experiment: str) -> Job:
        """The one table of an experiment's bars."""
        expects = {f"barcode/{model}": self.barcode(experiment, model).key for model in self._models(experiment)}
        return Job("tables", experiment, "", {}, self._code("lossbars.steps.tables"), expects)

    @_once
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
            "figure", experiment, "", recipe, self._code("lossbars.steps.figure", (FIGURE_MODULE[figure],)), expects
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

    @_once
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
        return Job("claims", experiment, "", recipe, self._code("lossbars.steps.claims"), expects)

    @_once
    def usage(self, experiment: str) -> Job:
        """What the experiment's jobs used, beside what they asked for."""
        whole, names = self.plan.experiments[experiment], self.plan.blocks(experiment)
        models = {model: self.plan.kinds(experiment, model) for model in whole.models}
        sizes = {(m, k, stacked(k, part)) for m, kinds in models.items() for k in kinds for part in parts(k, names)}
        asked = {f"{k}/{m}/{n}": request(self.plan, k, experiment, m, n) for m, k, n in sorted(sizes)}
        short = [
            "dataset",
            "complex",
            "barcode",
            *["robustness"] * bool(whole.robustness),
            "tables",
            "figure",
            "claims",
        ]
        asked |= {rule: request(self.plan, rule) for rule in short}
        figures = {key: self.figure(key).key for key, (own, _) in self.plan.figures.items() if own == experiment}
        recipe = {
            "data": self.plan.data_key(experiment),
            "blocks": names,
            "models": models,
            "figures": list(figures),
            "requests": {name: [one.mem_mb, one.runtime] for name, one in asked.items()},
        }
        expects = {"claims": self.claims(experiment).key} | {f"figure/{key}": own for key, own in figures.items()}
        return Job("usage", experiment, "", recipe, self._code("lossbars.steps.usage"), expects)

    def claims_report(self, experiments: list[str]) -> Job:
        """The claims of all experiments that ran, in one document."""
        expects = {f"claims/{key}": self.claims(key).key for key in experiments}
        return Job("claims_report", "", "", {}, self._code("lossbars.steps.claims_report"), expects)

    def report(self, experiments: list[str]) -> Job:
        """The report of all experiments that ran."""
        recipe = {
            "experiments": {key: _plain(self.plan.experiments[key]) for key in experiments},
            "given": {key: self._given(key) for key in experiments},
            "rules": {key: rule_graph(self, key) for key in experiments},
        }
        expects = {f"claims/{key}": self.claims(key).key for key in experiments}
        expects |= {f"usage/{key}": self.usage(key).key for key in experiments}
        expects |= {f"barcode/{key}/{m}": self.barcode(key, m).key for key in experiments for m in self._models(key)}
        figures = [key for key, (own, _) in self.plan.figures.items() if own in experiments]
        expects |= {f"figure/{key}": self.figure(key).key for key in figures}
        code = f"{self._code('lossbars.steps.report')}-{text_fingerprint(REPORT_TEMPLATE)}"
        return Job("report", "", "", recipe, code, expects)

    def _given(self, experiment: str) -> str:
        """An experiment as YAML, in the order of the file that it was given in."""
        # through JSON: what an anchor puts in several places is then written out in each
        given = json.loads(json.dumps({"experiments": {experiment: self.plan.given[experiment]}}))
        scale = {} if self.plan.scale == Scale() else {"scale": _plain(self.plan.scale)}
        return yaml.safe_dump(scale | given, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)

    def provenance(self, experiments: list[str]) -> Job:
        """Where everything comes from that the experiments left; the recipe is their configuration, in its order."""
        given = {key: self.plan.given[key] for key in experiments}
        recipe = {"configuration": json.dumps({"experiments": given, "scale": _plain(self.plan.scale)})}
        expects = {f"usage/{key}": self.usage(key).key for key in experiments}
        expects |= {"claims_report": self.claims_report(experiments).key, "report": self.report(experiments).key}
        return Job("provenance", "", "", recipe, self._code("lossbars.steps.provenance"), expects)

    def _code(self, module: str, chosen: tuple[str, ...] = ()) -> str:
        code = fingerprint(module, chosen)
        self.codes[code] = (module, chosen)
        return code

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
