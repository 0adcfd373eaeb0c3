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
    """Models are given by name; those that are compared with the baseline are `plain` and `recommended`.

    `kind` is `text`, `cloze` or `choice`, and `name` is the metric's.
    """

    results: Results

    def value(self, model: str, kind: str, name: str, condition: str = CLEAN) -> Figure | None:
        return figure(self._answer(model, kind, condition), name)

    def drop(self, model: str, kind: str, name: str, perturbation: str) -> Figure | None:
        """How much worse the perturbed metric is, as a share of the clean one."""
        return figure(self._answer(model, kind, perturbation)["relative_drop"], name)

    def drop_ratio(self, model: str, kind: str, name: str, perturbation: str) -> Figure | None:
        """The baseline's drop divided by the model's. None if the latter may be zero."""
        return _ratio_of_drops(self.results[f"measure-{model}"][kind][perturbation], name)

    def recipe_drop_ratio(self, name: str, perturbation: str) -> Figure | None:
        """The plain model's drop on text divided by the recommended one's. None if the latter may be zero."""
        return _ratio_of_drops(self.results["measure-recipes"][perturbation], name)

    def difference(self, model: str, kind: str, name: str) -> Figure | None:
        """Model − baseline."""
        return figure(self.results[f"measure-{model}"][kind][CLEAN]["difference"], name)

    def recipe_difference(self, name: str, condition: str = CLEAN) -> Figure | None:
        """Recommended − plain, on text."""
        return figure(self.results["measure-recipes"][condition]["difference"], name)

    def difference_to_fixed(self, kind: str, name: str) -> Figure | None:
        """Words − fixed patches, of the recommended recipe, on questions."""
        return figure(self.results["measure-fixed"][kind]["difference"], name)

    def german(self, model: str, when: str) -> Figure | None:
        """Bits per byte `before` and `after` the adaptation."""
        found = self.results["adaptation"]["german"]
        answer = found["plain"][when]["against"] if model == "subword" else found[model][when]
        return figure(answer, "bits_per_byte")

    def german_difference(self, model: str) -> Figure | None:
        """Bits per byte after the adaptation, model − baseline."""
        return figure(self.results["adaptation"]["german"][model]["after"]["difference"], "bits_per_byte")

    def english(self, model: str) -> list[Figure | None]:
        """Bits per byte of English before and after the adaptation, and the increase."""
        after = self.results["adaptation"]["english"][model]
        return [figure(each, "bits_per_byte") for each in (after["against"], after, after["difference"])]

    def curve(self, stage: str, model: str) -> list[Point]:
        """The evaluations while training on English (`train`) or German (`adapt`)."""
        return [Point(**point) for point in self.results[f"{stage}-{model}"]["curve"]]

    def _answer(self, model: str, kind: str, condition: str) -> dict[str, Any]:
        answer: dict[str, Any]
        if model == "fixed":
            answer = self.results["measure-fixed"][kind]
            return answer if kind == "text" else answer["against"]
        if model == "subword":
            answer = self.results["measure-plain"][kind][condition]["against"]
            return answer
        answer = self.results[f"measure-{model}"][kind][condition]
        return answer


def _ratio_of_drops(answer: Mapping[str, Any], name: str) -> Figure | None:
    own = figure(answer["relative_drop"], name)
    return figure(answer["ratio_of_drops"], name) if own and own.is_above(0) else None


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
