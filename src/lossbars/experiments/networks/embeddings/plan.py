"""The tasks of loss-preserving embeddings, one for each embedding of an experiment. Loads no torch."""

from collections.abc import Sequence

from lossbars.experiments.networks.config import Experiment
from lossbars.experiments.networks.settings import EmbeddingSettings
from lossbars.workflow.plan import Plan
from lossbars.workflow.tasks import Rule, Task
from lossbars.workflow.training_settings import source_of

EMBEDDING = Rule(
    "embedding", "lossbars.experiments.networks.embeddings.step", {"table": "{experiment}/embeddings/{model}.parquet"}
)


def embedding_task(plan: Plan, experiment: str, name: str, data: Task, small: Sequence[Task]) -> Task:
    """Theorem 2 on the minima and curves of the small model, whose tasks are given; aligned curves are left out.

    What the task is called by in place of a model is the embedding's name.
    """
    config: Experiment = plan.experiments[experiment]  # type: ignore[assignment]
    one = config.embeddings[name]
    networks = {"small": config.models[one.small].network, "large": config.models[one.large].network}
    settings = EmbeddingSettings.of(
        plan,
        experiment,
        networks["large"],
        weight_decay=config.weight_decay(one.small),
        small_network=networks["small"],
        small_network_file=source_of(networks["small"]),
        embedding=one.model_copy(update={"label": ""}),  # a label decides no result
    )
    aligned = config.models[one.small].aligned
    reads = {
        "data": [data["tensors"]],
        "barcode": [task["records"] for task in small if task.rule == "barcode"],
        "minima": [task["tensors"] for task in small if task.rule == "minima"],
        "curves": [task["tensors"] for task in small if task.rule == "curves" and task.kind not in aligned],
    }
    chosen = tuple(dict.fromkeys(network.module for network in networks.values()))
    return EMBEDDING.task(plan, settings, reads, experiment=experiment, model=name, extra_modules=chosen)
