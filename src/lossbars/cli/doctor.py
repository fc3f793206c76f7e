"""``lossbars doctor``: what would stop a run, before it starts."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from lossbars.cli import cluster_checks, local_checks
from lossbars.cli.finding import Finding, fail, ok
from lossbars.cli.profile import ProfileError, read_profile
from lossbars.documents.plan import Jobs


def doctor(jobs: Jobs, profile: str | None, experiments: Sequence[str]) -> tuple[list[str], int]:
    """What ``lossbars doctor`` prints, and its exit status: 1 where a run would fail.

    Raises ValueError for a name that is no experiment.
    """
    known = jobs.plan.experiments
    if unknown := [key for key in experiments if key not in known]:
        raise ValueError(f"{unknown[0]} is no experiment of this configuration: it has {', '.join(known)}")
    findings = list(check(jobs, profile, experiments or list(known)))
    lines = [line for finding in findings for line in finding.lines()]
    return lines, int(any(finding.level == "fail" for finding in findings))


def check(jobs: Jobs, profile: str | None, experiments: Sequence[str]) -> Iterator[Finding]:
    """All findings; those of the cluster where a profile sends jobs to one."""
    yield from local_checks.local_checks(jobs, experiments, on_cluster=profile is not None)
    if profile is None:
        return
    try:
        own = read_profile(profile)
    except ProfileError as error:
        yield fail(str(error), "run in the folder of the Snakefile, or give the path of the profile's folder")
        return
    yield ok(f"profile {own.file}")
    if own.slurm:
        yield from cluster_checks.cluster_checks(jobs, own, experiments, Path.cwd())
