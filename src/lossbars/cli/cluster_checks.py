"""Checks of a SLURM cluster against a profile and a plan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from lossbars.cli import processes, slurm
from lossbars.cli.finding import Finding, fail, ok, warn
from lossbars.cli.profile import Profile
from lossbars.cli.recover import orphaned
from lossbars.documents.budget import Asked, asked
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import Request

PLUGIN = "snakemake_executor_plugin_slurm"
CHECKS_WITHIN = 3  # status checks for which squeue must remember a job that ended; the executor's own rule
FIRST_CHECK = 40  # seconds between these, where the profile does not say


def cluster_checks(plan: Plan, profile: Profile, experiments: Sequence[str], folder: Path) -> Iterator[Finding]:
    """Everything about the cluster; what needs SLURM's answers is left out where it does not answer."""
    if find_spec(PLUGIN) is None:
        yield fail("Snakemake's executor for SLURM is not installed", "make, or pip install it: see requirements.lock")
    try:
        controller = slurm.ask("scontrol", "ping").strip().splitlines()
        if not any("UP" in line for line in controller):
            raise slurm.SlurmError("; ".join(controller))
        settings, partitions = slurm.settings(), slurm.partitions()
        yield ok(f"SLURM {settings.get('SLURM_VERSION', '')} answers: {controller[0]}")
        yield from _status(settings, profile)
        yield from _partitions(partitions, profile)
        yield from _fits(plan, experiments, partitions, profile)
        if not processes.snakemakes(folder) and (left := orphaned(folder, profile)):
            yield fail(f"{len(left)} jobs of a run that was killed are queued", "lossbars recover --profile slurm")
    except slurm.SlurmError as error:
        yield fail(f"SLURM does not answer: {error}", "run on a login node; or tell the administrator")


def _status(settings: Mapping[str, str], profile: Profile) -> Iterator[Finding]:
    """How the executor learns that a job has ended."""
    accounting = settings.get("AccountingStorageType", "(null)") not in ("(null)", "accounting_storage/none")
    remembered = int(settings.get("MinJobAge", "0").split()[0])
    wanted = CHECKS_WITHIN * int(profile.settings.get("slurm-init-seconds-before-status-checks", FIRST_CHECK))
    by_squeue = profile.settings.get("slurm-status-command") == "squeue" and remembered >= wanted
    if by_squeue:
        yield ok(f"squeue remembers jobs that ended for {remembered} s (MinJobAge)")
    elif accounting:
        yield ok("accounting is on: sacct tells which jobs ended")
    elif profile.settings.get("slurm-status-command") == "squeue":
        seconds = max(1, remembered // CHECKS_WITHIN)
        yield fail(
            f"squeue forgets jobs {remembered} s after their end, and accounting is off: a run would wait for ever",
            f"slurm-init-seconds-before-status-checks: {seconds} in {profile.file}, or ask for MinJobAge={wanted}",
        )
    else:
        yield fail(
            "accounting is off, and the profile asks sacct: a run would wait for ever",
            f"slurm-status-command: squeue in {profile.file}",
        )


def _partitions(partitions: Mapping[str, slurm.Partition], profile: Profile) -> Iterator[Finding]:
    names = named(profile, partitions)
    unknown = [name for name in names if name not in partitions]
    if unknown:
        remedy = f"name its own in {profile.file.parent}: {', '.join(partitions)}"
        yield fail(f"partitions that the cluster does not have: {', '.join(unknown)}", remedy)
    for name in names:
        partition = partitions.get(name)
        if partition and not any(node.usable for node in partition.nodes):
            yield warn(f"no node of partition {name} takes jobs now", "wait, or ask the administrator: sinfo says why")
        if partition and "CANCEL" in partition.preempt:
            yield warn(
                f"jobs of partition {name} that make way for others are cancelled, and never retried",
                f"leave it out of {profile.file.parent}/partitions.yaml, or ask for PreemptMode=REQUEUE",
            )
    if not unknown:
        yield ok(f"partitions {', '.join(names)}")


def named(profile: Profile, partitions: Mapping[str, slurm.Partition]) -> list[str]:
    """Partitions that the profile sends jobs to; all of the cluster's where it leaves that to the executor."""
    stated = [resources.get("slurm_partition") for resources in profile.settings.get("set-resources", {}).values()]
    stated.append(profile.settings.get("default-resources", {}).get("slurm_partition"))
    names = [str(name) for name in stated if name] + list(profile.partitions)
    return list(dict.fromkeys(names)) or list(partitions)


def _fits(
    plan: Plan, experiments: Sequence[str], partitions: Mapping[str, slurm.Partition], profile: Profile
) -> Iterator[Finding]:
    every = [job for key in experiments for job in asked(plan, key) if not job.task.local]
    worst: dict[tuple[str, str, str], str] = {}
    for job in every:
        wanted = _overridden(job, profile)
        where = [partitions[name] for name in _candidates(job, wanted, profile, partitions) if name in partitions]
        if reason := misfit(wanted, where):
            worst.setdefault((job.task.rule, job.experiment, job.task.model), reason)
    for (rule, experiment, model), reason in worst.items():
        yield fail(
            f"{rule} of {'/'.join(part for part in (experiment, model) if part)}: {reason}",
            f"a smaller seeds_per_job, or resources of the experiment, or other partitions in {profile.file.parent}",
        )
    if every and not worst:
        most = max(job.request.mem_mb for job in every), max(job.request.runtime for job in every)
        yield ok(f"{len(every)} jobs fit: at most {most[0]:,} MB and {most[1] / 60:.1f} hours each")


def _overridden(job: Asked, profile: Profile) -> Request:
    """What the job asks for, with what the profile sets for its rule."""
    stated = profile.settings.get("set-resources", {}).get(job.task.rule, {})
    numbers = {name: value for name, value in stated.items() if name in vars(job.request) and isinstance(value, int)}
    return replace(job.request, **numbers)


def _candidates(
    job: Asked, wanted: Request, profile: Profile, partitions: Mapping[str, slurm.Partition]
) -> Sequence[str]:
    """Partitions that the job may be sent to."""
    of_rule = profile.settings.get("set-resources", {}).get(job.task.rule, {}).get("slurm_partition")
    if stated := of_rule or profile.settings.get("default-resources", {}).get("slurm_partition"):
        return [str(stated)]
    if not profile.partitions:
        return list(partitions)
    return [name for name, limits in profile.partitions.items() if not wanted.gpu or limits.get("max_gpu")]


def misfit(wanted: Request, where: Sequence[slurm.Partition]) -> str | None:
    """Why no node of these partitions can take the job; None where one can."""
    if not where:
        return f"asks for {'a GPU' if wanted.gpu else 'a node'}, and no partition is named for it"
    in_time = [one for one in where if one.minutes >= wanted.runtime]
    if not in_time:
        longest = max(one.minutes for one in where)
        return f"asks for {wanted.runtime} minutes, and {where[0].name} gives at most {longest:.0f}"
    nodes = [node for one in in_time for node in one.nodes]
    if wanted.gpu and not any(node.gpus >= wanted.gpu for node in nodes):
        return f"asks for a GPU, and no node of {in_time[0].name} has one"
    fitting = [node for node in nodes if node.gpus >= wanted.gpu]
    if not any(node.memory_mb >= wanted.mem_mb for node in fitting):
        largest = max((node.memory_mb for node in fitting), default=0)
        return f"asks for {wanted.mem_mb:,} MB, and the largest node of {in_time[0].name} has {largest:,}"
    return None
