"""Tasks: the jobs of a run, each with what it reads, what it writes and the settings that decide its result.

A kind of experiment lists its tasks; the rules, the command line, the documents and the tests read them from there.
Loads no torch.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

from lossbars.recipes import Recipe
from lossbars.workflow.fingerprint import fingerprint
from lossbars.workflow.job import Job

if TYPE_CHECKING:
    from lossbars.workflow.plan import Plan

Inputs = Mapping[str, Sequence["Output"]]


class NoSettings(Recipe):
    """The settings of a rule whose result depends on its inputs alone."""


class Output(NamedTuple):
    """One file that a task writes, as another task reads it."""

    task: "Task"
    option: str

    @property
    def path(self) -> str:
        """Where it is."""
        return self.task.outputs[self.option]


@dataclass(frozen=True, eq=False)
class Task:
    """One job of the workflow.

    ``key``, ``log`` and ``benchmark`` follow from the other fields. The key leaves ``part`` and the number of the
    inputs out, so that more seeds leave the results of those that were there as they are.
    """

    rule: str
    experiment: str  # empty where experiments share the result
    model: str
    part: str  # block of seeds, pairs or triples, seed of a cloud, number of points; of rules with several jobs a model
    outputs: Mapping[str, str]  # option → path
    inputs: Mapping[str, tuple[Output, ...]]  # option → files that are read
    settings: Recipe
    module: str  # its function ``step`` makes the result
    extra_modules: tuple[str, ...] = ()  # that the step imports by name, beside what the fingerprint follows
    recipe: str = ""  # name of the recipe, where a model has several for one rule: "curves-flow"
    threads: int = 1
    local: bool = False
    on_demand: bool = False

    def __getitem__(self, option: str) -> Output:
        """One of the task's outputs."""
        return Output(self, option)

    @property
    def kind(self) -> str:
        """What the job is called: its recipe's name where it has one, else its rule."""
        return self.recipe or self.rule

    @cached_property
    def job(self) -> Job:
        """The task on record."""
        expects = {option: sorted({one.task.key for one in files}) for option, files in self.inputs.items() if files}
        settings = self.settings.model_dump(mode="json")
        return Job(self.kind, self.experiment, self.model, settings, self.code, expects)

    @property
    def key(self) -> str:
        """Digest of settings, code and the keys of the inputs."""
        return self.job.key

    @property
    def code(self) -> str:
        """Fingerprint of the code that the task runs."""
        return fingerprint(self.module, self.extra_modules)

    @property
    def path(self) -> str:
        """The first of the outputs."""
        return next(iter(self.outputs.values()))

    @property
    def log(self) -> PurePath:
        """Where the rule logs: ``logs/curves-0+1.log`` beside the folder of ``curves/0+1.parquet``."""
        path = PurePath(self.path)
        folder, stem = path.parent, path.stem
        if self.part:
            folder, stem = folder.parent, f"{folder.name}-{stem}"
        if folder.name == "benchmarks":
            folder = folder.parent
        return folder / "logs" / f"{stem}.log"

    @property
    def benchmark(self) -> PurePath:
        """Where Snakemake writes what the job used."""
        return self.log.parent.parent / "benchmarks" / f"{self.log.stem}.tsv"

    def reads(self) -> list[Output]:
        """All files that the task reads."""
        return [one for files in self.inputs.values() for one in files]


@dataclass(frozen=True)
class Rule:
    """A rule of the workflow: the module whose function ``step`` its jobs run, and where they write.

    ``outputs`` are paths below the results folder with names in braces, the wildcards of the rule in Snakemake.
    """

    name: str
    module: str
    outputs: Mapping[str, str]
    shared: bool = False  # by all scales: below ``results`` itself
    threads: int = 1
    local: bool = False  # runs on the machine where Snakemake runs, not on a cluster
    on_demand: bool = False  # made where something needs it, not because its experiment is run
    priority: int = 0  # of jobs that could start, those of the highest do: what is long, or what much waits for

    def task(
        self,
        plan: "Plan",
        settings: Recipe | None = None,
        inputs: Inputs | None = None,
        *,
        experiment: str = "",
        model: str = "",
        part: str = "",
        recipe: str = "",
        module: str = "",
        extra_modules: Sequence[str] = (),
        **names: str,
    ) -> Task:
        """One task of this rule; ``names`` are further names in the paths of its outputs."""
        names |= {"experiment": experiment, "model": model, "part": part}
        root = "results" if self.shared else plan.results
        outputs = {option: f"{root}/{path.format(**names)}" for option, path in self.outputs.items()}
        return Task(
            rule=self.name,
            experiment=experiment,
            model=model,
            part=part,
            outputs=outputs,
            inputs={option: tuple(files) for option, files in (inputs or {}).items()},
            settings=settings or NoSettings(),
            module=module or self.module,
            extra_modules=tuple(extra_modules),
            recipe=recipe,
            threads=self.threads,
            local=self.local,
            on_demand=self.on_demand,
        )

    def pattern(self, plan: "Plan") -> Task:
        """A task whose names are wildcards: it has the paths of the rule in Snakemake."""
        wildcards: dict[str, Any] = {
            name: f"{{{name}}}" for path in self.outputs.values() for name in re.findall(r"{(\w+)}", path)
        }
        return self.task(plan, **wildcards)


def files(tasks: Sequence[Task], option: str) -> tuple[Output, ...]:
    """One output of each of several tasks."""
    return tuple(task[option] for task in tasks)


def unique(tasks: Sequence[Task]) -> list[Task]:
    """Tasks without those that several experiments share, which are listed by each."""
    return list({task.path: task for task in tasks}.values())


def with_inputs(tasks: Iterable[Task]) -> list[Task]:
    """Tasks and all tasks whose outputs they read, directly or through others, each once."""
    waiting, reached = list(tasks), dict[str, Task]()
    while waiting:
        task = waiting.pop()
        if task.path not in reached:
            reached[task.path] = task
            waiting += [file.task for file in task.reads()]
    return list(reached.values())
