"""What the rules read, write and ask for, and what is run; the table at the end of a dry run."""

import atexit
from functools import cache

from lossbars.documents.budget import budget_text

RULES = rules_of(KINDS)
PATTERNS = {name: rule.pattern(PLAN) for name, rule in RULES.items()}
MESSAGES = {}  # what Snakemake prints when a job starts, by rule; the file of each kind has those of its rules

# Every step runs this checkout's code, with exactly the threads that its rule was given. Folders of this machine are
# put in when a job starts: in a rule's text they would make every result stale once something is moved. The shell and
# tee outlive a signal that asks the step to stop, so that it can save its state and say so. numba starts its threads
# when it is loaded. Freed memory of up to 128 MiB is kept: giving it back between steps of a training, and taking it
# again, costs a tenth of the time of small networks.
shell.prefix(
    f"set -euo pipefail; trap '' TERM; export PYTHONPATH={shlex.quote(SOURCE)} "
    f"LOSSBARS_DATA_ROOT={shlex.quote(PLAN.data_root or '')} LOSSBARS_CACHE={shlex.quote(PLAN.cache or '')} "
    "MALLOC_TRIM_THRESHOLD_=134217728 MALLOC_MMAP_THRESHOLD_=134217728; "
)

# Tasks -------------------------------------------------------------------------------------------


@cache
def document_tasks():
    """The documents on the experiments asked for, and on those that ran before and are not stale."""
    every = documents(PLAN, documented_experiments())
    return {path: task for task in every for path in task.outputs.values()}


@cache
def tasks_by_path():
    """Every path that the experiments leave, and the task behind it."""
    tasks = all_tasks(PLAN, PLAN.experiments)
    return {path: task for task in tasks for path in task.outputs.values()}


def task_at(path):
    """The task that makes a file."""
    task = tasks_by_path().get(path) or document_tasks().get(path)
    if task is None:
        raise WorkflowError(f"{path} is no result of this configuration.")
    return task


def task_of(rule, wildcards):
    """The task of a rule, from the wildcards of its outputs."""
    return task_at(PATTERNS[rule].path.format(**wildcards))


def reads(pattern):
    """What the jobs of a rule read, by option; for ``unpack``."""

    def paths(wildcards):
        renew_for_files()
        inputs = task_of(pattern.rule, wildcards).inputs
        return {option: [file.path for file in files] for option, files in inputs.items()}

    return paths


def writes(pattern):
    """What the jobs of a rule write, by option; drawings are in the report of ``snakemake --report`` too."""
    return {
        option: report(path, category="Figures") if option == "svg" else path
        for option, path in pattern.outputs.items()
    }


def asks(name):
    """What a job asks for; memory and time grow with each attempt."""

    def resource(wildcards, attempt, rulename):
        at_first = getattr(PLAN.request(task_of(rulename, wildcards)), name)
        return at_first * attempt if name in GROWING else at_first

    return resource


def device(wildcards, rulename):
    """Where a job computes: training where the experiment says, all others on a CPU."""
    task = task_of(rulename, wildcards)
    on_gpu = task.experiment and PLAN.request(task).gpu
    return PLAN.experiments[task.experiment].device if on_gpu else "cpu"


def listed_inputs(task):
    """Files that a job reads as ``option=path``, those of one folder in one word.

    The step of the provenance finds them itself: a command line with thousands of paths is too long for a shell.
    """
    inputs = {} if task.rule == PROVENANCE.name else task.inputs
    return [f"{option}={path}" for option, files in inputs.items() for path in compact(file.path for file in files)]


def experiments_with(rule):
    """A pattern of the experiments that have jobs of a rule, since rules of two kinds write files of one name."""
    experiments = {task.experiment: None for task in tasks_by_path().values() if task.rule == rule}
    return "|".join(experiments) or "(?!)"


def gathered_tables():
    """A pattern of the tables that put the results of an experiment's models together."""
    paths = [path for path, task in tasks_by_path().items() if task.rule == GATHER.name]
    return "|".join(sorted({Path(path).stem for path in paths})) or "(?!)"


wildcard_constraints:
    model="[a-z][a-z0-9-]*",
    figure="[a-z][a-z0-9-]*",
    table=gathered_tables(),
    part=r"[0-9]+(-[0-9]+)?(\+[0-9]+(-[0-9]+)?)*",


# Experiments -------------------------------------------------------------------------------------


def asked_experiments():
    """Experiments that are targets of this run."""
    wanted = set(targets_of(workflow) or ["digits"])
    asked = wanted | set(PLAN.paper) if "paper" in wanted else wanted
    return [key for key in PLAN.experiments if key in asked]


def paper_experiments():
    """Experiments of the target ``paper``; says which are left out."""
    if directs_run(workflow):
        for key in PLAN.experiments:
            if lacks_text(PLAN, key):
                logger.warning(
                    f"paper leaves out {key}, whose text is not there: lossbars doctor {key} says what to do."
                )
    return PLAN.paper


@cache
def documented_experiments():
    """Experiments of the common documents: those asked for now, and those that ran before and are not stale."""
    return documented(PLAN, asked_experiments())


def run_tasks(experiments):
    """The tasks of a run of these experiments, and of the documents."""
    return [*all_tasks(PLAN, experiments), *document_tasks().values()]


def all_targets(experiments):
    """All that a run of the experiments leaves.

    Results that are there, but cut off or made by another recipe or other code, are made again, and said to be:
    Snakemake does not look into files.
    """
    renew(run_tasks(experiments))
    return [path for key in experiments for path in targets(PLAN, key)] + list(document_tasks())


@cache
def renew_for_files():
    """Likewise for all that the targets need that are files, results or documents."""
    known = tasks_by_path() | document_tasks()
    renew(with_inputs(known[path] for path in targets_of(workflow) if path in known))


def renew(tasks):
    """Make results again that are there, but cannot stand for the results of these tasks."""
    if directs_run(workflow):
        reasons = unfit(tasks)
        for path, reason in reasons.items():
            logger.warning(f"{path} is {reason}: it is made again.")
        make_again(workflow, reasons)


def print_budget():
    """A dry run ends with what its experiments ask of a cluster; one that was not planned to its end says nothing."""
    to_run = planned_files(workflow)
    if to_run is not None and asked_experiments():
        print(f"\n{budget_text(PLAN, asked_experiments(), to_run)}")


if directs_run(workflow):
    atexit.register(print_budget)
