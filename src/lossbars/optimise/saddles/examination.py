"""What the critical points that climbs led to, and the descents from them, pass and fail."""

from lossbars.optimise.saddles.certificates import Certificate, Failure
from lossbars.optimise.saddles.certified_descent import Descended
from lossbars.optimise.saddles.climb import Saddles, Tops
from lossbars.optimise.saddles.descents import gradient_scales, settled
from lossbars.optimise.saddles.minimum_names import ROUNDING, MinimumNames, highest_on_segment


class Examination:
    """What n saddles and the ends of the descents from them pass and fail."""

    def __init__(self, tops: Tops, saddles: Saddles, ends: Descended, names: MinimumNames) -> None:
        self.tops, self.saddles, self.ends, self.names = tops, saddles, ends, names
        self.objective, self.settings = tops.objective, tops.settings
        self.scales = gradient_scales(tops, saddles)
        self.settled, self.flat = settled(tops, ends, self.scales.repeat(2))

    def certificates(self) -> tuple[Certificate, ...]:
        """Name the ends, and state of each saddle what it fails. Ends without a name add one to the names."""
        return tuple(self._certificate(i) for i in range(len(self.tops.places)))

    def _certificate(self, i: int) -> Certificate:
        failures, pair = self._failures(i), None
        if not failures:
            pair, failure = self._ends(i)
            failures += failure
        failures += self._above(i, pair)
        theta = self.saddles.theta[i]
        return Certificate(
            saddle=theta,
            value=float(self.saddles.value[i]),
            gradient=float(self.saddles.gradient[i]),
            scale=float(self.scales[i]),
            index=int(self.saddles.index[i]),
            eigenvalues=tuple(self.saddles.lowest[i].tolist()),
            top=float(self.tops.values[i]),
            approach=highest_on_segment(self.objective, self.tops.places[i], theta),
            ends=pair,
            failures=tuple(failures),
        )

    def _failures(self, i: int) -> list[Failure]:
        if self.tops.at_minimum[i]:
            return ["at a minimum"]
        failures: list[Failure] = []
        theta = self.saddles.theta[i]
        if bool(((theta < self.objective.low) | (theta > self.objective.high)).any()):
            failures.append("outside the box")
        if not float(self.saddles.gradient[i]) <= self.settings.tolerance * float(self.scales[i]):
            failures.append("gradient")
        if int(self.saddles.index[i]) != 1:
            failures.append("index")
        return failures

    def _ends(self, i: int) -> tuple[tuple[int, int] | None, list[Failure]]:
        """The minima at which the two descents end."""
        rows = (i, len(self.tops.places) + i)
        if not all(bool(self.settled[row]) for row in rows):
            return None, ["descent"]
        reach = float(self.tops.reach[i])
        one, other = (self.names.of(self.ends, row, reach, i, bool(self.flat[row])) for row in rows)
        if one is None or other is None:
            return None, ["flat end"]
        return (min(one, other), max(one, other)), []

    def _above(self, i: int, pair: tuple[int, int] | None) -> list[Failure]:
        if self.tops.at_minimum[i]:
            return []
        value, top = float(self.saddles.value[i]), float(self.tops.values[i])
        floor = max(float(self.names.values[end]) for end in pair) if pair else value
        allowed = ROUNDING * max(1.0, abs(top)) + self.settings.slack * max(0.0, value - floor)
        return ["above its top"] if not value <= top + allowed else []
