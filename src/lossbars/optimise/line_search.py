"""Line searches of n rows at once, each at a stage of its own: weak Wolfe conditions by bracketing.

A step must lower the value by a share of what the slope promises (Armijo), and leave a slope that is less steep. Both
can always be had by bracketing, for piecewise smooth functions too (Lewis & Overton 2013), and together they make the
curvature along the step positive. Where rounding hides the decrease, slopes decide (approximate Wolfe conditions, Hager
& Zhang 2005): values tell places apart down to the root of their precision, gradients down to the precision itself.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from lossbars.optimise.rows import Rows

ARMIJO, CURVATURE = 1e-4, 0.9  # Nocedal & Wright 2006, §3.1, for quasi-Newton methods
APPROXIMATE = 0.8  # 1 − 2δ with δ = .1: Hager & Zhang 2005
ROUNDING = 4.0  # units of the last place of a value that count as rounding
GROWTH = 4.0  # of the step, where it may be longer
INSIDE = 0.1  # share of a bracket from its ends that interpolation keeps away from
INTERPOLATED = 6  # trials after which a bracket is halved: kinks mislead interpolation
ENOUGH = 12  # trials after which a sufficient decrease alone is accepted
MOST = 30  # trials


@dataclass
class LineSearches(Rows):
    """Brackets of the step lengths of n rows, along directions that they know the slopes of. All are float64.

    ``low`` satisfies Armijo's condition and is too steep still; ``high`` does not satisfy it, or is infinite.
    """

    value: Float[Tensor, " n"]  # at length 0
    slope: Float[Tensor, " n"]  # of the value along the direction at length 0; negative
    length: Float[Tensor, " n"]  # that is tried next
    low: Float[Tensor, " n"]
    high: Float[Tensor, " n"]
    low_value: Float[Tensor, " n"]
    low_slope: Float[Tensor, " n"]
    high_value: Float[Tensor, " n"]
    high_slope: Float[Tensor, " n"]
    tries: Int[Tensor, " n"]

    @classmethod
    def begin(cls, value: Float[Tensor, " n"], slope: Float[Tensor, " n"]) -> "LineSearches":
        """From these values and slopes, first with length 1."""
        zero, far = torch.zeros_like(value), torch.full_like(value, torch.inf)
        tries = torch.zeros_like(value, dtype=torch.long)
        return cls(value, slope, torch.ones_like(value), zero, far, value, slope, far, far, tries)

    def begin_again(self, rows: Bool[Tensor, " n"], value: Float[Tensor, " n"], slope: Float[Tensor, " n"]) -> None:
        """New searches for these rows."""
        fresh = LineSearches.begin(value, slope).state()
        for name, old in self.state().items():
            setattr(self, name, torch.where(rows, fresh[name], old))

    def judge(
        self, value: Float[Tensor, " n"], slope: Float[Tensor, " n"], precision: float
    ) -> tuple[Bool[Tensor, " n"], Bool[Tensor, " n"]]:
        """Which rows accept the length that was tried, given what was found there, and which give up.

        The others have a new length. ``precision`` is the relative rounding of a value.
        """
        self.tries = self.tries + 1
        decrease = value <= self.value + ARMIJO * self.length * self.slope
        level = value <= self.value + ROUNDING * precision * self.value.abs()
        enough = (decrease | (level & (slope <= -APPROXIMATE * self.slope))) & slope.isfinite()
        steep = slope < CURVATURE * self.slope
        accepted = enough & (~steep | (self.tries > ENOUGH))
        self._narrow(enough, accepted, value, slope)
        last = self.tries >= MOST
        retried = last & ~accepted & (self.low > 0) & (self.tries == MOST)  # the best length that was sufficient
        self.length = torch.where(accepted, self.length, torch.where(retried, self.low, self._next()))
        return accepted, last & ~accepted & ~retried

    def _narrow(self, enough: Tensor, accepted: Tensor, value: Tensor, slope: Tensor) -> None:
        """Put the length that was tried at its end of the bracket."""
        up, down = enough & ~accepted, ~enough
        self.low, self.high = torch.where(up, self.length, self.low), torch.where(down, self.length, self.high)
        self.low_value, self.low_slope = torch.where(up, value, self.low_value), torch.where(up, slope, self.low_slope)
        self.high_value = torch.where(down, value, self.high_value)
        self.high_slope = torch.where(down, slope, self.high_slope)

    def _next(self) -> Tensor:
        """The minimum of the cubic through both ends of a bracket, kept inside; a longer step where there is none."""
        width = self.high - self.low
        chord = 3 * (self.low_value - self.high_value) / width + self.low_slope + self.high_slope
        root = (chord.square() - self.low_slope * self.high_slope).clamp_min(0).sqrt()
        share = 1 - (self.high_slope + root - chord) / (self.high_slope - self.low_slope + 2 * root)
        known = share.isfinite() & self.high_value.isfinite()
        share = torch.where(known, share.clamp(INSIDE, 1 - INSIDE), INSIDE)
        share = torch.where(self.tries > INTERPOLATED, 0.5, share)
        return torch.where(self.high.isinf(), GROWTH * self.length, self.low + share * width)
