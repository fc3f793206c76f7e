"""Rules of an experiment, and the rules whose results they read. Loads no torch."""

from typing import TYPE_CHECKING

from lossbars.workflow.blocks import base
from lossbars.workflow.tasks import expected

if TYPE_CHECKING:
    from lossbars.documents.plan import Jobs


def rule_graph(jobs: "Jobs", experiment: str) -> dict[str, tuple[int, list[str]]]:
    """Rule → number of its jobs, and the rules whose results it reads; in the order of a run."""
    paths: dict[str, set[str]] = {}
    needs: dict[str, dict[str, None]] = {}
    for one in expected(jobs, experiment):
        paths.setdefault(one.rule, set()).add(one.path.rpartition(".")[0])  # a job's files differ in their suffix
        needs.setdefault(one.rule, {}).update({base(name.partition("/")[0]): None for name in one.job.expects})
    return {rule: (len(paths[rule]), list(needs[rule])) for rule in paths}
