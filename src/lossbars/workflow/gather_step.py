"""Put the tables of an experiment's models into one."""

from importlib import import_module

from lossbars.workflow.settings import GatherSettings
from lossbars.workflow.work import Work


def step(work: Work[GatherSettings]) -> None:
    """Write the rows of all tables, model after model, with a column ``model``; or what the kind makes of them."""
    module = work.settings.module
    work.write_table("table", import_module(module).gather(work) if module else work.tables("tables"))
