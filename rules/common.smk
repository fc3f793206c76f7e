"""What the rules share: sizes, resources, and inputs that depend on the plan."""


def stacked(wildcards, kind):
    """How many networks one job trains at once."""
    if kind == "minima":
        return len(block_seeds(wildcards.seeds))
    if kind == "curves":
        return len(block_pairs(wildcards.first, wildcards.second))
    return len(block_triples(wildcards.first, wildcards.second, wildcards.third))


def data_size(wildcards):
    return SIZES.get(PLAN.experiments[wildcards.experiment].data, UNKNOWN_SIZE)


def memory_of(kind):
    def mem_mb(wildcards, attempt):
        model = PLAN.model(wildcards.experiment, wildcards.model)
        return memory_mb(
            model, kind, data_size(wildcards), stacked(wildcards, kind), attempt
        )

    return mem_mb


def runtime_of(kind):
    def runtime(wildcards, attempt):
        model = PLAN.model(wildcards.experiment, wildcards.model)
        return minutes(
            model, kind, data_size(wildcards), stacked(wildcards, kind), attempt
        )

    return runtime


def gpus(wildcards):
    """Experiments that may use a GPU ask for one; on a machine without, ``device: auto`` runs on the CPU."""
    return 0 if PLAN.experiments[wildcards.experiment].device == "cpu" else 1


def device(wildcards):
    return PLAN.experiments[wildcards.experiment].device


def dataset_of(wildcards):
    return PLAN.dataset_path(wildcards.experiment)


def job_of(kind):
    """The job of a training rule as text; a result is stale when this text changes."""
    return lambda wildcards: JOBS.trained(
        kind, wildcards.experiment, wildcards.model
    ).to_json()


def ran_experiments():
    """Experiments of the common documents: those asked for now, and those that ran before and are not stale."""
    wanted = set(workflow.dag_settings.targets or ["digits"])
    asked = (
        set(PLAN.experiments) - {"digits"}
        if "paper" in wanted
        else wanted & set(PLAN.experiments)
    )
    return [key for key in PLAN.experiments if key in asked or claims_stand(key)]


def claims_stand(experiment):
    """Whether an experiment's claims are there, made by its present recipe and code."""
    path = Path(f"{RESULTS}/{experiment}/claims.parquet")
    if not path.exists():
        return False
    from lossbars.artefacts import (
        ArtefactError,
        made_by,
    )  # pandas takes a second to load

    try:
        return made_by(path).key == JOBS.claims(experiment).key
    except ArtefactError:
        return False


def triangle_sides(wildcards):
    """Blocks of curves that hold the triangles' sides, where these are fixed to the trained curves."""
    if PLAN.model(wildcards.experiment, wildcards.model).triangles.sides != "fixed":
        return []
    blocks = [wildcards.first, wildcards.second, wildcards.third]
    pairs = {
        (a, b): None for a, b in itertools.combinations(blocks, 2) if block_pairs(a, b)
    }
    folder = PLAN.folder(wildcards.experiment, wildcards.model)
    return [f"{folder}/curves/{a}+{b}.safetensors" for a, b in pairs]


def figure_tables(kind):
    """Tables of one kind that a figure reads, of every model that has them."""

    def paths(wildcards):
        experiment, _ = PLAN.figures[wildcards.figure]
        if kind not in JOBS.figure_inputs(wildcards.figure):
            return []
        if kind == "robustness":
            return PLAN.of_models(experiment, "robustness.parquet")
        of_model = PLAN.curve_paths if kind == "curves" else PLAN.triangle_paths
        return [
            path
            for model in PLAN.experiments[experiment].models
            for path in of_model(experiment, model, "parquet")
        ]

    return paths


def trained_tables(experiment, paths):
    return [
        path
        for model in PLAN.experiments[experiment].models
        for path in paths(experiment, model, "parquet")
    ]
