"""What the rules on functions share."""

from lossbars.experiments.functions.costs import THREADS
from lossbars.experiments.functions.paths import (
    barcode_source,
    cloud_paths,
    optimised_paths,
    pair_paths,
    surface_paths,
)

# numba starts its threads when it is loaded
FUNCTION_STEP = f"NUMBA_NUM_THREADS={{threads}} {STEP}"


def asks_points(rule, name):
    """What the jobs of a rule on points ask for; memory and time grow with each attempt."""

    def resource(wildcards, attempt):
        points = int(wildcards.get("size", 1))
        wanted = request(PLAN, rule, wildcards.experiment, wildcards.model, points)
        at_first = getattr(wanted, name)
        return at_first * attempt if name in GROWING else at_first

    return resource


def table_of(experiment):
    """The one table that figures and claims of an experiment on functions read."""
    name = "barcodes" if experiment in PLAN.functions else "distances"
    return f"{RESULTS}/{experiment}/{name}.parquet"


def shown_table(wildcards):
    """The table that a figure shows, where it shows one."""
    experiment, _ = PLAN.figures[wildcards.figure]
    return table_of(experiment) if JOBS.shows_table(wildcards.figure) else []


def shown_surfaces(wildcards):
    """Surfaces that a figure shows."""
    experiment, _ = PLAN.figures[wildcards.figure]
    return (
        surface_paths(PLAN, experiment) if JOBS.shown_surfaces(wildcards.figure) else []
    )


def shown_trajectories(wildcards):
    """Trajectories that a figure shows."""
    experiment, _ = PLAN.figures[wildcards.figure]
    shown = JOBS.shows_trajectories(wildcards.figure)
    return PLAN.of_models(experiment, "trajectories.parquet") if shown else []


def shown_stages(name):
    """Files of the models whose insertion of points a figure shows."""

    def paths(wildcards):
        experiment, _ = PLAN.figures[wildcards.figure]
        models = JOBS.shown_insertions(wildcards.figure)
        return [f"{PLAN.folder(experiment, model)}/{name}.parquet" for model in models]

    return paths


def shown_deaths(wildcards):
    """The table that a figure shows, where it shows one."""
    experiment, _ = PLAN.figures[wildcards.figure]
    shows = not JOBS.shown_insertions(wildcards.figure)
    return f"{RESULTS}/{experiment}/saddles.parquet" if shows else []
