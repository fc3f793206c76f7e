"""What a run leaves: every artefact's path, the rule and the job that make it. Loads no torch."""

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from lossbars.workflow.blocks import base
from lossbars.workflow.job import Job

if TYPE_CHECKING:
    from lossbars.documents.plan import Jobs


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
