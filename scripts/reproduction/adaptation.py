"""How much faster one model learns a new language than the other, in FLOPs."""

from dataclasses import dataclass

from reproduction.curves import Point, flops_to_reach

# Parts of the hierarchical model's training at whose ends its level is asked for.
PARTS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Level:
    """What each model needs to reach `bits_per_byte`; None where its run ended above it."""

    bits_per_byte: float
    hierarchical_flops: float | None
    subword_flops: float | None
    # The FLOPs of the whole runs: the least that a model needs which did not get there.
    hierarchical_end: float
    subword_end: float

    @property
    def ratio(self) -> float | None:
        """Of the baseline's FLOPs to the hierarchical model's, where both got there."""
        if self.hierarchical_flops is None or self.subword_flops is None:
            return None
        return self.subword_flops / self.hierarchical_flops

    @property
    def bound(self) -> float | None:
        """What the ratio is above, where only the hierarchical model got there."""
        if self.hierarchical_flops is None or self.subword_flops is not None:
            return None
        return self.subword_end / self.hierarchical_flops


def level(bits_per_byte: float, hierarchical: list[Point], subword: list[Point]) -> Level:
    return Level(
        bits_per_byte,
        *(flops_to_reach(hierarchical, bits_per_byte), flops_to_reach(subword, bits_per_byte)),
        *(hierarchical[-1].flops, subword[-1].flops),
    )


def levels(hierarchical: list[Point], subword: list[Point]) -> list[Level]:
    """From the level the hierarchical model has early to the one it ends at."""
    wanted = [_best_after(hierarchical, part * hierarchical[-1].flops) for part in PARTS]
    return [level(bits, hierarchical, subword) for bits in dict.fromkeys(wanted)]


def common_level(hierarchical: list[Point], subword: list[Point]) -> Level:
    """The lowest level that both reached: where the slower one ended, or was at its best."""
    lowest = max(min(point.bits_per_byte for point in curve) for curve in (hierarchical, subword))
    return level(lowest, hierarchical, subword)


def _best_after(curve: list[Point], flops: float) -> float:
    """Of the first evaluation after so many FLOPs, and those before it."""
    passed = [point for point in curve if point.flops < flops * 0.9999]
    return min(point.bits_per_byte for point in curve[: len(passed) + 1])
