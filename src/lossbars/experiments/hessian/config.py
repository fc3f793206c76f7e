"""Experiments on Hessians at critical points: what config.yaml may say. Loads no torch."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, NonNegativeInt, model_validator

from lossbars.landscapes.specs import parameters
from lossbars.recipes import Rate, Recipe
from lossbars.workflow.experiment import Count, ExperimentConfig, ModelConfig, Scale, share_of

FEWEST_ROWS = 100  # of a sampled matrix, that a small scale leaves
HARD_EDGE = 2.0  # τ at which the rates of the law with ReLU sum to 1

Smooth = Literal["identity", "tanh", "sigmoid", "softplus", "sine"]


class GradientSteps(Recipe):
    """Gradient descent on all samples, from a random start."""

    rate: Rate
    steps: NonNegativeInt


class SmallNet(Recipe):
    """A fully connected network on standard normal inputs and targets."""

    inputs: Count
    hidden: Annotated[list[Count], Field(min_length=1)]
    outputs: Count
    samples: Count
    activation: Smooth = "tanh"
    biases: bool = True

    @property
    def parameters(self) -> int:
        """d."""
        return parameters([self.inputs, *self.hidden, self.outputs], self.biases)

    @property
    def name(self) -> str:
        """Widths of the layers, activation and samples."""
        widths = "-".join(map(str, (self.inputs, *self.hidden, self.outputs)))
        return f"{widths} {self.activation}{'' if self.biases else ' without biases'}, {self.samples} samples"


class RandomMatrices(Recipe):
    """Sampled matrices of the model of a Hessian, one for each τ and energy, beside their computed spectra."""

    kind: Literal["random-matrices"]
    taus: Annotated[list[Rate], Field(min_length=1)]  # parameters over data points
    energies: Annotated[list[Rate], Field(min_length=1)]
    rows: Annotated[Count, Field(ge=FEWEST_ROWS)]
    relu: bool = False

    @model_validator(mode="after")
    def _finite(self) -> "RandomMatrices":
        if self.relu and HARD_EDGE in self.taus:
            raise ValueError(f"taus: with ReLU the density is infinite at 0 for τ = {HARD_EDGE:g}: take another τ")
        return self

    def scaled(self, scale: Scale) -> "RandomMatrices":
        """With a share of the rows."""
        return self.model_copy(update={"rows": share_of(self.rows, scale.points, FEWEST_ROWS)})


class CriticalPoints(Recipe):
    """Critical points of nets of ``width`` inputs, hidden units and outputs, without biases, on random samples."""

    kind: Literal["critical-points"]
    width: Count  # n
    samples: Annotated[list[Count], Field(min_length=1)]  # m, each with searches of its own; τ = 2n/m
    activation: Smooth = "tanh"
    data_sets: Count  # of each, one search for each of the indices
    indices: Annotated[list[NonNegativeInt], Field(min_length=1)]
    descent: GradientSteps  # before the search
    steps: Count  # of a search
    tolerance: Rate  # an end counts where its gradient is at most this share of that at the random start

    @property
    def parameters(self) -> int:
        """d."""
        return 2 * self.width**2

    @model_validator(mode="after")
    def _fits(self) -> "CriticalPoints":
        if max(self.indices) >= self.parameters:
            raise ValueError(f"indices: {max(self.indices)} is no index of {self.parameters} parameters")
        return self

    def scaled(self, scale: Scale) -> "CriticalPoints":
        """With a share of the data sets (by seeds)."""
        return self.model_copy(update={"data_sets": share_of(self.data_sets, scale.seeds, 1)})


class Lanczos(Recipe):
    """Stochastic Lanczos quadrature."""

    steps: Count
    probes: Count


class NetSpectrum(Recipe):
    """The exact spectra of H, H0 and H1 of one net after a descent, and the spectrum of H by Lanczos beside them."""

    kind: Literal["spectrum"]
    net: SmallNet
    descent: GradientSteps
    lanczos: Lanczos

    @model_validator(mode="after")
    def _fits(self) -> "NetSpectrum":
        if self.lanczos.steps > self.net.parameters:
            raise ValueError(f"lanczos.steps: {self.lanczos.steps} are more than the {self.net.parameters} parameters")
        return self

    def scaled(self, scale: Scale) -> "NetSpectrum":
        """With a share of the probes (by seeds)."""
        probes = share_of(self.lanczos.probes, scale.seeds, 1)
        return self.model_copy(update={"lanczos": self.lanczos.model_copy(update={"probes": probes})})


class Minimisers(Recipe):
    """Minimisers of nets that interpolate their samples, and the null spaces of their Hessians."""

    kind: Literal["minimisers"]
    nets: Annotated[list[SmallNet], Field(min_length=1)]
    starts: Count  # of each

    @model_validator(mode="after")
    def _interpolates(self) -> "Minimisers":
        for net in self.nets:
            if net.parameters <= net.outputs * net.samples:
                numbers = net.outputs * net.samples
                raise ValueError(f"nets: {net.name}: {net.parameters} parameters are too few to fit {numbers} numbers")
        return self

    def scaled(self, scale: Scale) -> "Minimisers":
        """With a share of the starts (by seeds)."""
        return self.model_copy(update={"starts": share_of(self.starts, scale.seeds, 1)})


Task = RandomMatrices | CriticalPoints | NetSpectrum | Minimisers


class HessianModel(ModelConfig):
    """One task."""

    task: Annotated[Task, Field(discriminator="kind")]

    def scaled(self, scale: Scale) -> "HessianModel":
        """With a share of the data sets, starts and probes (by seeds), or of the rows of matrices (by points)."""
        return self.model_copy(update={"task": self.task.scaled(scale)})


SHOWN_TASK: dict[str, str] = {
    "spectra": "random-matrices",
    "index-energy": "critical-points",
    "critical-energy": "critical-points",
    "net-spectrum": "spectrum",
    "null-space": "minimisers",
}


class Hessians(ExperimentConfig):
    """Hessians of small nets at critical points, against the spectra of random matrices."""

    shrinks: ClassVar[tuple[str, ...]] = ("seeds", "points")

    kind: Literal["hessian"]
    device: Literal["cpu"] = "cpu"
    figures: list[str] = []
    models: dict[str, HessianModel]

    @model_validator(mode="after")
    def _consistent(self) -> "Hessians":
        for figure in self.figures:
            if not self.shown(figure):
                raise ValueError(f"figures: '{figure}' needs a model whose task is {SHOWN_TASK[figure]}")
        return self

    def shown(self, figure: str) -> list[str]:
        """The models whose task a figure shows."""
        return self.of_task(SHOWN_TASK[figure])

    def of_task(self, kind: str) -> list[str]:
        """Models of one kind of task."""
        return [key for key, model in self.models.items() if model.task.kind == kind]
