"""Looks up figures in the results of the stages, with their 95 % confidence intervals, and formats them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reproduction.hat import Point
from reproduction.measuring import CLEAN

Results = dict[str, Any]


@dataclass(frozen=True)
class Figure:
    """A value, and its interval if it was measured on enough documents or questions."""

    value: float
    interval: tuple[float, float] | None = None

    def is_above(self, value: float) -> bool:
        """Whether the whole interval is above `value`. Without an interval that is unknown: False."""
        return self.interval is not None and self.interval[0] > value

    def is_below(self, value: float) -> bool:
        return self.interval is not None and self.interval[1] < value

    def __neg__(self) -> "Figure":
        return Figure(-self.value, (-self.interval[1], -self.interval[0]) if self.interval else None)


def figure(answer: Mapping[str, Any], name: str) -> Figure | None:
    """None if hat gave no number, as for an infinite perplexity or a share of nothing."""
    value = answer.get(name)
    if value is None:
        return None
    interval = answer.get("intervals", {}).get(name)
    return Figure(value, (interval[0], interval[1]) if interval else None)


@dataclass(frozen=True)
class Evidence:
    """Models are given by name. `kind` is `text`, `cloze` or `choice`, and `name` is the metric's."""

    results: Results

    def value(self, model: str, kind: str, name: str, condition: str = CLEAN) -> Figure | None:
        return figure(self._answer(model, kind, condition), name)

    def drop(self, model: str, kind: str, name: str, perturbation: str) -> Figure | None:
        """How much worse the perturbed metric is, as a share of the clean one."""
        return figure(self._answer(model, kind, perturbation)["relative_drop"], name)

    def drop_ratio(self, kind: str, name: str, perturbation: str) -> Figure | None:
        """The baseline's drop divided by the hierarchical model's. None if the latter may be zero."""
        own = self.drop("hierarchical", kind, name, perturbation)
        if own is None or not own.is_above(0):
            return None
        return figure(self.results["measure"][kind][perturbation]["ratio_of_drops"], name)

    def difference(self, kind: str, name: str) -> Figure | None:
        """Hierarchical − baseline."""
        return figure(self.results["measure"][kind][CLEAN]["difference"], name)

    def difference_to_fixed(self, kind: str, name: str) -> Figure | None:
        """Hierarchical − fixed patches, on questions."""
        return figure(self.results["measure-fixed"][kind]["difference"], name)

    def german(self, model: str, when: str) -> Figure | None:
        """Bits per byte `before` and `after` the adaptation."""
        answer = self.results["adaptation"]["german"][when]
        return figure(answer if model == "hierarchical" else answer["against"], "bits_per_byte")

    def german_difference(self) -> Figure | None:
        """Bits per byte after the adaptation, hierarchical − baseline."""
        return figure(self.results["adaptation"]["german"]["after"]["difference"], "bits_per_byte")

    def english(self, model: str) -> list[Figure | None]:
        """Bits per byte of English before and after the adaptation, and the increase."""
        after = self.results["adaptation"]["english"][model]
        return [figure(each, "bits_per_byte") for each in (after["against"], after, after["difference"])]

    def adaptation_curves(self) -> tuple[list[Point], list[Point]]:
        """The hierarchical model's and the baseline's."""
        hierarchical, subword = (
            [Point(**point) for point in self.results[f"adapt-{name}"]["curve"]]
            for name in ("hierarchical", "subword")
        )
        return hierarchical, subword

    def _answer(self, model: str, kind: str, condition: str) -> dict[str, Any]:
        if model == "fixed":
            answer: dict[str, Any] = self.results["measure-fixed"][kind]
            return answer if kind == "text" else answer["against"]
        answer = self.results["measure"][kind][condition]
        return answer if model == "hierarchical" else answer["against"]


def percent(found: Figure | None) -> str:
    return _with_interval(found, lambda value: f"{100 * value:.1f}", " %")


def fixed(found: Figure | None, digits: int = 3) -> str:
    return _with_interval(found, lambda value: f"{value:,.{digits}f}")


def count(value: float) -> str:
    return f"{value:,.0f}"


def large(value: float) -> str:
    """Three digits and a metric prefix."""
    for unit, letter in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.3g} {letter}"
    return f"{value:.3g}"


def _with_interval(found: Figure | None, written: Callable[[float], str], unit: str = "") -> str:
    if found is None:
        return "–"
    value = written(found.value) + unit
    if found.interval is None:
        return value
    low, high = (written(end) for end in found.interval)
    return f"{value} [{low}, {high}]"
