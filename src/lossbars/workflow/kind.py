"""A kind of experiment, as the rest of the workflow knows it. Loads no torch."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from lossbars.workflow.experiment import ExperimentConfig
from lossbars.workflow.resources import Request, short_request
from lossbars.workflow.settings import FigureSettings
from lossbars.workflow.tasks import Inputs, Output, Rule, Task

if TYPE_CHECKING:
    from lossbars.claims.claim import Check, Claim
    from lossbars.workflow.plan import Plan


def labels(config: ExperimentConfig) -> dict[str, str]:
    """What figures call the models, in the order of the configuration."""
    return {key: model.label or key for key, model in config.models.items()}


def titled(config: Any, figure: str, module: str, settings: type[FigureSettings] = FigureSettings, **more: Any) -> Any:
    """The settings of a figure: title, the names of the models that it shows, and ``more`` of a derived class."""
    shown = {key: config.models[key].label or key for key in config.shown(figure)}
    return settings(figure=figure, module=module, title=config.title, labels=shown, **more)


@dataclass(frozen=True)
class FigureKind:
    """A figure that experiments of a kind may ask for.

    ``module`` has a function ``draw(work) -> Figure``. ``reads`` picks files from the experiment's tasks,
    ``caption`` says under the figure what it shows, and ``settings`` makes the figure's settings of configuration,
    figure and module.
    """

    module: str
    reads: Callable[[Any, Sequence[Task]], Inputs]
    caption: str
    settings: Callable[[Any, str, str], FigureSettings] = field(default=titled)


Source = tuple[str, str] | tuple[str, str, Callable[[Task], bool]]  # rule, its output, and which of its tasks


def reading(**options: Source) -> Callable[[Any, Sequence[Task]], Inputs]:
    """A figure reads, for each option, one output of all tasks of one rule: ``runs=("gather", "table")``.

    A third item, a function of a task, picks some of these tasks.
    """

    def reads(_: Any, tasks: Sequence[Task]) -> Inputs:
        return {option: list(_outputs(tasks, *source)) for option, source in options.items()}

    return reads


def _outputs(
    tasks: Sequence[Task], rule: str, output: str, picks: Callable[[Task], bool] = lambda _: True
) -> Iterator[Output]:
    return (task[output] for task in tasks if task.rule == rule and picks(task))


class Kind(ABC):
    """One kind of experiment; ``experiments/kinds.py`` lists them all."""

    name: ClassVar[str]
    config: ClassVar[type[ExperimentConfig]]
    rules: ClassVar[tuple[Rule, ...]]
    figures: ClassVar[Mapping[str, FigureKind]]
    claims_module: ClassVar[str]  # its functions ``results``, ``claims`` and ``budget`` judge an experiment

    @abstractmethod
    def tasks(self, plan: "Plan", experiment: str) -> Iterator[Task]:
        """All tasks of an experiment but figures, claims and documents, each after the tasks whose outputs it reads."""

    @abstractmethod
    def claims_inputs(self, tasks: Sequence[Task]) -> Inputs:
        """Inputs of the claims: option → outputs of these tasks."""

    @abstractmethod
    def example(self) -> dict[str, Any]:
        """The smallest configuration of an experiment that runs, as config.yaml would have it."""

    def request(self, plan: "Plan", task: Task) -> Request:  # noqa: ARG002
        """What a task asks of the machine at its first attempt."""
        return short_request(task.rule)

    def result_bytes(self, plan: "Plan", task: Task) -> int:  # noqa: ARG002
        """About how many bytes the results of a task take on the disk; 0 where they are too small to count."""
        return 0

    def claims(self, experiment: str, config: Any) -> "Sequence[tuple[Claim, Check]]":
        """The claims that an experiment is compared with."""
        claims: Sequence[tuple[Claim, Check]] = import_module(self.claims_module).claims(experiment, config)
        return claims

    def claims_modules(self, config: Any) -> tuple[str, ...]:  # noqa: ARG002
        """Modules beside ``claims_module`` that the claims of an experiment run by choice."""
        return ()
