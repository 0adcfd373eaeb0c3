"""Figures with their 95 % intervals, as `evaluate --json` gives them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A value, and its interval where there were enough units for one."""

    value: float
    interval: tuple[float, float] | None = None

    def is_above(self, value: float) -> bool:
        """Whether it is more by more than the interval allows for; without an interval nobody knows."""
        return self.interval is not None and self.interval[0] > value

    def is_below(self, value: float) -> bool:
        return self.interval is not None and self.interval[1] < value


def figure(answer: Mapping[str, Any], name: str) -> Figure | None:
    """None where the program gave no number: an infinite perplexity, a share of nothing."""
    value = answer.get(name)
    if value is None:
        return None
    interval = answer.get("intervals", {}).get(name)
    return Figure(value, (interval[0], interval[1]) if interval else None)
