"""Plans of small experiments, and their tasks run in this process."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lossbars.documents.plan import experiment_tasks
from lossbars.experiments.kinds import KINDS
from lossbars.recipes import Recipe
from lossbars.workflow.artefacts import read_table
from lossbars.workflow.config import load_config
from lossbars.workflow.plan import Plan
from lossbars.workflow.run import execute_task
from lossbars.workflow.settings import ClaimsSettings
from lossbars.workflow.tasks import Task


def copied(config: Any) -> Any:
    """A copy to change, in which no two places share a mapping."""
    return json.loads(json.dumps(config))


def changed(config: Mapping[str, Any], place: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a place such as ``cloud.points``."""
    copy: dict[str, Any] = copied(config)
    *path, key = place.split(".")
    inner = copy
    for part in path:
        inner = inner[part]
    inner[key] = value
    return copy


def make_plan(scale: Any = 1, **experiments: Mapping[str, Any]) -> Plan:
    """The plan of experiments, each by its key."""
    return Plan({"experiments": copied(experiments), "scale": scale}, KINDS)


def check_config(**experiments: Mapping[str, Any]) -> None:
    """Raises ConfigError where the experiments have mistakes."""
    load_config({"experiments": copied(experiments)}, KINDS)


def tasks_by_path(plan: Plan, experiment: str) -> dict[str, Task]:
    """Every path that an experiment leaves, its usage too, and the task behind it."""
    return {path: task for task in experiment_tasks(plan, experiment) for path in task.outputs.values()}


def the_task(plan: Plan, experiment: str, rule: str, model: str = "", part: str = "") -> Task:
    """The one task of a rule, of one model and part where these are given."""
    every = [task for task in plan.tasks(experiment) if task.rule == rule]
    (task,) = [task for task in every if model in ("", task.model) and part in ("", task.part)]
    return task


def changed_rules(before: Plan, after: Plan, experiment: str) -> set[str]:
    """Rules of results that are there in both plans, under other keys."""
    old = tasks_by_path(before, experiment)
    new = tasks_by_path(after, experiment)
    return {task.rule for path, task in new.items() if path in old and old[path].key != task.key}


def run_tasks(tasks: Iterable[Task], **given: Any) -> None:
    """Run steps one after another, below the working folder."""
    for task in tasks:
        execute_task(task, **given)


def table_of(task: Task) -> pd.DataFrame:
    """The table of a task that ran, with its model before, as figures and claims read it."""
    table = read_table_of(task)
    table.insert(0, "model", task.model)
    return table


def read_table_of(task: Task) -> pd.DataFrame:
    """The table of a task that ran."""
    return read_table(Path(task.outputs["table"]), task.key)


def claims_settings(plan: Plan, experiment: str) -> ClaimsSettings[Recipe]:
    """The settings of an experiment's claims."""
    settings = plan.claims(experiment).settings
    assert isinstance(settings, ClaimsSettings)
    return settings
