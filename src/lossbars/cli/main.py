"""`lossbars`: questions about a workflow, and its recovery. Run it in the folder of the Snakefile."""

import argparse
import os
import sys
from pathlib import Path

from lossbars.cli.configuration import read_configuration
from lossbars.cli.doctor import doctor
from lossbars.cli.recover import recover
from lossbars.cli.why import why
from lossbars.documents.budget import budget_text, named_experiments
from lossbars.experiments.kinds import KINDS
from lossbars.workflow.plan import Plan


def main(words: list[str] | None = None) -> int:
    """Run one command; returns the exit status. A known error ends in one message, not in a traceback."""
    given = _parser().parse_args(words)
    try:
        plan = Plan(read_configuration(given.configfile, given.config), KINDS)
        match given.command:
            case "why":
                lines, status = why(plan, given.wanted), 0
            case "recover":
                lines, status = recover(plan, given.profile, given.lost_host, given.dry_run), 0
            case "budget":
                lines, status = [budget_text(plan, named_experiments(plan, given.experiments))], 0
            case _:
                lines, status = doctor(plan, given.profile, given.experiments)
    except (ValueError, OSError) as error:  # of configurations, artefacts, SLURM: each says what to do
        sys.exit(f"lossbars {given.command}: error: {error}")
    try:
        print("\n".join(lines), flush=True)
    except BrokenPipeError:  # the reader, as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lossbars", description="Questions about a workflow, and its recovery.")
    commands = parser.add_subparsers(dest="command", required=True)
    why_ = commands.add_parser("why", help="why results would be made again")
    why_.add_argument("wanted", nargs="*", metavar="PATH|EXPERIMENT", help="what to explain; else all that ever ran")
    recover_ = commands.add_parser("recover", help="clean up after a run that was killed, so that the next goes on")
    recover_.add_argument("--dry-run", "-n", action="store_true", help="say what would be done, and do nothing")
    recover_.add_argument("--lost-host", metavar="HOST", help="the machine that Snakemake ran on is gone for good")
    doctor_ = commands.add_parser("doctor", help="what would stop a run: before it starts")
    doctor_.add_argument("experiments", nargs="*", metavar="EXPERIMENT", help="what is to be run; else everything")
    budget_ = commands.add_parser("budget", help="what a run asks of a cluster: jobs, GPUs, hours, memory")
    budget_.add_argument("experiments", nargs="*", metavar="EXPERIMENT", help="what is to be run; else everything")
    for command in (recover_, doctor_):
        command.add_argument("--profile", metavar="PROFILE", help="of Snakemake, as slurm")
    for command in (why_, recover_, doctor_, budget_):
        command.add_argument("--configfile", nargs="+", action="extend", type=Path, default=[], metavar="FILE")
        command.add_argument("--config", nargs="+", action="extend", default=[], metavar="KEY=VALUE")
    return parser
