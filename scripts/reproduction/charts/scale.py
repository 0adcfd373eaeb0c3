"""From values to places on an axis, and the values worth a tick."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """`low` and `high` lie at `start` and `end`, in pixels; a logarithmic one needs them above 0."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def place(self, value: float) -> float:
        low, high, value = (self._warped(each) for each in (self.low, self.high, value))
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        if self.logarithmic:
            return self._logarithmic_ticks(about)
        step = nice_step((self.high - self.low) / about)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]

    def _logarithmic_ticks(self, about: int) -> list[float]:
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for factors in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
            found = [factor * 10.0**decade for decade in decades for factor in factors]
            found = [tick for tick in found if self.low <= tick * 1.0001 and tick <= self.high * 1.0001]
            if len(found) >= about - 1:
                return found
        return found

    def _warped(self, value: float) -> float:
        return math.log(value) if self.logarithmic else value


def nice_step(wanted: float) -> float:
    """1, 2 or 5 times a power of ten, the smallest that is at least as large."""
    unit = 10.0 ** math.floor(math.log10(wanted))
    return next(factor * unit for factor in (1, 2, 5, 10) if factor * unit >= wanted * (1 - 1e-9))


def padded(low: float, high: float) -> tuple[float, float]:
    """A little room on both sides, also where all values are one."""
    room = (high - low) * 0.06 or abs(high) * 0.06 or 1
    return low - room, high + room


def number(value: float) -> str:
    """As few digits as tell ticks apart."""
    return f"{value:,.10g}" if abs(value) >= 1 else f"{value:.6g}"
