"""Memory and time of jobs on Hessians, from parameters, searches and rows of matrices. Loads no torch.

The constants are fitted to runs of one thread.
"""

from lossbars.experiments.hessian.config import CriticalPoints, Minimisers, NetSpectrum, RandomMatrices, Task
from lossbars.workflow.landscape_costs import FLOAT, PROCESS

FACTORISED = 1.5e-10  # seconds of eigenvalues, for the cube of a matrix's rows, and of the product that made it
SEARCHED = 6e-10  # seconds of a step of a search, for the cube of the parameters: eigenvectors
DIFFERENTIATED = 2.7e-10  # more, for parameters², samples and the width
MATRICES = 12  # of d × d numbers that a search holds for each of its rows
EVALUATIONS = 2e-3  # seconds of a step of least squares, of which there are
LEAST_SQUARES = 300


def hessian_seconds(task: Task) -> float:
    """Seconds of a task, without the start of its process."""
    match task:
        case RandomMatrices():
            products = sum(1 + 1 / tau for tau in task.taus)
            return len(task.energies) * FACTORISED * task.rows**3 * products
        case CriticalPoints():
            d = task.parameters
            steps = [SEARCHED * d**3 + DIFFERENTIATED * d**2 * m * task.width for m in task.samples]
            return task.data_sets * len(task.indices) * task.steps * sum(steps)
        case NetSpectrum():
            products = task.lanczos.steps * task.lanczos.probes
            return EVALUATIONS * (products + task.descent.steps) + FACTORISED * 10 * task.net.parameters**3
        case Minimisers():
            return task.starts * len(task.nets) * LEAST_SQUARES * EVALUATIONS


def hessian_memory(task: Task) -> int:
    """Most bytes that a task holds."""
    match task:
        case RandomMatrices():
            return PROCESS + round(FLOAT * task.rows**2 * (3 + 1 / min(task.taus)))
        case CriticalPoints():
            return PROCESS + FLOAT * MATRICES * len(task.indices) * task.parameters**2
        case NetSpectrum():
            numbers = task.net.outputs * task.net.samples
            return PROCESS + FLOAT * MATRICES * (task.net.parameters + numbers) ** 2
        case Minimisers():
            return PROCESS
