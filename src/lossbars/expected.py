"""What a run leaves: every artefact's path, the rule and the job that make it. Loads no torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lossbars.blocks import parts
from lossbars.job import Job

if TYPE_CHECKING:
    from lossbars.jobs import Jobs


@dataclass(frozen=True)
class Expected:
    """One file: where it is, and what must have made it."""

    path: str
    rule: str
    job: Job
    part: str = ""  # block of seeds, pairs or triples, as in the path; of the rules that train

    @property
    def experiment(self) -> str:
        """Empty for a data set, which experiments share."""
        return self.job.experiment


def expected(jobs: "Jobs", experiment: str) -> list[Expected]:
    """All artefacts of an experiment, inputs before what is made of them; the common documents apart."""
    plan = jobs.plan
    data = jobs.dataset(plan.data_key(experiment))
    found = [Expected(plan.dataset_path(experiment), "dataset", data)]
    for model in plan.experiments[experiment].models:
        found += _of_model(jobs, experiment, model)
    found.append(Expected(f"{plan.results}/{experiment}/barcodes.parquet", "tables", jobs.tables(experiment)))
    for key, (own, _) in plan.figures.items():
        if own == experiment:
            job = jobs.figure(key)
            found += [Expected(f"{plan.results}/figures/{key}.{kind}", "figure", job) for kind in ("pdf", "svg")]
    found.append(Expected(f"{plan.results}/{experiment}/claims.parquet", "claims", jobs.claims(experiment)))
    found.append(Expected(plan.usage_path(experiment), "usage", jobs.usage(experiment)))
    return found


def documents(jobs: "Jobs", experiments: Sequence[str]) -> list[Expected]:
    """The common documents, on these experiments."""
    folder, claims = jobs.plan.results, jobs.claims_report(list(experiments))
    return [
        Expected(f"{folder}/claims.md", "claims_report", claims),
        Expected(f"{folder}/claims.parquet", "claims_report", claims),
        Expected(f"{folder}/report.html", "report", jobs.report(list(experiments))),
        Expected(f"{folder}/provenance.json", "provenance", jobs.provenance(list(experiments))),
    ]


def _of_model(jobs: "Jobs", experiment: str, model: str) -> Iterator[Expected]:
    plan, names = jobs.plan, jobs.plan.blocks(experiment)
    folder = plan.folder(experiment, model)
    for kind in plan.kinds(experiment, model):
        job = jobs.trained(kind, experiment, model)
        for part in parts(kind, names):
            for suffix in ("safetensors", "parquet"):
                yield Expected(f"{folder}/{kind}/{part}.{suffix}", kind, job, part)
    yield Expected(f"{folder}/complex.json", "complex", jobs.complex(experiment, model))
    yield Expected(f"{folder}/barcode.json", "barcode", jobs.barcode(experiment, model))
    if plan.experiments[experiment].robustness:
        yield Expected(f"{folder}/robustness.parquet", "robustness", jobs.robustness(experiment, model))


def rule_graph(jobs: "Jobs", experiment: str) -> dict[str, tuple[int, list[str]]]:
    """Rule → number of its jobs, and the rules whose results it reads; in the order of a run."""
    paths: dict[str, set[str]] = {}
    needs: dict[str, dict[str, None]] = {}
    for one in expected(jobs, experiment):
        paths.setdefault(one.rule, set()).add(one.path.rpartition(".")[0])  # a job's files differ in their suffix
        needs.setdefault(one.rule, {}).update({name.partition("/")[0]: None for name in one.job.expects})
    return {rule: (len(paths[rule]), list(needs[rule])) for rule in paths}
