"""Paired measurements, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from .hat import Measurement


@dataclass(frozen=True)
class Comparison:
    preset: str
    mode: str
    layout: str
    rounds: list[tuple[Measurement, Measurement]]
    """hat's and the peer's, one directly after the other."""

    @property
    def ratios(self) -> list[float]:
        """hat's bytes a second for each of the peer's."""
        return [rate(hat) / rate(peer) for hat, peer in self.rounds]

    def json(self) -> dict:
        return {
            "preset": self.preset, "mode": self.mode, "layout": self.layout,
            "hat": self.side(0), "pytorch": self.side(1),
            "ratio": {"median": median(self.ratios), "least": min(self.ratios), "most": max(self.ratios)},
            "memory_ratio": self.peak(0) / self.peak(1),
            "rounds": [{"hat": vars(hat), "pytorch": vars(peer)} for hat, peer in self.rounds]}

    def side(self, index: int) -> dict:
        return {
            "bytes_per_second": self.middle(index, rate),
            "words_per_second": self.middle(index, lambda measured: measured.words / measured.seconds),
            "dense_flops_per_second": self.middle(
                index, lambda measured: measured.training_flops / measured.seconds),
            "peak_resident_bytes": self.peak(index)}

    def middle(self, index: int, value: Callable[[Measurement], float]) -> float:
        return median(value(pair[index]) for pair in self.rounds)

    def peak(self, index: int) -> int:
        return max(pair[index].peak_resident_bytes for pair in self.rounds)


def rate(measured: Measurement) -> float:
    return measured.text_bytes / measured.seconds


HEADER = f"{'':28}{'kB/s':>9}{'words/s':>10}{'GFLOP/s':>9}{'MiB':>7}   hat : PyTorch, bytes/s"


def lines(comparison: Comparison) -> list[str]:
    ratios = comparison.ratios
    spread = f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
    peer = f"{comparison.preset} PyTorch {comparison.mode}, {comparison.layout}"
    return [
        row(f"{comparison.preset} hat", comparison.side(0)), row(peer, comparison.side(1)) + f"   {spread}"]


def row(name: str, side: dict) -> str:
    return (
        f"{name:28}{side['bytes_per_second'] / 1e3:9.1f}{side['words_per_second']:10.0f}"
        f"{side['dense_flops_per_second'] / 1e9:9.1f}{side['peak_resident_bytes'] / 2**20:7.0f}")
