"""Loss barcodes, from data sets to figures. See README.md; config.yaml says what is run."""

import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

SOURCE = f"{workflow.basedir}/src"
sys.path.insert(0, SOURCE)

from lossbars.documents.plan import PROVENANCE, all_tasks, documented, documents, rules_of, targets
from lossbars.experiments.kinds import KINDS
from lossbars.workflow.code_record import record_code
from lossbars.workflow.common_rules import GATHER
from lossbars.workflow.config import ConfigError
from lossbars.workflow.data_sets import lacks_text
from lossbars.workflow.path_lists import compact
from lossbars.workflow.plan import Plan
from lossbars.workflow.resources import GROWING
from lossbars.workflow.result_store import prune
from lossbars.workflow.snakemake_private import directs_run, make_again, planned_files, targets_of
from lossbars.workflow.tasks import with_inputs
from lossbars.workflow.validity import unfit


configfile: f"{workflow.basedir}/config.yaml"


try:
    PLAN = Plan(config, KINDS)
except ConfigError as error:
    raise WorkflowError(str(error))


include: "rules/common.smk"


# A file for each kind of experiment.
for kind in KINDS:

    include: f"rules/{kind}.smk"


include: "rules/shared.smk"


for key in PLAN.experiments:

    rule:
        name:
            key
        default_target: key == "digits"
        input:
            lambda wildcards, key=key: all_targets([key]),


rule paper:
    input:
        lambda wildcards: all_targets(paper_experiments()),


onstart:
    record_code(run_tasks(documented_experiments()))


onsuccess:
    prune(Path(".checkpoints"))
