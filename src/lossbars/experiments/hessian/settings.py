"""The settings of the rules on Hessians: each has one kind of task. Loads no torch."""

from lossbars.experiments.hessian.config import CriticalPoints, Minimisers, NetSpectrum, RandomMatrices
from lossbars.recipes import Recipe


class SpectraSettings(Recipe):
    """Spectra of random matrices."""

    task: RandomMatrices


class CriticalSettings(Recipe):
    """Critical points of small networks."""

    task: CriticalPoints


class PartsSettings(Recipe):
    """The spectra of a Hessian and of its parts."""

    task: NetSpectrum


class MinimisersSettings(Recipe):
    """Minimisers of networks that interpolate their samples."""

    task: Minimisers


SETTINGS: dict[str, type[Recipe]] = {
    "random-matrices": SpectraSettings,
    "critical-points": CriticalSettings,
    "spectrum": PartsSettings,
    "minimisers": MinimisersSettings,
}
