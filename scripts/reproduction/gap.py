"""How far a hierarchical model is from the baseline after equal compute."""

from collections.abc import Iterable
from dataclasses import dataclass

from reproduction.hat import Point

# Of the compute that all the compared models had.
SHARES = (0.1, 0.2, 0.35, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Gap:
    """Held-out bits per byte of a model and of the baseline after this many FLOPs."""

    flops: float
    bits_per_byte: float
    baseline: float

    @property
    def difference(self) -> float:
        """Above zero where the baseline is better."""
        return self.bits_per_byte - self.baseline


def gaps(curve: list[Point], baseline: list[Point], flops: Iterable[float]) -> list[Gap]:
    """At each of the FLOPs that both curves reach: between two evaluations, never beyond them."""
    found = ((each, bits_after(curve, each), bits_after(baseline, each)) for each in flops)
    return [Gap(each, own, other) for each, own, other in found if own is not None and other is not None]


def common_compute(curves: list[list[Point]]) -> float:
    """The FLOPs that every model had."""
    return min(curve[-1].flops for curve in curves)


def bits_after(curve: list[Point], flops: float) -> float | None:
    """Interpolated between the evaluations before and after; None outside the curve."""
    for before, after in zip(curve, curve[1:], strict=False):
        if before.flops <= flops <= after.flops:
            part = (flops - before.flops) / (after.flops - before.flops)
            return before.bits_per_byte + part * (after.bits_per_byte - before.bits_per_byte)
    return None
