"""Measurements of hat and the peer beside each other, as a table in Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from .hat import Measurement
from .processor import Processor
from .variants import LAYOUTS, MODES


@dataclass(frozen=True)
class Round:
    """Directly after each other."""

    hat: dict[str, Measurement]
    """By precision."""
    peer: Measurement


@dataclass(frozen=True)
class Comparison:
    """A mode of the peer beside hat."""

    preset: str
    mode: str
    layout: str
    rounds: list[Round]

    def ratios(self, precision: str) -> list[float]:
        """hat's bytes a second for each of the peer's."""
        return [rate(each.hat[precision]) / rate(each.peer) for each in self.rounds]

    def json(self) -> dict:
        precisions = list(self.rounds[0].hat)
        return {
            "preset": self.preset, "mode": self.mode, "precision": MODES[self.mode].precision, "layout": self.layout,
            "hat": {precision: summary(each.hat[precision] for each in self.rounds) for precision in precisions},
            "pytorch": summary(each.peer for each in self.rounds),
            "ratio": {precision: spread(self.ratios(precision)) for precision in precisions},
            "rounds": [
                {"hat": {precision: vars(hat) for precision, hat in each.hat.items()}, "pytorch": vars(each.peer)}
                for each in self.rounds]}


@dataclass(frozen=True)
class Refused:
    """A mode that was not measured."""

    preset: str
    mode: str
    reason: str

    def json(self) -> dict:
        return {
            "preset": self.preset, "mode": self.mode, "precision": MODES[self.mode].precision, "failure": self.reason}


@dataclass(frozen=True)
class Result:
    """A preset's."""

    preset: str
    comparisons: list[Comparison]
    refused: list[Refused]

    @property
    def best(self) -> Comparison | None:
        """The peer's fastest mode of any precision, by its ratios to hat: the machine is not always equally fast."""
        if not self.comparisons:
            return None
        precision = next(iter(self.comparisons[0].rounds[0].hat))
        return min(self.comparisons, key=lambda comparison: median(comparison.ratios(precision)))

    def json(self, processor: Processor) -> dict:
        best = self.best
        return {
            "preset": self.preset, "processor": processor.json(),
            "best": best and {key: best.json()[key] for key in ("mode", "precision", "layout", "ratio")},
            "modes": [each.json() for each in (*self.comparisons, *self.refused)]}


def summary(measurements: Iterable[Measurement]) -> dict:
    """Medians, and the largest peak."""
    measured = list(measurements)

    def middle(value: Callable[[Measurement], float]) -> float:
        return median(map(value, measured))

    return {
        "bytes_per_second": middle(rate),
        "words_per_second": middle(lambda each: each.words / each.seconds),
        "dense_flops_per_second": middle(lambda each: each.training_flops / each.seconds),
        "peak_resident_bytes": max(each.peak_resident_bytes for each in measured)}


def rate(measured: Measurement) -> float:
    return measured.text_bytes / measured.seconds


def spread(ratios: list[float]) -> dict:
    return {"median": median(ratios), "least": min(ratios), "most": max(ratios)}


def brief(comparison: Comparison) -> str:
    """What is said as soon as a mode is measured: the table comes much later."""
    sides = {
        f"hat {precision}": [each.hat[precision] for each in comparison.rounds]
        for precision in comparison.rounds[0].hat}
    sides["PyTorch"] = [each.peer for each in comparison.rounds]
    return ", ".join(f"{name} {summary(side)['bytes_per_second'] / 1e3:.1f} kB/s" for name, side in sides.items())


def markdown(results: list[Result], precisions: list[str], processor: Processor) -> str:
    """- precisions: hat's, a column of ratios each."""
    heads = ["preset", "", "kB/s", "words/s", "GFLOP/s, dense count", "MiB"]
    heads += [f"hat {precision} : this, bytes/s" for precision in precisions]
    lines = [f"Measured on {processor}.", "", row(heads), "|---" * len(heads) + "|"]
    for result in results:
        lines += rows(result, precisions)
    return "\n".join([*lines, "", *filter(None, (conclusion(result, precisions) for result in results))])


def rows(result: Result, precisions: list[str]) -> list[str]:
    sides: list[tuple[str, dict, list[str]]] = []
    if result.comparisons:
        rounds = [each for comparison in result.comparisons for each in comparison.rounds]
        for precision in precisions:
            sides.append((f"hat, {precision}", summary(each.hat[precision] for each in rounds), []))
    for comparison in result.comparisons:
        name = f"PyTorch, `{comparison.mode}`, {LAYOUTS[comparison.layout].description}"
        if comparison is result.best:
            name += ", the best"
        ratios = [ratio(comparison, precision) for precision in precisions]
        sides.append((name, summary(each.peer for each in comparison.rounds), ratios))
    lines = [[name, *figures(side), *(ratios or [""] * len(precisions))] for name, side, ratios in sides]
    lines += [
        [f"PyTorch, `{each.mode}`: not measured, {last_line(each.reason)}", *[""] * (4 + len(precisions))]
        for each in result.refused]
    return [row([f"`{result.preset}`" if line is lines[0] else "", *line]) for line in lines]


def conclusion(result: Result, precisions: list[str]) -> str | None:
    best = result.best
    if not best:
        return None
    ratios = ", ".join(f"{precision} {ratio(best, precision)}" for precision in precisions)
    return f"At `{result.preset}` the best of PyTorch is `{best.mode}`; hat's bytes a second for each of its: {ratios}."


def ratio(comparison: Comparison, precision: str) -> str:
    found = spread(comparison.ratios(precision))
    return f"{found['median']:.2f} ({found['least']:.2f}–{found['most']:.2f})"


def figures(side: dict) -> list[str]:
    return [
        f"{side['bytes_per_second'] / 1e3:.1f}", f"{side['words_per_second']:.0f}",
        f"{side['dense_flops_per_second'] / 1e9:.0f}", f"{side['peak_resident_bytes'] / 2**20:.0f}"]


def last_line(reason: str) -> str:
    """Of what a process said, the error."""
    return reason.strip().splitlines()[-1].strip().replace("|", "/")


def row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
