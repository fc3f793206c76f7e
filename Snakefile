"""Loss barcodes, from data sets to figures. See README.md; config.yaml says what is run."""

import itertools
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

SOURCE = f"{workflow.basedir}/src"
sys.path.insert(0, SOURCE)

from lossbars.workflow.validity import condition
from lossbars.workflow.blocks import base, block_pairs, stacked
from lossbars.workflow.code_record import record_code
from lossbars.workflow.config import ConfigError
from lossbars.experiments.networks.embeddings.plan import embedding_paths, small_kinds
from lossbars.documents.plan import documents
from lossbars.workflow.tasks import expected, targets
from lossbars.documents.plan import Jobs
from lossbars.workflow.path_lists import compact
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import GROWING, TRAINED, amount, request
from lossbars.workflow.result_store import prune
from lossbars.documents.unfit import unfit


configfile: f"{workflow.basedir}/config.yaml"


try:
    PLAN = Plan(config)
    JOBS = Jobs(PLAN)
except ConfigError as error:
    raise WorkflowError(str(error))

RESULTS = PLAN.results

# Every step runs this checkout's code, with exactly the threads that its rule was given. Folders of this machine are
# put in when a job starts: in a rule's text they would make every result stale once something is moved. The shell and
# tee outlive a signal that asks the step to stop, so that it can save its state and say so.
shell.prefix(
    f"set -euo pipefail; trap '' TERM; export PYTHONPATH={shlex.quote(SOURCE)} "
    f"LOSSBARS_DATA_ROOT={shlex.quote(PLAN.data_root or '')} LOSSBARS_CACHE={shlex.quote(PLAN.cache or '')}; "
)
STEP = "LOSSBARS_LOG={log:q} OMP_NUM_THREADS={threads} MKL_NUM_THREADS={threads} OPENBLAS_NUM_THREADS={threads} python -m lossbars."
LOGGED = " 2>&1 | tee --ignore-interrupts {log}"


wildcard_constraints:
    experiment="[a-z][a-z0-9-]*",
    model="[a-z][a-z0-9-]*",
    data="[a-z][a-z0-9-]*",
    figure="[a-z][a-z0-9-]*",
    seeds="[0-9]+(-[0-9]+)?",
    first="[0-9]+(-[0-9]+)?",
    second="[0-9]+(-[0-9]+)?",
    third="[0-9]+(-[0-9]+)?",
    curves="curves(-[a-z][a-z0-9-]*)?",
    triangles="triangles(-[a-z][a-z0-9-]*)?",
    seed="[0-9]+",
    size="[0-9]+",


include: "rules/common.smk"
include: "rules/datasets.smk"
include: "rules/minima.smk"
include: "rules/curves.smk"
include: "rules/triangles.smk"
include: "rules/barcodes.smk"
include: "rules/robustness.smk"
include: "rules/embeddings.smk"
include: "rules/function_common.smk"
include: "rules/functions.smk"
include: "rules/escape.smk"
include: "rules/saddles.smk"
include: "rules/strings.smk"
include: "rules/hessian.smk"
include: "rules/figures.smk"
include: "rules/claims.smk"
include: "rules/provenance.smk"
include: "rules/budget.smk"


for key in PLAN.experiments:

    rule:
        name:
            key
        default_target: key == "digits"
        input:
            lambda wildcards, key=key: whole_targets([key]),


rule paper:
    input:
        lambda wildcards: whole_targets(paper_experiments()),


onstart:
    for key in ran_experiments():
        expected(JOBS, key)
    record_code(JOBS)


onsuccess:
    prune(Path(".checkpoints"))
