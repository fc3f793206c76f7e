"""Jobs of experiments on networks: recipe, code and expected inputs of every rule. Loads no torch."""

from collections.abc import Iterator
from typing import Any

from lossbars.datasets.modules import DATASET_MODULE
from lossbars.datasets.specs import DATASETS, TextData
from lossbars.experiments.networks.config import Model
from lossbars.experiments.networks.embeddings.plan import embedding_job
from lossbars.networks.modules import NETWORK_MODULE
from lossbars.networks.specs import CustomNetwork
from lossbars.recipes import AnyCurves, Curves, Descent, Paths, Strings, Triangles
from lossbars.workflow.blocks import base, groups_of, stacked
from lossbars.workflow.job import Job
from lossbars.workflow.job_maker import JobMaker, once, plain, training_settings, user_file
from lossbars.workflow.resources import request
from lossbars.workflow.tasks import Expected

FIGURE_MODULE = {
    "barcodes": "lossbars.experiments.networks.figures.barcodes",
    "to-score": "lossbars.experiments.networks.figures.to_score",
    "profiles": "lossbars.experiments.networks.figures.profiles",
    "optimisers": "lossbars.experiments.networks.figures.optimisers",
    "modulo": "lossbars.experiments.networks.figures.modulo",
    "path-norms": "lossbars.experiments.networks.figures.path_norms",
    "triangle": "lossbars.experiments.networks.figures.triangle",
    "robustness": "lossbars.experiments.networks.figures.robustness",
    "persistence": "lossbars.experiments.networks.figures.persistence",
    "embeddings": "lossbars.experiments.networks.embeddings.figure",
    "complexity": "lossbars.experiments.networks.figures.complexity",
    "one-saddles": "lossbars.experiments.networks.figures.barcodes",
    "string-bridge": "lossbars.experiments.networks.figures.string_bridge",
    "components": "lossbars.plots.components",
}
ALIGNMENT_MODULES = ("lossbars.symmetry.alignment", "lossbars.symmetry.permutations")


def descent_of(model: Model, kind: str, groups: str = "0") -> Descent:
    """The recipe by which a model's minima (of one group), curves or triangles are trained."""
    if kind == "minima" and model.groups:
        return list(model.groups.values())[int(groups)].minima
    return model.kinds[kind]


class NetworkJobs(JobMaker):
    """Jobs of the experiments on networks."""

    @once
    def dataset(self, key: str) -> Job:
        """Fetching a data set; ``key`` is its file's name."""
        name = self.plan.data_keys[key]
        if isinstance(name, TextData):
            code = self.code("lossbars.workflow.dataset_step", ("lossbars.datasets.text",))
            return Job("dataset", "", key, {"name": name.title, "text": plain(name)}, code)
        recipe = {"name": name} | user_file("file", name if name not in DATASETS else None)
        module = DATASET_MODULE.get(name, "lossbars.datasets.custom")
        return Job("dataset", "", key, recipe, self.code("lossbars.workflow.dataset_step", (module,)))

    @once
    def trained(self, kind: str, experiment: str, model: str, groups: str = "0") -> Job:
        """Minima, curves or triangles of a model, whose corners are minima of these groups (``0``, ``0+1``, …)."""
        whole, own = self.plan.networks[experiment], self.plan.model(experiment, model)
        custom = own.network.source if isinstance(own.network, CustomNetwork) else None
        recipe = {
            "network": plain(own.network),
            base(kind): plain(descent_of(own, kind, groups)),
        }
        recipe |= training_settings(whole, self.plan.scale) | user_file("network_file", custom)
        expects = {"dataset": self.dataset(self.plan.data_key(experiment)).key}
        if kind != "minima":
            expects |= self.keys("minima", experiment, model, groups)
        if base(kind) == "triangles" and recipe["triangles"]["sides"] == "fixed":
            expects |= self.keys("curves", experiment, model, groups)
        chosen = (NETWORK_MODULE[own.network.kind], *(ALIGNMENT_MODULES if kind in own.aligned else ()))
        code = self.code(f"lossbars.experiments.networks.steps.{self.step(kind, experiment, model)}", chosen)
        return Job(kind, experiment, model, recipe, code, expects)

    def step(self, kind: str, experiment: str, model: str) -> str:
        """The step that trains: points of a path and beads of a string are moved by other ones than a curve's."""
        descent = self.plan.model(experiment, model).kinds[kind]
        return {Paths: "paths", Strings: "string_curves"}.get(type(descent), base(kind))

    def of_part(self, kind: str, experiment: str, model: str, part: str) -> Job:
        """The job of one part, a block or the blocks of a pair or a triple."""
        return self.trained(kind, experiment, model, groups_of(part))

    def keys(self, kind: str, experiment: str, model: str, within: str = "") -> dict[str, str]:
        """``kind``, or ``kind/groups`` where the model has groups → key of the job; ``within`` these groups alone."""
        several = bool(self.plan.model(experiment, model).groups)
        found = dict.fromkeys(map(groups_of, self.plan.parts(experiment, model, kind)))
        inside = [g for g in found if not within or set(g.split("+")) <= set(within.split("+"))]
        return {f"{kind}/{g}" if several else kind: self.trained(kind, experiment, model, g).key for g in inside}

    @once
    def complex(self, experiment: str, model: str) -> Job:
        """The filtered complex of a model."""
        expects: dict[str, str] = {}
        for kind in self.plan.kinds(experiment, model):
            expects |= self.keys(kind, experiment, model)
        return Job("complex", experiment, model, {}, self.code("lossbars.experiments.networks.steps.complex"), expects)

    @once
    def barcode(self, experiment: str, model: str) -> Job:
        """The barcodes of a model."""
        expects = {"complex": self.complex(experiment, model).key}
        return Job("barcode", experiment, model, {}, self.code("lossbars.experiments.networks.steps.barcode"), expects)

    @once
    def robustness(self, experiment: str, model: str) -> Job:
        """The barcodes of subsets of a model's minima."""
        recipe = {"robustness": plain(self.plan.networks[experiment].robustness)}
        expects = {"complex": self.complex(experiment, model).key}
        return Job(
            "robustness",
            experiment,
            model,
            recipe,
            self.code("lossbars.experiments.networks.steps.robustness"),
            expects,
        )

    @once
    def embedding(self, experiment: str, name: str) -> Job:
        """Theorem 2 on a model's minima and curves in a larger one."""
        one, models = self.plan.networks[experiment].embeddings[name], self.plan.networks[experiment].models
        kinds = dict.fromkeys(models[model].network.kind for model in (one.small, one.large))
        return embedding_job(self, experiment, name, tuple(NETWORK_MODULE[kind] for kind in kinds))

    def embedding_keys(self, experiment: str) -> dict[str, str]:
        """``embedding/NAME`` → key."""
        names = self.plan.networks[experiment].embeddings
        return {f"embedding/{name}": self.embedding(experiment, name).key for name in names}

    @once
    def tables(self, experiment: str) -> Job:
        """The one table of an experiment's bars."""
        expects = {f"barcode/{model}": self.barcode(experiment, model).key for model in self._models(experiment)}
        return Job("tables", experiment, "", {}, self.code("lossbars.experiments.networks.steps.tables"), expects)

    @once
    def network_figure(self, key: str) -> Job:
        """A figure; ``key`` names the experiment and the figure."""
        experiment, figure = self.plan.figures[key]
        whole = self.plan.networks[experiment]
        models = {m: own for m, own in whole.models.items() if own.triangles or figure != "one-saddles"}
        labels = {model: own.label or model for model, own in models.items()}
        recipe: dict[str, Any] = {"figure": figure, "title": whole.title, "labels": labels, "order": list(labels)}
        if figure in ("optimisers", "path-norms", "triangle"):
            recipe["recipes"] = {model: recipe_labels(own) for model, own in whole.models.items()}
        if figure == "string-bridge":
            recipe["strings"] = {model: own.strings for model, own in whole.models.items() if own.strings}
        if figure == "complexity":
            recipe["networks"] = {model: plain(own.network) for model, own in whole.models.items()}
        if figure == "barcodes" and any(own.groups for own in whole.models.values()):
            recipe["groups"] = {model: group_labels(own) for model, own in whole.models.items()}
        expects = {"tables": self.tables(experiment).key}
        if figure == "embeddings":
            recipe["labels"] = {name: one.label or name for name, one in whole.embeddings.items()}
            expects |= self.embedding_keys(experiment)
        for model in whole.models:
            expects |= self._read(experiment, model, self.figure_inputs(key))
        return Job(
            "figure",
            experiment,
            "",
            recipe,
            self.code("lossbars.experiments.networks.steps.figure", (FIGURE_MODULE[figure],)),
            expects,
        )

    def figure_inputs(self, key: str) -> list[str]:
        """What a figure reads of every model, beside the table of bars."""
        experiment, figure = self.plan.figures[key]
        wanted = {
            "profiles": ["curves"],
            "optimisers": ["curves"],
            "modulo": ["curves"],
            "string-bridge": ["curves"],
            "path-norms": ["paths"],
            "triangle": ["triangles"],
            "robustness": ["robustness"],
            "to-score": ["robustness"],
            "complexity": ["minima"],
        }
        kinds = wanted.get(figure, [])  # paths: curves of that family, whose tensors hold how they moved
        return [kind for kind in kinds if kind != "robustness" or self.plan.networks[experiment].robustness]

    @once
    def network_claims(self, experiment: str) -> Job:
        """An experiment's claims."""
        whole = self.plan.networks[experiment]
        budgets = {
            model: {kind: plain(descent) for kind, descent in own.kinds.items()}
            | {"network": plain(own.network), "label": own.label or model, "recipes": recipe_labels(own)}
            | ({"groups": plain_groups(own)} if own.groups else {})
            for model, own in whole.models.items()
        }
        recipe = {
            "title": whole.title,
            "scale": self.scale_of(experiment),
            "seeds": whole.seeds,
            "data": plain(whole.data) if isinstance(whole.data, TextData) else whole.data,
            "samples": whole.samples,
            "models": budgets,
            "order": list(budgets),  # a job's text has mappings in the order of the alphabet
        }
        if whole.embeddings:
            recipe["embeddings"] = {n: plain(one) | {"label": one.label or n} for n, one in whole.embeddings.items()}
        expects = {"tables": self.tables(experiment).key} | self.embedding_keys(experiment)
        for model in budgets:
            kinds = ["minima", "curves", "triangles", *["robustness"] * bool(whole.robustness)]
            expects |= self._read(experiment, model, kinds)
        return Job("claims", experiment, "", recipe, self.code("lossbars.experiments.networks.steps.claims"), expects)

    @once
    def network_usage(self, experiment: str) -> Job:
        """What the experiment's jobs used, beside what they asked for."""
        whole = self.plan.networks[experiment]
        kinds = [(model, kind) for model in whole.models for kind in self.plan.kinds(experiment, model)]
        sizes = {(m, k, stacked(k, part)) for m, k in kinds for part in self.plan.parts(experiment, m, k)}
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
        asked |= {f"embedding/{one}": request(self.plan, "embedding", experiment, one) for one in whole.embeddings}
        drawn = [key for key, (own, _) in self.plan.figures.items() if own == experiment]
        recipe = {
            "data": self.plan.data_key(experiment),
            "models": {
                model: {"kinds": list(own.kinds), "blocks": self.plan.blocks(experiment, model), "across": whole.across}
                for model, own in whole.models.items()
            },
            "figures": drawn,
            "requests": {name: [one.mem_mb, one.runtime] for name, one in asked.items()},
            "embeddings": list(whole.embeddings),
        }
        expects = {"claims": self.network_claims(experiment).key}
        expects |= {f"figure/{key}": self.network_figure(key).key for key in drawn}
        return Job("usage", experiment, "", recipe, self.code("lossbars.documents.usage"), expects)

    def _models(self, experiment: str) -> list[str]:
        return list(self.plan.networks[experiment].models)

    def _read(self, experiment: str, model: str, wanted: list[str]) -> dict[str, str]:
        """``kind/model``, with groups ``kind/model/groups`` → key, of every kind of a model that is wanted."""
        found: dict[str, str] = {}
        if "robustness" in wanted:
            found[f"robustness/{model}"] = self.robustness(experiment, model).key
        for kind in self.read_kinds(experiment, model, wanted):
            for name, key in self.keys(kind, experiment, model).items():
                found["/".join([kind, model, *name.split("/")[1:]])] = key
        return found

    def read_kinds(self, experiment: str, model: str, wanted: list[str]) -> list[str]:
        """What is trained for a model, of ``minima``, ``curves``, ``triangles``, and ``paths`` among the curves."""
        kinds = self.plan.kinds(experiment, model)
        return [
            k for k in kinds if base(k) in wanted or ("paths" in wanted and self.step(k, experiment, model) == "paths")
        ]


def recipe_labels(model: Model) -> dict[str, str]:
    """What figures and claims call a model's recipes for curves and triangles."""
    found = {kind: _label(own) for kind, own in model.kinds.items() if kind != "minima"}
    twice = {text for text in found.values() if list(found.values()).count(text) > 1}
    return {
        kind: f"{text} ({kind.partition('-')[2] or 'first'})" if text in twice else text for kind, text in found.items()
    }


def _label(descent: Descent) -> str:
    match descent:
        case Curves(family=family):
            name = "Bezier" if family.kind == "bezier" else "chain"
            return f"{name}, {family.bends} bend{'s' if family.bends > 1 else ''}{_alignment(descent)}"
        case Paths(family=family):
            return f"flow, {family.points} points{_alignment(descent)}"
        case Strings(family=family):
            return f"strings (DSS), margin {family.margin:g}{_alignment(descent)}"
        case Triangles(sides=sides, epochs=epochs):
            return f"sides {sides}, {epochs} epochs"
    return ""


def _alignment(recipe: AnyCurves) -> str:
    return "" if recipe.align == "none" else ", aligned"


def group_labels(model: Model) -> list[str]:
    """What figures call the groups of a model's minima; none where it has no groups."""
    return [own.label or key for key, own in model.groups.items()]


def plain_groups(model: Model) -> list[dict[str, Any]]:
    """Label and recipe of each group."""
    return [{"label": own.label or key, "minima": plain(own.minima)} for key, own in model.groups.items()]


def network_artefacts(jobs: "NetworkJobs", experiment: str) -> Iterator[Expected]:
    """What the rules of networks leave, up to the table of bars."""
    plan = jobs.plan
    yield Expected(plan.dataset_path(experiment), "dataset", jobs.dataset(plan.data_key(experiment)))
    for model in plan.networks[experiment].models:
        yield from _of_model(jobs, experiment, model)
    yield Expected(f"{plan.results}/{experiment}/barcodes.parquet", "tables", jobs.tables(experiment))


def _of_model(jobs: "NetworkJobs", experiment: str, model: str) -> Iterator[Expected]:
    plan, folder = jobs.plan, jobs.plan.folder(experiment, model)
    for kind in plan.kinds(experiment, model):
        for part in plan.parts(experiment, model, kind):
            job = jobs.of_part(kind, experiment, model, part)
            for suffix in ("safetensors", "parquet"):
                yield Expected(f"{folder}/{kind}/{part}.{suffix}", base(kind), job, part)
    yield Expected(f"{folder}/complex.json", "complex", jobs.complex(experiment, model))
    yield Expected(f"{folder}/barcode.json", "barcode", jobs.barcode(experiment, model))
    if plan.networks[experiment].robustness:
        yield Expected(f"{folder}/robustness.parquet", "robustness", jobs.robustness(experiment, model))
