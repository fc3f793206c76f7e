"""Jobs of experiments on networks: recipe, code and expected inputs of every rule. Loads no torch."""

from lossbars.blocks import parts, stacked
from lossbars.experiments import DATASETS, CustomNetwork
from lossbars.job import Job
from lossbars.job_maker import JobMaker, once, plain, user_file
from lossbars.resources import request

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


class NetworkJobs(JobMaker):
    """Jobs of the experiments on networks."""

    @once
    def dataset(self, key: str) -> Job:
        """Fetching a data set; ``key`` is its file's name."""
        name = self.plan.data_keys[key]
        recipe = {"name": name} | user_file("file", name if name not in DATASETS else None)
        module = DATASET_MODULE.get(name, "lossbars.datasets.custom")
        return Job("dataset", "", key, recipe, self.code("lossbars.steps.dataset", (module,)))

    @once
    def trained(self, kind: str, experiment: str, model: str) -> Job:
        """Minima, curves or triangles of a model."""
        whole, own = self.plan.networks[experiment], self.plan.model(experiment, model)
        custom = own.network.source if isinstance(own.network, CustomNetwork) else None
        recipe = {
            "network": plain(own.network),
            "augment": whole.augment,
            "samples": whole.samples,
            "samples_scale": self.plan.scale.samples,
            kind: plain(getattr(own, kind)),
        } | user_file("network_file", custom)
        expects = {"dataset": self.dataset(self.plan.data_key(experiment)).key}
        if kind in ("curves", "triangles"):
            expects["minima"] = self.trained("minima", experiment, model).key
        if kind == "triangles" and recipe["triangles"]["sides"] == "fixed":
            expects["curves"] = self.trained("curves", experiment, model).key
        code = self.code(f"lossbars.steps.{kind}", (NETWORK_MODULE[own.network.kind],))
        return Job(kind, experiment, model, recipe, code, expects)

    @once
    def complex(self, experiment: str, model: str) -> Job:
        """The filtered complex of a model."""
        kinds = ["minima", "curves"] + ["triangles"] * (self.plan.model(experiment, model).triangles is not None)
        expects = {kind: self.trained(kind, experiment, model).key for kind in kinds}
        return Job("complex", experiment, model, {}, self.code("lossbars.steps.complex"), expects)

    @once
    def barcode(self, experiment: str, model: str) -> Job:
        """The barcodes of a model."""
        expects = {"complex": self.complex(experiment, model).key}
        return Job("barcode", experiment, model, {}, self.code("lossbars.steps.barcode"), expects)

    @once
    def robustness(self, experiment: str, model: str) -> Job:
        """The barcodes of subsets of a model's minima."""
        recipe = {"robustness": plain(self.plan.networks[experiment].robustness)}
        expects = {"complex": self.complex(experiment, model).key}
        return Job("robustness", experiment, model, recipe, self.code("lossbars.steps.robustness"), expects)

    @once
    def tables(self, experiment: str) -> Job:
        """The one table of an experiment's bars."""
        expects = {f"barcode/{model}": self.barcode(experiment, model).key for model in self._models(experiment)}
        return Job("tables", experiment, "", {}, self.code("lossbars.steps.tables"), expects)

    @once
    def network_figure(self, key: str) -> Job:
        """A figure; ``key`` names the experiment and the figure."""
        experiment, figure = self.plan.figures[key]
        whole = self.plan.networks[experiment]
        labels = {model: own.label or model for model, own in whole.models.items()}
        recipe = {"figure": figure, "title": whole.title, "labels": labels}
        expects = {"tables": self.tables(experiment).key} | {
            f"{kind}/{model}": self._key(kind, experiment, model)
            for kind in self.figure_inputs(key)
            for model in self._models(experiment)
            if kind != "triangles" or whole.models[model].triangles
        }
        return Job(
            "figure", experiment, "", recipe, self.code("lossbars.steps.figure", (FIGURE_MODULE[figure],)), expects
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
        return [kind for kind in kinds if kind != "robustness" or self.plan.networks[experiment].robustness]

    @once
    def network_claims(self, experiment: str) -> Job:
        """An experiment's claims."""
        whole = self.plan.networks[experiment]
        budgets = {
            model: {kind: plain(getattr(own, kind)) for kind in ("minima", "curves", "triangles") if getattr(own, kind)}
            | {"network": plain(own.network), "label": own.label or model}
            for model, own in whole.models.items()
        }
        recipe = {
            "title": whole.title,
            "scale": self.scale_of(experiment),
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
        return Job("claims", experiment, "", recipe, self.code("lossbars.steps.claims"), expects)

    @once
    def network_usage(self, experiment: str) -> Job:
        """What the experiment's jobs used, beside what they asked for."""
        whole, names = self.plan.networks[experiment], self.plan.blocks(experiment)
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
        drawn = [key for key, (own, _) in self.plan.figures.items() if own == experiment]
        recipe = {
            "data": self.plan.data_key(experiment),
            "blocks": names,
            "models": models,
            "figures": drawn,
            "requests": {name: [one.mem_mb, one.runtime] for name, one in asked.items()},
        }
        expects = {"claims": self.network_claims(experiment).key}
        expects |= {f"figure/{key}": self.network_figure(key).key for key in drawn}
        return Job("usage", experiment, "", recipe, self.code("lossbars.steps.usage"), expects)

    def _models(self, experiment: str) -> list[str]:
        return list(self.plan.networks[experiment].models)

    def _key(self, kind: str, experiment: str, model: str) -> str:
        if kind == "robustness":
            return self.robustness(experiment, model).key
        return self.trained(kind, experiment, model).key
