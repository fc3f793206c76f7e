"""A dry run ends with what its experiments ask of a cluster."""

import atexit

from lossbars.documents.budget import budget_text


def print_budget():
    """Says nothing where the run is no dry one, or was not planned to its end."""
    if not workflow.dryrun or workflow.scheduler is None or not asked_experiments():
        return
    jobs = workflow.dag.needrun_jobs(exclude_finished=False)
    to_run = frozenset(str(path) for job in jobs for path in job.output)
    print(f"\n{budget_text(JOBS, asked_experiments(), to_run)}")


if workflow.is_main_process:
    atexit.register(print_budget)
