"""The least loss that an amount of compute can reach, and where that of both kinds of model is equal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scaling.fit import REFERENCE_FLOPS_PER_BYTE, REFERENCE_TEXT_BYTES, Coefficients, Law, central

# Frontiers that are equal only beyond this many times the largest measured compute are not said to meet.
FARTHEST = 1000
_PLACES = 200


@dataclass(frozen=True)
class Optimum:
    """The size and the text, together `compute` training FLOPs, with the least loss."""

    compute: float
    flops_per_byte: float
    text_bytes: float
    bits_per_byte: float


@dataclass(frozen=True)
class Stand:
    """Both kinds after the same compute.

    `ahead` is the share of fits in which the hierarchical model has fewer bits per byte; `interval` has the
    differences of nine of ten.
    """

    hierarchical: Optimum
    subword: Optimum
    interval: tuple[float, float]
    ahead: float

    @property
    def difference(self) -> float:
        """Below zero the hierarchical model is better."""
        return self.hierarchical.bits_per_byte - self.subword.bits_per_byte


@dataclass(frozen=True)
class Meeting:
    """Where both are level.

    `agreeing` is the share of fits that meet, too, with the same side ahead beyond; `interval` has the
    compute of nine of ten of these.
    """

    hierarchical: Optimum
    subword: Optimum
    is_ahead_beyond: bool
    agreeing: float
    interval: tuple[float, float] | None

    @property
    def compute(self) -> float:
        return self.hierarchical.compute


def has_frontier(law: Coefficients) -> bool:
    """If size or text does not matter, all compute should go into the other, without end."""
    return law.size > 0 and law.text > 0


def optimum(law: Coefficients, compute: float, smallest: float = 0) -> Optimum:
    """Where more size and more text return as much: α A f^-α = β B d^-β, with f = F / F0 and d = D / D0.

    - smallest: no model has fewer FLOPs per byte.
    """
    total = compute / (REFERENCE_FLOPS_PER_BYTE * REFERENCE_TEXT_BYTES)
    ratio = law.size_exponent * law.size / (law.text_exponent * law.text)
    size = (ratio * total**law.text_exponent) ** (1 / (law.size_exponent + law.text_exponent))
    flops_per_byte = max(smallest, size * REFERENCE_FLOPS_PER_BYTE)
    text = compute / flops_per_byte
    return Optimum(compute, flops_per_byte, text, law.bits_per_byte(flops_per_byte, text))


def gap(hierarchical: Coefficients, subword: Coefficients, compute: float, smallest: float = 0) -> float:
    first, second = (optimum(law, compute, smallest) for law in (hierarchical, subword))
    return first.bits_per_byte - second.bits_per_byte


def crossings(
    hierarchical: Coefficients, subword: Coefficients, low: float, high: float, smallest: float = 0
) -> list[tuple[float, bool]]:
    """The compute at which one overtakes the other, and whether the hierarchical model is ahead beyond."""
    places = [low * (high / low) ** (place / _PLACES) for place in range(_PLACES + 1)]
    ahead = [gap(hierarchical, subword, place, smallest) < 0 for place in places]
    found = []
    for number, (before, after) in enumerate(zip(ahead, ahead[1:], strict=False)):
        if before != after:
            start, end = places[number], places[number + 1]
            for _ in range(40):
                middle = math.sqrt(start * end)
                if (gap(hierarchical, subword, middle, smallest) < 0) == before:
                    start = middle
                else:
                    end = middle
            found.append((start, after))
    return found


class Comparison:
    """The frontiers of two laws. Both kinds were measured from `low` to `high` FLOPs.

    Models smaller than any that were measured are left out: `smallest` is in FLOPs per byte.
    """

    def __init__(self, hierarchical: Law, subword: Law, low: float, high: float) -> None:
        self.low, self.high = low, high
        self.smallest = max(law.flops_per_byte[0] for law in (hierarchical, subword))
        self._hierarchical, self._subword = hierarchical.coefficients, subword.coefficients
        pairs = list(zip(hierarchical.resampled, subword.resampled, strict=True))
        self.pairs = [pair for pair in pairs if all(map(has_frontier, pair))]
        self.undetermined = len(pairs) - len(self.pairs)

    @property
    def is_determined(self) -> bool:
        return has_frontier(self._hierarchical) and has_frontier(self._subword) and bool(self.pairs)

    def stands(self, times: Sequence[float]) -> list[Stand]:
        """After multiples of the largest measured compute."""
        return [self.stand(self.high * each) for each in times]

    def stand(self, compute: float) -> Stand:
        gaps = [gap(*pair, compute, self.smallest) for pair in self.pairs]
        ahead = sum(each < 0 for each in gaps) / len(gaps)
        return Stand(
            optimum(self._hierarchical, compute, self.smallest),
            optimum(self._subword, compute, self.smallest),
            central(gaps),
            ahead,
        )

    def meetings(self) -> list[Meeting]:
        """From the smallest measured compute on; none if one side stays ahead."""
        farthest = self.high * FARTHEST
        of_fits = [crossings(*pair, self.low, farthest, self.smallest) for pair in self.pairs]
        found = []
        for compute, ahead in crossings(
            self._hierarchical, self._subword, self.low, farthest, self.smallest
        ):
            agreeing = [
                next(place for place, side in each if side == ahead)
                for each in of_fits
                if any(side == ahead for _, side in each)
            ]
            found.append(
                Meeting(
                    optimum(self._hierarchical, compute, self.smallest),
                    optimum(self._subword, compute, self.smallest),
                    is_ahead_beyond=ahead,
                    agreeing=len(agreeing) / len(self.pairs),
                    interval=central(agreeing) if agreeing else None,
                )
            )
        return found


def beyond(value: float, measured: tuple[float, float]) -> float:
    """A value as a multiple of the nearest end of a range: above 1 over it, below 1 under it, 1 within it."""
    return value / min(max(value, measured[0]), measured[1])
