"""What the rules share: sizes, resources, and inputs that depend on the plan."""


def part_of(wildcards):
    """A block of seeds, or the blocks of a pair or a triple, of a job that trains."""
    blocks = ("seeds", "first", "second", "third")
    return "+".join(wildcards[name] for name in blocks if name in wildcards.keys())


def kind_of(wildcards, rule):
    """What a job trains: of curves and triangles there may be several recipes."""
    return wildcards.get(rule, rule)


def whose(wildcards, rule):
    """Experiment, model and how many networks, of a job that trains."""
    return wildcards.experiment, wildcards.model, stacked(rule, part_of(wildcards))


def asks(rule, name):
    """What the jobs of a rule ask for; memory and time grow with each attempt."""

    def resource(wildcards, attempt):
        job = whose(wildcards, rule) if rule in TRAINED else ()
        at_first = getattr(request(PLAN, kind_of(wildcards, rule), *job), name)
        return at_first * attempt if name in GROWING else at_first

    return resource


def any_of(keys):
    """What a wildcard may be; nothing, where there are no keys."""
    return "|".join(keys) or "(?!)"


def figures_of(*kinds):
    """Keys of the figures of experiments of some kinds, for a wildcard."""
    experiments = {key for kind in kinds for key in kind}
    return any_of(key for key, (own, _) in PLAN.figures.items() if own in experiments)


def device(wildcards):
    return PLAN.networks[wildcards.experiment].device


def dataset_of(wildcards):
    return PLAN.dataset_path(wildcards.experiment)


def job_of(rule):
    """The job of a training rule as text; a result is stale when this text changes."""
    return lambda wildcards: JOBS.of_part(
        kind_of(wildcards, rule),
        wildcards.experiment,
        wildcards.model,
        part_of(wildcards),
    ).to_json()


def asked_experiments():
    """Experiments that are targets of this run."""
    wanted = set(workflow.dag_settings.targets or ["digits"])
    asked = wanted | set(PLAN.paper) if "paper" in wanted else wanted
    return [key for key in PLAN.experiments if key in asked]


def paper_experiments():
    """Experiments of the target ``paper``; says which are left out."""
    if workflow.is_main_process:
        for key in filter(PLAN.lacks_text, PLAN.experiments):
            logger.warning(
                f"paper leaves out {key}, whose text is not there: lossbars doctor {key} says what to do."
            )
    return PLAN.paper


def ran_experiments():
    """Experiments of the common documents: those asked for now, and those that ran before and are not stale."""
    asked = asked_experiments()
    return [key for key in PLAN.experiments if key in asked or claims_stand(key)]


def whole_targets(experiments):
    """All that a run of the experiments leaves.

    Results that are there, but cut off or made by another recipe or other code, are made again, and said to be:
    Snakemake does not look into files. (It forces results that it knows to be incomplete in this same way.)
    """
    if workflow.is_main_process:
        found = unfit(JOBS, experiments, ran_experiments())
        for path, reason in found.items():
            logger.warning(f"{path} is {reason}: it is made again.")
        workflow.dag.forcefiles.update(found)
    common = [
        f"{RESULTS}/{name}" for name in ("claims.md", "report.html", "provenance.json")
    ]
    return [path for key in experiments for path in targets(JOBS, key)] + common


def claims_stand(experiment):
    """Whether an experiment's claims are there, made by its present recipe and code."""
    path = Path(f"{RESULTS}/{experiment}/claims.parquet")
    return condition(path, JOBS.claims(experiment).key) is None


def triangle_sides(wildcards):
    """Blocks of curves that hold the triangles' sides, where these are fixed to the trained curves."""
    model = PLAN.model(wildcards.experiment, wildcards.model)
    if model.kinds[wildcards.triangles].sides != "fixed":
        return []
    blocks = [wildcards.first, wildcards.second, wildcards.third]
    pairs = {
        (a, b): None for a, b in itertools.combinations(blocks, 2) if block_pairs(a, b)
    }
    folder = PLAN.folder(wildcards.experiment, wildcards.model)
    return [f"{folder}/curves/{a}+{b}.safetensors" for a, b in pairs]


def figure_tables(wanted, suffix="parquet"):
    """What a figure reads of one kind, of every model that has it: ``curves``, ``paths``, ``triangles``, …"""

    def paths(wildcards):
        experiment, _ = PLAN.figures[wildcards.figure]
        if wanted not in JOBS.figure_inputs(wildcards.figure):
            return []
        if wanted == "robustness":
            return PLAN.of_models(experiment, "robustness.parquet")
        return trained_files(experiment, [wanted], suffix)

    return paths


def trained_files(experiment, wanted, suffix="parquet"):
    """Files of every model, of all recipes for minima, curves or triangles."""
    return [
        path
        for model in PLAN.networks[experiment].models
        for path in of_model(experiment, model, wanted, suffix)
    ]


def of_model(experiment, model, wanted, suffix="parquet"):
    """The same of one model."""
    return [
        path
        for kind in JOBS.read_kinds(experiment, model, wanted)
        for path in PLAN.trained_paths(experiment, model, kind, suffix)
    ]


def embedding_asks(name):
    """What the job of an embedding asks for; memory and time grow with each attempt."""

    def resource(wildcards, attempt):
        asked = request(PLAN, "embedding", wildcards.experiment, wildcards.embedding)
        return getattr(asked, name) * (attempt if name in GROWING else 1)

    return resource


def asks_pairs(name):
    """What the jobs that connect pairs by strings ask for; memory and time grow with each attempt."""

    def resource(wildcards, attempt):
        several = amount("strings", wildcards.seeds)
        asked = request(PLAN, "strings", wildcards.experiment, wildcards.model, several)
        return getattr(asked, name) * (attempt if name in GROWING else 1)

    return resource


def shown_strings(wildcards):
    """Strings that a figure shows, of every model."""
    experiment, _ = PLAN.figures[wildcards.figure]
    shown = JOBS.shows_strings(wildcards.figure)
    models = PLAN.strings[experiment].models if shown else []
    return [
        path
        for model in models
        for path in PLAN.string_paths(experiment, model, "safetensors")
    ]


def of_small(wanted, suffix):
    """Files of the model that is embedded."""

    def paths(wildcards):
        experiment, embedding = wildcards.experiment, wildcards.embedding
        small = PLAN.networks[experiment].embeddings[embedding].small
        return [
            path
            for kind in small_kinds(JOBS, experiment, embedding)
            if base(kind) in wanted
            for path in PLAN.trained_paths(experiment, small, kind, suffix)
        ]

    return paths


def provenance_inputs(wildcards):
    """All that the experiments that ran leave; data sets were there before, and may be removed since."""
    found = [expected(JOBS, key) for key in ran_experiments()]
    left = itertools.chain(*found, documents(JOBS, ran_experiments()))
    return list(
        dict.fromkeys(
            one.path for one in left if one.rule not in ("provenance", "dataset")
        )
    )
