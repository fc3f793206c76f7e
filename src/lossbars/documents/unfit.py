"""What a plan finds on disk that cannot stand for the result it is in the place of.

Snakemake knows what it recorded itself: it does not see that a file was cut off later, nor does it know results that
were finished while it was dead. Artefacts say what made them, so a look at each tells.
"""

from collections.abc import Sequence
from pathlib import Path

from lossbars.documents.plan import Jobs, documents
from lossbars.workflow.tasks import expected
from lossbars.workflow.validity import condition


def unfit(jobs: Jobs, experiments: Sequence[str], documented: Sequence[str]) -> dict[str, str]:
    """Path → what is wrong with it, of these experiments and of the documents on the experiments ``documented``.

    What is missing is not among them. Reads heads only; thousands of artefacts take a second or two.
    """
    wanted = [one for key in experiments for one in expected(jobs, key)] + documents(jobs, documented)
    found = {one.path: condition(Path(one.path), one.job.key) for one in wanted}
    return {path: reason for path, reason in found.items() if reason and reason != "missing"}
