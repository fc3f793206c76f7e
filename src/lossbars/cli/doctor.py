"""``lossbars doctor``: what would stop a run, before it starts."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lossbars.cli import cluster_checks, local_checks
from lossbars.cli.finding import Finding, fail, ok
from lossbars.cli.profile import ProfileError, read_profile
from lossbars.documents.budget import named_experiments
from lossbars.workflow.plan import Plan


def doctor(plan: Plan, profile: str | None, experiments: Sequence[str]) -> tuple[list[str], int]:
    """What ``lossbars doctor`` prints, and its exit status: 1 where a run would fail.

    Raises ValueError for a name that is no experiment.
    """
    findings = list(check(plan, profile, named_experiments(plan, experiments)))
    lines = [line for finding in findings for line in finding.lines()]
    return lines, int(any(finding.level == "fail" for finding in findings))


def check(plan: Plan, profile: str | None, experiments: Sequence[str]) -> Iterator[Finding]:
    """All findings; those of the cluster where a profile sends jobs to one."""
    yield from local_checks.local_checks(plan, experiments, on_cluster=profile is not None)
    if profile is None:
        return
    try:
        cluster = read_profile(profile)
    except ProfileError as error:
        yield fail(str(error), "run in the folder of the Snakefile, or give the path of the profile's folder")
        return
    yield ok(f"profile {cluster.file}")
    if cluster.slurm:
        yield from cluster_checks.cluster_checks(plan, cluster, experiments, Path.cwd())
