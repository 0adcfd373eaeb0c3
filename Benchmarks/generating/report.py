"""Measurements of hat and PyTorch beside each other, as a table in Markdown and as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median

from comparison.processor import Processor
from comparison.report import row, spread

from .writers import Speed

PHASES = {"prompt": "prompts", "writing": "writing"}


@dataclass(frozen=True)
class Round:
    """Directly after each other."""

    hat: Speed
    pytorch: dict[str, Speed]
    """By way."""


@dataclass(frozen=True)
class Comparison:
    model: str
    batch: int
    precision: str
    tried: dict[str, Speed]
    """Ways of PyTorch, each measured once; the fastest are in the rounds."""
    rounds: list[Round]

    def best(self, phase: str) -> str:
        """The way that is the fastest beside hat, reading or writing."""
        return min(self.rounds[0].pytorch, key=lambda way: median(self.ratios(phase, way)))

    def ratios(self, phase: str, way: str) -> list[float]:
        """hat's bytes a second for each of PyTorch's."""
        return [getattr(each.hat, phase) / getattr(each.pytorch[way], phase) for each in self.rounds]

    def summary(self, phase: str) -> dict:
        way = self.best(phase)
        return {
            "hat_bytes_per_second": median(getattr(each.hat, phase) for each in self.rounds),
            "pytorch_bytes_per_second": median(getattr(each.pytorch[way], phase) for each in self.rounds),
            "pytorch": way, "ratio": spread(self.ratios(phase, way))}

    def json(self) -> dict:
        return {
            "model": self.model, "batch": self.batch, "precision": self.precision,
            **{phase: self.summary(phase) for phase in PHASES},
            "tried": {way: asdict(speed) for way, speed in self.tried.items()},
            "rounds": [asdict(each) for each in self.rounds]}


@dataclass(frozen=True)
class Refused:
    """A way that was not measured."""

    model: str
    batch: int
    precision: str
    way: str
    reason: str


def report(comparisons: list[Comparison], refused: list[Refused], processor: Processor, task: dict) -> dict:
    return {
        "processor": processor.json(), "task": task, "comparisons": [each.json() for each in comparisons],
        "refused": [asdict(each) for each in refused]}


def markdown(comparisons: list[Comparison], refused: list[Refused], processor: Processor) -> str:
    heads = ["model", "at once", "precision"]
    for name in PHASES.values():
        heads += [f"{name}: hat, kB/s", "PyTorch, kB/s", "hat : PyTorch"]
    lines = [f"Measured on {processor}.", "", row(heads), "|---" * len(heads) + "|"]
    for each in comparisons:
        cells = [each.model, str(each.batch), each.precision]
        for phase in PHASES:
            found = each.summary(phase)
            ratio = found["ratio"]
            cells += [
                kilobytes(found["hat_bytes_per_second"]),
                f"{kilobytes(found['pytorch_bytes_per_second'])} ({found['pytorch']})",
                f"{ratio['median']:.2f} ({ratio['least']:.2f}–{ratio['most']:.2f})"]
        lines.append(row(cells))
    lines += ["", *(
        f"{each.model}, {each.batch} at once, {each.precision}: PyTorch, {each.way}, not measured: "
        f"{each.reason.strip().splitlines()[-1]}" for each in refused)]
    return "\n".join(lines).rstrip()


def kilobytes(rate: float) -> str:
    return f"{rate / 1e3:.3g}"
