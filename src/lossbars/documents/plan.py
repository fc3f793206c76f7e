"""The jobs of a plan: those of each kind of experiment, and of the documents on all of them. Loads no torch."""

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from lossbars.documents.rule_graph import rule_graph
from lossbars.experiments.convergence.plan import convergence_artefacts
from lossbars.experiments.escape.plan import EscapeJobs, escape_artefacts
from lossbars.experiments.functions.plan import function_artefacts
from lossbars.experiments.hessian.plan import HessianJobs, hessian_artefacts
from lossbars.experiments.networks.embeddings.plan import embedding_artefacts
from lossbars.experiments.networks.plan import network_artefacts
from lossbars.experiments.saddles.plan import SaddleJobs, saddle_artefacts
from lossbars.experiments.strings.plan import StringJobs, string_artefacts
from lossbars.workflow.experiment import Scale
from lossbars.workflow.fingerprint import SOURCE, text_fingerprint
from lossbars.workflow.job import Job
from lossbars.workflow.job_maker import once, plain
from lossbars.workflow.resources import amount, request
from lossbars.workflow.tasks import Expected

REPORT_TEMPLATE = SOURCE / "documents" / "report.html.j2"


class Jobs(StringJobs, SaddleJobs, HessianJobs, EscapeJobs):
    """All jobs of a plan. What differs from kind to kind of experiment is chosen here."""

    def artefacts(self, experiment: str) -> Iterator[Expected]:
        """What the experiment's own rules leave, up to its tables."""
        if experiment in self.plan.networks:
            return itertools.chain(network_artefacts(self, experiment), embedding_artefacts(self, experiment))
        if experiment in self.plan.escapes:
            return escape_artefacts(self, experiment)
        if experiment in self.plan.saddles:
            return saddle_artefacts(self, experiment)
        if experiment in self.plan.strings:
            return string_artefacts(self, experiment)
        if experiment in self.plan.hessians:
            return hessian_artefacts(self, experiment)
        of_kind = function_artefacts if experiment in self.plan.functions else convergence_artefacts
        return of_kind(self, experiment)

    def barcodes(self, experiment: str) -> dict[str, Job]:
        """Model → the job of its barcode.json, where it has one."""
        make = self.barcode if experiment in self.plan.networks else self.sublevel_barcode
        models = list(self.plan.experiments[experiment].models) if self.plan.has_barcodes(experiment) else []
        return {model: make(experiment, model) for model in models}

    def figure(self, key: str) -> Job:
        """A figure; ``key`` names the experiment and the figure."""
        if (experiment := self.plan.figures[key][0]) in self.plan.escapes:
            return self.escape_figure(key)
        if experiment in self.plan.saddles:
            return self.saddle_figure(key)
        if experiment in self.plan.strings:
            return self.string_figure(key)
        if experiment in self.plan.hessians:
            return self.hessian_figure(key)
        make = self.network_figure if experiment in self.plan.networks else self.function_figure
        return make(key)

    def claims(self, experiment: str) -> Job:
        """An experiment's claims."""
        if experiment in self.plan.escapes:
            return self.escape_claims(experiment)
        if experiment in self.plan.saddles:
            return self.saddle_claims(experiment)
        if experiment in self.plan.strings:
            return self.string_claims(experiment)
        if experiment in self.plan.hessians:
            return self.hessian_claims(experiment)
        make = self.network_claims if experiment in self.plan.networks else self.function_claims
        return make(experiment)

    def usage(self, experiment: str) -> Job:
        """What the experiment's jobs used, beside what they asked for."""
        return self.network_usage(experiment) if experiment in self.plan.networks else self._usage(experiment)

    @once
    def _usage(self, experiment: str) -> Job:
        """The same where each job is named alone; a job of several files counts once, and fetching data does not."""
        figures = {key: self.figure(key) for key, (own, _) in self.plan.figures.items() if own == experiment}
        claims, folder = self.claims(experiment), self.plan.results
        made = {one.log: one for one in self.artefacts(experiment) if one.rule != "dataset"}
        drawn = [Expected(f"{folder}/figures/{key}.svg", job.kind, job) for key, job in figures.items()]
        judged = Expected(f"{folder}/{experiment}/claims.parquet", claims.kind, claims)
        expects = {claims.kind: claims.key} | {f"{job.kind}/{key}": job.key for key, job in figures.items()}
        recipe = {"jobs": [self._asked(one, experiment) for one in (*made.values(), *drawn, judged)]}
        return Job("usage", experiment, "", recipe, self.code("lossbars.documents.usage"), expects)

    def _asked(self, one: Expected, experiment: str) -> list[Any]:
        """Rule, model, part, where Snakemake's measurement goes below the results, megabytes and minutes."""
        wanted = request(self.plan, one.rule, experiment, one.job.model, amount(one.rule, one.part))
        place = one.log.parent.parent / "benchmarks" / f"{one.log.stem}.tsv"
        below = str(place.relative_to(self.plan.results))
        return [one.rule, one.job.model, one.part, below, wanted.mem_mb, wanted.runtime]

    # Documents ------------------------------------------------------------------------------------

    def claims_report(self, experiments: list[str]) -> Job:
        """The claims of all experiments that ran, in one document."""
        expects = {f"claims/{key}": self.claims(key).key for key in experiments}
        return Job("claims_report", "", "", {}, self.code("lossbars.documents.claims_report"), expects)

    def report(self, experiments: list[str]) -> Job:
        """The report of all experiments that ran."""
        recipe = {
            "experiments": {key: plain(self.plan.experiments[key]) for key in experiments},
            "given": {key: self._given(key) for key in experiments},
            "rules": {key: rule_graph(self, key) for key in experiments},
        }
        expects = {f"claims/{key}": self.claims(key).key for key in experiments}
        expects |= {f"usage/{key}": self.usage(key).key for key in experiments}
        expects |= {f"barcode/{key}/{m}": job.key for key in experiments for m, job in self.barcodes(key).items()}
        figures = [key for key, (own, _) in self.plan.figures.items() if own in experiments]
        expects |= {f"figure/{key}": self.figure(key).key for key in figures}
        code = f"{self.code('lossbars.documents.report')}-{text_fingerprint(REPORT_TEMPLATE)}"
        return Job("report", "", "", recipe, code, expects)

    def _given(self, experiment: str) -> str:
        """An experiment as YAML, in the order of the file that it was given in."""
        # through JSON: what an anchor puts in several places is then written out in each
        given = json.loads(json.dumps({"experiments": {experiment: self.plan.given[experiment]}}))
        scale = {} if self.plan.scale == Scale() else {"scale": plain(self.plan.scale)}
        return yaml.safe_dump(scale | given, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)

    def provenance(self, experiments: list[str]) -> Job:
        """Where everything comes from that the experiments left; the recipe is their configuration, in its order."""
        given = {key: self.plan.given[key] for key in experiments}
        recipe = {"configuration": json.dumps({"experiments": given, "scale": plain(self.plan.scale)})}
        expects = {f"usage/{key}": self.usage(key).key for key in experiments}
        expects |= {"claims_report": self.claims_report(experiments).key, "report": self.report(experiments).key}
        return Job("provenance", "", "", recipe, self.code("lossbars.documents.provenance"), expects)


def documents(jobs: "Jobs", experiments: Sequence[str]) -> list[Expected]:
    """The common documents, on these experiments."""
    folder, claims = jobs.plan.results, jobs.claims_report(list(experiments))
    return [
        Expected(f"{folder}/claims.md", "claims_report", claims),
        Expected(f"{folder}/claims.parquet", "claims_report", claims),
        Expected(f"{folder}/report.html", "report", jobs.report(list(experiments))),
        Expected(f"{folder}/provenance.json", "provenance", jobs.provenance(list(experiments))),
    ]
