"""What a run leaves: every artefact's path, the rule and the job that make it. Loads no torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from lossbars.blocks import base
from lossbars.job import Job

if TYPE_CHECKING:
    from lossbars.jobs import Jobs
    from lossbars.network_jobs import NetworkJobs


@dataclass(frozen=True)
class Expected:
    """One file: where it is, and what must have made it."""

    path: str
    rule: str
    job: Job
    part: str = ""  # block of seeds, pairs or triples, a cloud, or a size, as in the path; of rules with several jobs

    @property
    def experiment(self) -> str:
        """Empty for a data set, which experiments share."""
        return self.job.experiment

    @property
    def asks_as(self) -> str:
        """What its resources are asked for by: the kind of what is trained, which may have a name, else the rule."""
        return self.job.kind if base(self.job.kind) == self.rule else self.rule

    @property
    def log(self) -> PurePath:
        """Where the rule logs; its benchmark has the same name."""
        path = PurePath(self.path)
        if self.part:
            return path.parent.parent / "logs" / f"{self.job.kind}-{self.part}.log"
        folder = path.parent.parent if self.rule == "usage" else path.parent
        return folder / "logs" / f"{path.stem}.log"


def expected(jobs: "Jobs", experiment: str) -> list[Expected]:
    """All artefacts of an experiment, inputs before what is made of them; the common documents apart."""
    plan = jobs.plan
    found = list(jobs.artefacts(experiment))
    for key, (own, _) in plan.figures.items():
        if own == experiment:
            job = jobs.figure(key)
            found += [Expected(f"{plan.results}/figures/{key}.{kind}", job.kind, job) for kind in ("pdf", "svg")]
    claims = jobs.claims(experiment)
    found.append(Expected(f"{plan.results}/{experiment}/claims.parquet", claims.kind, claims))
    found.append(Expected(plan.usage_path(experiment), "usage", jobs.usage(experiment)))
    return found


def targets(jobs: "Jobs", experiment: str) -> list[str]:
    """Paths that a run of the experiment is asked for; data sets and robustness are made where something needs them.

    What lies between is named too: Snakemake does not make again a deleted file that only made files need.
    """
    return [one.path for one in expected(jobs, experiment) if one.rule not in ("dataset", "robustness")]


def documents(jobs: "Jobs", experiments: Sequence[str]) -> list[Expected]:
    """The common documents, on these experiments."""
    folder, claims = jobs.plan.results, jobs.claims_report(list(experiments))
    return [
        Expected(f"{folder}/claims.md", "claims_report", claims),
        Expected(f"{folder}/claims.parquet", "claims_report", claims),
        Expected(f"{folder}/report.html", "report", jobs.report(list(experiments))),
        Expected(f"{folder}/provenance.json", "provenance", jobs.provenance(list(experiments))),
    ]


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


def rule_graph(jobs: "Jobs", experiment: str) -> dict[str, tuple[int, list[str]]]:
    """Rule → number of its jobs, and the rules whose results it reads; in the order of a run."""
    paths: dict[str, set[str]] = {}
    needs: dict[str, dict[str, None]] = {}
    for one in expected(jobs, experiment):
        paths.setdefault(one.rule, set()).add(one.path.rpartition(".")[0])  # a job's files differ in their suffix
        needs.setdefault(one.rule, {}).update({base(name.partition("/")[0]): None for name in one.job.expects})
    return {rule: (len(paths[rule]), list(needs[rule])) for rule in paths}
