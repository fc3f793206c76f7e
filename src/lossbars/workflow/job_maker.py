"""What the makers of jobs share: each job is made once, and the code that it runs is on record. Loads no torch."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, TypeVar

from lossbars.experiments.networks.config import Experiment
from lossbars.experiments.strings.config import StringSampling
from lossbars.recipes import Recipe
from lossbars.user_files import split_source
from lossbars.workflow.experiment import Scale
from lossbars.workflow.fingerprint import file_fingerprint, fingerprint
from lossbars.workflow.job import Job
from lossbars.workflow.plan import Plan

Maker = TypeVar("Maker", bound="JobMaker")


def once(method: Callable[Concatenate[Maker, ...], Job]) -> Callable[Concatenate[Maker, ...], Job]:
    """Makes each job once: a plan of thousands of jobs asks for the same few again and again."""

    @wraps(method)
    def made_before(self: Maker, *names: str) -> Job:
        place = (method.__name__, *names)
        if place not in self.made:
            self.made[place] = method(self, *names)
        return self.made[place]

    return made_before


class JobMaker:
    """Jobs of one plan. The key of each covers all that comes before it, since it names its inputs' keys."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.codes: dict[str, tuple[str, tuple[str, ...]]] = {}  # fingerprint → what it was asked for
        self.made: dict[tuple[str, ...], Job] = {}

    def code(self, module: str, chosen: tuple[str, ...] = ()) -> str:
        """The fingerprint of a step and of the members that it chooses."""
        found = fingerprint(module, chosen)
        self.codes[found] = (module, chosen)
        return found

    def scale_of(self, experiment: str) -> dict[str, float]:
        """The parts of the scale that experiments of this kind know."""
        known = self.plan.experiments[experiment].shrinks
        return {name: share for name, share in plain(self.plan.scale).items() if name in known}


def plain(recipe: Recipe | None) -> Any:
    """A recipe as mappings, lists, texts and numbers."""
    return None if recipe is None else recipe.model_dump(mode="json")


def training_settings(whole: Experiment | StringSampling, scale: Scale) -> dict[str, Any]:
    """What an experiment says of all trainings of its networks."""
    return {
        "augment": whole.augment,
        "normalise": plain(whole.normalise),
        "precision": whole.precision,
        "micro_batch": whole.micro_batch,
        "samples": whole.samples,
        "samples_scale": scale.samples,
    }


def user_file(name: str, source: str | None) -> dict[str, str]:
    """The fingerprint of a user's file; what that file imports is not followed."""
    return {} if source is None else {name: file_fingerprint(split_source(source, name)[0])}
