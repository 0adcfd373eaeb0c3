"""How much faster one model learns a new language than the other, in FLOPs."""

from dataclasses import dataclass

from reproduction.hat import Point, reached

# The hierarchical model's level is compared after these shares of its training.
_SHARES = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Level:
    """The FLOPs that each model needs to reach `bits_per_byte`; None if its run never got there."""

    bits_per_byte: float
    hierarchical_flops: float | None
    subword_flops: float | None
    # The FLOPs of the baseline's whole run.
    subword_end: float

    @property
    def ratio(self) -> float | None:
        """The baseline's FLOPs divided by the hierarchical model's, if both reached the level."""
        if self.hierarchical_flops is None or self.subword_flops is None:
            return None
        return self.subword_flops / self.hierarchical_flops

    @property
    def bound(self) -> float | None:
        """A lower bound of the ratio, if only the hierarchical model reached the level."""
        if self.hierarchical_flops is None or self.subword_flops is not None:
            return None
        return self.subword_end / self.hierarchical_flops


def levels(hierarchical: list[Point], subword: list[Point]) -> list[Level]:
    """From a level that the hierarchical model reaches early to its best one."""
    wanted = [_best_after(hierarchical, share * hierarchical[-1].flops) for share in _SHARES]
    return [_level(bits, hierarchical, subword) for bits in dict.fromkeys(wanted)]


def common_level(hierarchical: list[Point], subword: list[Point]) -> Level:
    """The lowest level that both models reached."""
    lowest = max(min(point.bits_per_byte for point in curve) for curve in (hierarchical, subword))
    return _level(lowest, hierarchical, subword)


def flops_to_reach(curve: list[Point], bits_per_byte: float) -> float | None:
    point = reached(curve, bits_per_byte)
    return None if point is None else point.flops


def _level(bits_per_byte: float, hierarchical: list[Point], subword: list[Point]) -> Level:
    needed, subword_needed = (flops_to_reach(curve, bits_per_byte) for curve in (hierarchical, subword))
    return Level(bits_per_byte, needed, subword_needed, subword[-1].flops)


def _best_after(curve: list[Point], flops: float) -> float:
    """The lowest evaluation up to the first one after this many FLOPs."""
    passed = [point for point in curve if point.flops < flops * 0.9999]
    return min(point.bits_per_byte for point in curve[: len(passed) + 1])
