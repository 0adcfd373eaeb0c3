"""Figures with their 95 % intervals, as `evaluate --json` gives them, and what is worked out from two of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A value, and its interval where there were enough units for one."""

    value: float
    interval: tuple[float, float] | None = None

    def lies_below(self, other: "Figure") -> bool:
        """Whether it is less by more than the intervals allow for."""
        return self._high < other._low

    @property
    def _low(self) -> float:
        return self.interval[0] if self.interval else self.value

    @property
    def _high(self) -> float:
        return self.interval[1] if self.interval else self.value

    @property
    def is_above_zero(self) -> bool:
        return self._low > 0


def figure(answer: Mapping[str, Any], name: str) -> Figure | None:
    """None where the program gave no number: an infinite perplexity, a share of nothing."""
    value = answer.get(name)
    if value is None:
        return None
    interval = answer.get("intervals", {}).get(name)
    return Figure(value, (interval[0], interval[1]) if interval else None)


def drop(answer: Mapping[str, Any], name: str) -> Figure | None:
    """By which share of the clean figure the perturbed one is worse."""
    return figure(answer["relative_drop"], name)


def ratio(above: Figure | None, below: Figure | None) -> Figure | None:
    """None where the lower one may be zero: then it says nothing.

    The interval takes the worst of both, so it is wider than 95 %.
    """
    if above is None or below is None or not below.is_above_zero:
        return None
    value = above.value / below.value
    if not (above.interval and below.interval):
        return Figure(value)
    low, high = above.interval
    ends = (low / below.interval[1 if low > 0 else 0], high / below.interval[0 if high > 0 else 1])
    return Figure(value, ends)
