"""Jobs of loss-preserving embeddings, one for each embedding of an experiment, and what they leave. Loads no torch."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lossbars.experiments.networks.config import Model
from lossbars.networks.specs import CustomNetwork
from lossbars.workflow.blocks import base
from lossbars.workflow.job import Job
from lossbars.workflow.job_maker import plain, training_settings, user_file
from lossbars.workflow.tasks import Expected

if TYPE_CHECKING:
    from lossbars.experiments.networks.plan import NetworkJobs


def embedding_job(jobs: "NetworkJobs", experiment: str, name: str, modules: tuple[str, ...]) -> Job:
    """Theorem 2 on the minima and curves of the small model; ``modules`` are those of its and the large one's network.

    What the job is called by in place of a model is the embedding's name.
    """
    whole = jobs.plan.networks[experiment]
    one = whole.embeddings[name]
    small, large = whole.models[one.small], whole.models[one.large]
    own = plain(one)
    recipe = {
        "small_network": plain(small.network),
        "network": plain(large.network),
        "embedding": {key: own[key] for key in own if key != "label"},
    }
    recipe |= training_settings(whole, jobs.plan.scale)
    recipe |= user_file("network_file", _source(large)) | user_file("small_network_file", _source(small))
    expects = {
        "dataset": jobs.dataset(jobs.plan.data_key(experiment)).key,
        "barcode": jobs.barcode(experiment, one.small).key,
    }
    for kind in small_kinds(jobs, experiment, name):
        expects |= jobs.keys(kind, experiment, one.small)
    return Job(
        "embedding",
        experiment,
        name,
        recipe,
        jobs.code("lossbars.experiments.networks.embeddings.step", modules),
        expects,
    )


def small_kinds(jobs: "NetworkJobs", experiment: str, name: str) -> list[str]:
    """What an embedding reads of its small model: minima, and the curves of every recipe but the aligned ones."""
    small = jobs.plan.networks[experiment].embeddings[name].small
    skipped = jobs.plan.model(experiment, small).aligned
    return [
        kind
        for kind in jobs.plan.kinds(experiment, small)
        if base(kind) in ("minima", "curves") and kind not in skipped
    ]


def _source(model: Model) -> str | None:
    return model.network.source if isinstance(model.network, CustomNetwork) else None


def embedding_path(jobs: "NetworkJobs", experiment: str, name: str) -> str:
    """The table of one embedding."""
    return f"{jobs.plan.results}/{experiment}/embeddings/{name}.parquet"


def embedding_paths(jobs: "NetworkJobs", experiment: str) -> list[str]:
    """The tables of all embeddings of an experiment."""
    return [embedding_path(jobs, experiment, name) for name in jobs.plan.networks[experiment].embeddings]


def embedding_artefacts(jobs: "NetworkJobs", experiment: str) -> Iterator[Expected]:
    """What the embeddings of an experiment leave."""
    for name in jobs.plan.networks[experiment].embeddings:
        path = embedding_path(jobs, experiment, name)
        yield Expected(path, "embedding", jobs.embedding(experiment, name), name)
