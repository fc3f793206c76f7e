"""The jobs of a plan: those of each kind of experiment, and of the documents on all of them. Loads no torch."""

import itertools
import json
from collections.abc import Iterator

import yaml

from lossbars.embedding_jobs import embedding_artefacts
from lossbars.escape_jobs import EscapeJobs, escape_artefacts
from lossbars.expected import Expected, network_artefacts, rule_graph
from lossbars.experiments import Scale
from lossbars.fingerprint import SOURCE, text_fingerprint
from lossbars.function_expected import convergence_artefacts, function_artefacts
from lossbars.hessian_jobs import HessianJobs, hessian_artefacts
from lossbars.job import Job
from lossbars.job_maker import plain
from lossbars.saddle_jobs import SaddleJobs, saddle_artefacts
from lossbars.string_jobs import StringJobs, string_artefacts

REPORT_TEMPLATE = SOURCE / "templates" / "report.html.j2"


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
        if experiment in self.plan.escapes:
            return self.escape_usage(experiment)
        if experiment in self.plan.saddles:
            return self.saddle_usage(experiment)
        if experiment in self.plan.strings:
            return self.string_usage(experiment)
        if experiment in self.plan.hessians:
            return self.hessian_usage(experiment)
        make = self.network_usage if experiment in self.plan.networks else self.function_usage
        return make(experiment)

    # Documents ------------------------------------------------------------------------------------

    def claims_report(self, experiments: list[str]) -> Job:
        """The claims of all experiments that ran, in one document."""
        expects = {f"claims/{key}": self.claims(key).key for key in experiments}
        return Job("claims_report", "", "", {}, self.code("lossbars.steps.claims_report"), expects)

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
        code = f"{self.code('lossbars.steps.report')}-{text_fingerprint(REPORT_TEMPLATE)}"
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
        return Job("provenance", "", "", recipe, self.code("lossbars.steps.provenance"), expects)
