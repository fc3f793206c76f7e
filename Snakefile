"""Loss barcodes, from data sets to figures. See README.md; config.yaml says what is run."""

import itertools
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

SOURCE = f"{workflow.basedir}/src"
sys.path.insert(0, SOURCE)

from lossbars.blocks import block_pairs, block_seeds, block_triples
from lossbars.config import ConfigError
from lossbars.jobs import Jobs
from lossbars.plan import Plan
from lossbars.resources import SIZES, UNKNOWN_SIZE, memory_mb, minutes


configfile: f"{workflow.basedir}/config.yaml"


try:
    PLAN = Plan(config)
    JOBS = Jobs(PLAN)
except ConfigError as error:
    raise WorkflowError(str(error))

RESULTS = PLAN.results

# Every step runs this checkout's code, with exactly the threads that its rule was given. Folders of this machine are
# put in when a job starts: in a rule's text they would make every result stale once something is moved.
shell.prefix(
    f"set -euo pipefail; export PYTHONPATH={shlex.quote(SOURCE)} "
    f"LOSSBARS_DATA_ROOT={shlex.quote(PLAN.data_root or '')}; "
)
STEP = "OMP_NUM_THREADS={threads} MKL_NUM_THREADS={threads} OPENBLAS_NUM_THREADS={threads} python -m lossbars.steps."
LOGGED = " 2>&1 | tee {log}"


wildcard_constraints:
    experiment="[a-z][a-z0-9-]*",
    model="[a-z][a-z0-9-]*",
    data="[a-z][a-z0-9-]*",
    figure="[a-z][a-z0-9-]*",
    seeds="[0-9]+(-[0-9]+)?",
    first="[0-9]+(-[0-9]+)?",
    second="[0-9]+(-[0-9]+)?",
    third="[0-9]+(-[0-9]+)?",


include: "rules/common.smk"
include: "rules/datasets.smk"
include: "rules/minima.smk"
include: "rules/curves.smk"
include: "rules/triangles.smk"
include: "rules/barcodes.smk"
include: "rules/robustness.smk"
include: "rules/figures.smk"
include: "rules/claims.smk"


for key in PLAN.experiments:

    rule:
        name:
            key
        default_target: key == "digits"
        input:
            PLAN.targets(key),
            f"{RESULTS}/claims.md",
            f"{RESULTS}/report.html",


rule paper:
    input:
        [PLAN.targets(key) for key in PLAN.experiments if key != "digits"],
        f"{RESULTS}/claims.md",
        f"{RESULTS}/report.html",
