"""Benchmark functions as landscapes: losses without data, whose minima and saddles are known.

Formulas are those of the Global Optimization Benchmarks (Gavana), as in ``scipy``'s ``go_benchmark_functions``, unless
said otherwise; the text of Barcodes as summary (section 4.1) prints some of them wrong. Places and values have no
units. All formulas keep the dtype and the device of their argument.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from lossbars.functions import critical_points as known
from lossbars.functions.critical_points import CriticalPoints
from lossbars.landscape import Batch, Landscape

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Function(Landscape):
    """A function on a box. ``device`` and ``dtype`` are those of the starts that :meth:`init` draws.

    ``minima`` and ``saddles`` (index 1) inside the box are (place, value), by increasing value; where they
    are not all, ``critical_points.py`` says which. The barcode of a function on its box may also have bars that
    are born on the box's boundary. Raises ValueError for a box without volume.
    """

    name: str
    box: tuple[tuple[float, float], ...]  # low and high of each coordinate
    formula: Callable[[Float[Tensor, "n d"]], Float[Tensor, " n"]]
    minima: CriticalPoints = ()
    saddles: CriticalPoints = ()
    term: Callable[[Float[Tensor, "n d"]], Float[Tensor, "n d"]] | None = None  # g, where f(θ) = Σ g(θ_d)
    device: torch.device = CPU
    dtype: torch.dtype = torch.float64
    dim: int = field(init=False)

    def __post_init__(self) -> None:
        if not self.box or not all(low < high for low, high in self.box):
            raise ValueError(f"{self.name}: a box needs low < high in one coordinate at least, not {self.box}")
        object.__setattr__(self, "dim", len(self.box))

    @property
    def separable(self) -> bool:
        """Whether f is the sum of one function of each coordinate: its exact barcode follows from that of ``term``."""
        return self.term is not None

    def init(self, n: int, generator: Generator) -> Float[Tensor, "n d"]:
        """n uniform places in the box."""
        unit = torch.rand(n, self.dim, generator=generator, dtype=self.dtype, device=generator.device)
        low, high = unit.new_tensor(self.box).unbind(-1)
        return torch.minimum(low + (high - low) * unit, high).to(self.device)

    def loss(self, theta: Float[Tensor, "n d"], batch: Batch | None = None) -> Float[Tensor, " n"]:
        """The value of every row, outside the box too."""
        return self.formula(theta)


def _separable(
    name: str,
    box: tuple[tuple[float, float], ...],
    term: Callable[[Float[Tensor, "n d"]], Float[Tensor, "n d"]],
    minima: CriticalPoints = (),
    saddles: CriticalPoints = (),
) -> Function:
    return Function(name, box, lambda theta: term(theta).sum(-1), minima, saddles, term)


def _root_of_size(x: Tensor) -> Tensor:
    """√|x|, with gradient 0 instead of NaN in products that have one at x = 0."""
    return (x.abs() + torch.finfo(x.dtype).tiny).sqrt()


def _six_hump_camel(theta: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
    """(4 − 2.1 x² + x⁴/3) x² + x y + (4 y² − 4) y² (Dixon & Szegő 1978)."""
    x, y = theta.unbind(-1)
    return (4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2


def _mueller_brown(theta: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
    """Σ A exp(a (x − x0)² + b (x − x0)(y − y0) + c (y − y0)²) (Müller & Brown 1979)."""
    size, a, b, c, x0, y0 = theta.new_tensor(
        [
            [-200, -100, -170, 15],
            [-1, -1, -6.5, 0.7],
            [0, 0, 11, 0.6],
            [-10, -10, -6.5, 0.7],
            [1, 0, -0.5, -1],
            [0, 0.5, 1.5, 1],
        ]
    ).unbind()
    x, y = theta[:, :1] - x0, theta[:, 1:] - y0
    return (size * torch.exp(a * x**2 + b * x * y + c * y**2)).sum(-1)


def _himmelblau(theta: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
    """(x² + y − 11)² + (x + y² − 7)² (Himmelblau 1972)."""
    x, y = theta.unbind(-1)
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def _langermann(theta: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
    """−Σ c cos(π r²) exp(−r²/π), r the distance to (a, b); the benchmark's five a, b, c."""
    centres = theta.new_tensor([[3, 5], [5, 2], [2, 1], [1, 4], [7, 9]])
    size = theta.new_tensor([1, 2, 5, 2, 3])
    square = (theta.unsqueeze(1) - centres).square().sum(-1)
    return -(size * torch.cos(math.pi * square) * torch.exp(-square / math.pi)).sum(-1)


def _wavy_term(x: Float[Tensor, "n 2"]) -> Float[Tensor, "n 2"]:
    """Half of 1 − cos(10 x) exp(−x²/2): the sum of two is 1 minus a mean."""
    return (1 - torch.cos(10 * x) * torch.exp(-(x**2) / 2)) / 2


def _holder_table(theta: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
    """−|exp|1 − √(x² + y²)/π| sin x cos y|."""
    x, y = theta.unbind(-1)
    radius = _root_of_size(theta.square().sum(-1))
    return -(torch.exp((1 - radius / math.pi).abs()) * torch.sin(x) * torch.cos(y)).abs()


def _xin_she_yang04(theta: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
    """(Σ sin² x − exp(−Σ x²)) exp(−Σ sin² √|x|)."""
    wells = torch.sin(theta).square().sum(-1) - torch.exp(-theta.square().sum(-1))
    return wells * torch.exp(-torch.sin(_root_of_size(theta)).square().sum(-1))


six_hump_camel = Function(
    "six_hump_camel",
    ((-2.0, 2.0), (-1.5, 1.5)),
    _six_hump_camel,
    known.SIX_HUMP_CAMEL_MINIMA,
    known.SIX_HUMP_CAMEL_SADDLES,
)
"""HumpCamel6 of Barcodes as summary, figure 2; bars [−1.0316, ∞), [−1.0316, 0], twice [−.2155, .5437] and
twice [2.1043, 2.2294]."""

mueller_brown = Function(
    "mueller_brown", ((-1.5, 1.2), (-0.2, 2.0)), _mueller_brown, known.MUELLER_BROWN_MINIMA, known.MUELLER_BROWN_SADDLES
)
"""A model reaction in the plane, an energy in arbitrary units; bars [−146.70, ∞), [−108.17, −40.66] and
[−80.77, −72.25]."""

himmelblau = Function("himmelblau", ((-5.0, 5.0),) * 2, _himmelblau, known.HIMMELBLAU_MINIMA, known.HIMMELBLAU_SADDLES)
"""Four minima of the same value: bars [0, ∞), [0, 13.31], [0, 67.72], [0, 104.02]."""

langermann = Function("langermann", ((0.0, 10.0),) * 2, _langermann, known.LANGERMANN_MINIMA)
"""Langermann of Barannikov et al. 2020, Barcodes as summary, figure 3; lowest value −5.1621."""

wavy = _separable("wavy", ((-math.pi, math.pi),) * 2, _wavy_term, known.WAVY_MINIMA, known.WAVY_SADDLES)
"""1 − mean of cos(10 x) exp(−x²/2), Wavy of Barcodes as summary, figure 4; separable; lowest value 0."""

holder_table = Function("holder_table", ((-10.0, 10.0),) * 2, _holder_table, known.HOLDER_TABLE_MINIMA)
"""HolderTable of Barcodes as summary, figure 5; lowest value −19.2085; every finite bar dies at exactly 0."""


def rastrigin(dim: int) -> Function:
    """Σ 10 + x² − 10 cos(2π x) on [−5.12, 5.12]^dim (Rastrigin 1974); separable; lowest value 0 at the origin."""

    def term(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return 10 + x**2 - 10 * torch.cos(2 * math.pi * x)

    box = ((-5.12, 5.12),) * dim
    return _separable("rastrigin", box, term, known.rastrigin_minima(dim), known.rastrigin_saddles(dim))


def alpine01(dim: int) -> Function:
    """Σ |x sin x + x/10| on [−10, 10]^dim; separable; 8^dim minima with value 0, which are kinks."""

    def term(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return (x * torch.sin(x) + 0.1 * x).abs()

    return _separable("alpine01", ((-10.0, 10.0),) * dim, term)


def schwefel26(dim: int) -> Function:
    """Σ 418.9829 − x sin √|x| on [−500, 500]^dim; separable; lowest value 1.27e-5·dim; minima on the boundary too."""

    def term(x: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
        return 418.9829 - x * torch.sin(_root_of_size(x))

    return _separable("schwefel26", ((-500.0, 500.0),) * dim, term, known.schwefel26_minima(dim))


def xin_she_yang04(dim: int) -> Function:
    """(Σ sin² x − exp(−Σ x²)) exp(−Σ sin² √|x|) on [−10, 10]^dim; lowest value −1 at the origin, a kink."""
    return Function("xin_she_yang04", ((-10.0, 10.0),) * dim, _xin_she_yang04)


def bent_double_well(dim: int) -> Function:
    """(x₁² − 1)² + 4 Σ_{i ≥ 2} (x_i − φ_i(x₁))² on [−2, 2]^dim, φ_i(x) = sin(π (i − 1)(x + 1)/2)/(i − 1)²; ours.

    With u_i = x_i − φ_i(x₁) as coordinates it is the double well (x₁² − 1)² plus a bowl 4 Σ u_i². So all its critical
    points have u = 0: two minima of value 0 at x₁ = ±1, where every φ_i is zero, and one saddle, of index 1 and value
    1, at x₁ = 0, x_i = φ_i(0). Between the minima the valley u = 0 winds through all dimensions; their straight segment
    reaches 1 + 4 Σ φ_i(0)² at its middle. Raises ValueError where there is no dimension.
    """

    def formula(theta: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        x, rest = theta[:, :1], theta[:, 1:]
        wave = torch.arange(1, dim, dtype=theta.dtype, device=theta.device)
        valley = torch.sin(math.pi / 2 * wave * (x + 1)) / wave**2
        return (x[:, 0] ** 2 - 1) ** 2 + 4 * (rest - valley).square().sum(-1)

    minima, saddles = known.bent_double_well_minima(dim), known.bent_double_well_saddles(dim)
    return Function("bent_double_well", ((-2.0, 2.0),) * dim, formula, minima, saddles)
