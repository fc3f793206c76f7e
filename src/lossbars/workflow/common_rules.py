"""The rules that experiments of all kinds share. Loads no torch."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lossbars.workflow.experiment import ExperimentConfig, Resources
from lossbars.workflow.settings import ClaimsSettings, GatherSettings
from lossbars.workflow.tasks import Inputs, Output, Rule, Task

if TYPE_CHECKING:
    from lossbars.workflow.plan import Plan

GATHER = Rule("gather", "lossbars.workflow.gather_step", {"table": "{experiment}/{table}.parquet"}, local=True)
CLAIMS = Rule("claims", "lossbars.workflow.claims_step", {"table": "{experiment}/claims.parquet"}, local=True)
PICTURES = {"pdf": "figures/{figure}.pdf", "svg": "figures/{figure}.svg"}
FIGURE = Rule("figure", "lossbars.workflow.figure_step", PICTURES, local=True)


def gather(plan: "Plan", experiment: str, table: str, inputs: Sequence[Output] | Inputs, *modules: str) -> Task:
    """The one table of an experiment, of a name.

    The first of ``modules`` has what puts it together; it runs the others, which are modules taken by choice.
    """
    read = {"tables": inputs} if isinstance(inputs, Sequence) else inputs
    settings = GatherSettings(module=modules[0] if modules else "")
    return GATHER.task(plan, settings, read, experiment=experiment, extra_modules=modules, table=table)


def figure_task(plan: "Plan", experiment: str, figure: str, tasks: Sequence[Task]) -> Task:
    """A figure of an experiment, drawn from what some of its tasks left."""
    config, kind = plan.experiments[experiment], plan.kind(experiment).figures[figure]
    settings = kind.settings(config, figure, kind.module)
    reads = {option: files for option, files in kind.reads(config, tasks).items() if files}
    key = f"{experiment}-{figure}"
    return FIGURE.task(plan, settings, reads, experiment=experiment, extra_modules=(kind.module,), figure=key)


def without_resources(config: ExperimentConfig) -> ExperimentConfig:
    """An experiment with device, resources and figures reset: a change of these leaves its claims as they are."""
    models = {key: model.model_copy(update={"resources": Resources()}) for key, model in config.models.items()}
    return config.model_copy(update={"device": "cpu", "resources": Resources(), "figures": [], "models": models})


def claims_task(plan: "Plan", experiment: str, tasks: Sequence[Task]) -> Task:
    """The claims of an experiment, judged by what some of its tasks left."""
    config, kind = plan.experiments[experiment], plan.kind(experiment)
    settings = ClaimsSettings[kind.config](  # type: ignore[name-defined]  # the class of this kind's experiments
        module=kind.claims_module, scale=plan.scale_of(experiment), config=without_resources(config)
    )
    extra_modules = (kind.claims_module, *kind.claims_modules(config))
    return CLAIMS.task(plan, settings, kind.claims_inputs(tasks), experiment=experiment, extra_modules=extra_modules)
