"""The law of loss over size and text, fitted to runs."""

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scaling.runs import ScalingRun

Numbers = NDArray[np.float64]

# F0 and D0: round numbers near the middle of the runs.
REFERENCE_FLOPS_PER_BYTE = 3e6
REFERENCE_TEXT_BYTES = 1e7

# Those that are tried for either exponent. The ends are far from what a law can be.
EXPONENTS = tuple(round(0.05 + 0.025 * step, 3) for step in range(59))
RESAMPLED = 200

# Runs of minutes hardly determine exponents. These are what they are expected to be: those of Hoffmann et al. (appendix D.3:
# 0.34 and 0.28), to the steps above, and how far those of another text and recipe may be from them.
EXPECTED_EXPONENTS = (0.35, 0.3)
EXPONENT_DEVIATION = 0.1
# What a run may be from its law, as a share of its loss: what expectation weighs against the runs with.
RUN_DEVIATION = 0.005


@dataclass(frozen=True)
class Coefficients:
    """L(F, D) = floor + size (F / F0)^-size_exponent + text (D / D0)^-text_exponent, in bits per byte.

    The form of Hoffmann et al. (arXiv 2203.15556, equation 2). F is training FLOPs per byte, in the place of
    parameters, and D is bytes of text, each read once.
    """

    floor: float
    size: float
    size_exponent: float
    text: float
    text_exponent: float

    def bits_per_byte(self, flops_per_byte: float, text_bytes: float) -> float:
        return float(
            self.floor
            + self.size * (flops_per_byte / REFERENCE_FLOPS_PER_BYTE) ** -self.size_exponent
            + self.text * (text_bytes / REFERENCE_TEXT_BYTES) ** -self.text_exponent
        )

    @property
    def faults(self) -> list[str]:
        """What the runs did not determine: a term that is zero, or an exponent at the end of those tried."""
        terms = {"E": self.floor, "A": self.size, "B": self.text}
        exponents = {"α": self.size_exponent, "β": self.text_exponent}
        return [f"{name} is 0" for name, value in terms.items() if value == 0] + [
            f"{name} is at the end of the values tried ({value:g})"
            for name, value in exponents.items()
            if value in (EXPONENTS[0], EXPONENTS[-1])
        ]


COEFFICIENTS = len(Coefficients.__dataclass_fields__)


@dataclass(frozen=True)
class Law:
    """`resampled` are fits to runs drawn anew. `deviation` is of a run from the law, in bits per byte."""

    coefficients: Coefficients
    resampled: tuple[Coefficients, ...]
    deviation: float
    flops_per_byte: tuple[float, float]
    text_bytes: tuple[float, float]

    def interval(self, name: str) -> tuple[float, float]:
        """That nine of ten resampled fits are in."""
        return central([getattr(each, name) for each in self.resampled])


def central(values: Sequence[float]) -> tuple[float, float]:
    """The 5 % and the 95 % quantile."""
    low, high = np.quantile(values, (0.05, 0.95))
    return float(low), float(high)


def fitted(runs: Sequence[ScalingRun], seed: int) -> Law:
    """The law with the least squares of relative residuals and of what its exponents are from the expected ones, and
    fits that tell how sure it is.

    They are a parametric bootstrap: each is fitted to the same sizes and texts, with losses that are the
    law's, changed at random by as much as the runs deviate from it, and with expected exponents that are
    changed at random, too. Drawing the runs themselves again would
    leave out the only run of a size every third time. Laws that are compared need different seeds.
    """
    fit = _Fit(runs)
    best = fit.best(fit.measured, EXPECTED_EXPONENTS)
    expected = np.array([best.bits_per_byte(run.flops_per_byte, run.text_bytes) for run in runs])
    # Five coefficients have made the residuals smaller.
    freedom = len(runs) - COEFFICIENTS
    relative = math.sqrt(float(np.sum((fit.measured / expected - 1) ** 2)) / freedom)
    deviation = float(f"{math.sqrt(float(np.sum((fit.measured - expected) ** 2)) / freedom):.3g}")
    chance = random.Random(seed)

    def resample() -> Coefficients:
        losses = expected * (1 + np.array([chance.gauss(0, relative) for _ in runs]))
        size, text = (chance.gauss(each, EXPONENT_DEVIATION) for each in EXPECTED_EXPONENTS)
        return fit.best(losses, (size, text))

    resampled = tuple(resample() for _ in range(RESAMPLED))
    sizes, texts = [run.flops_per_byte for run in runs], [run.text_bytes for run in runs]
    return Law(best, resampled, deviation, (min(sizes), max(sizes)), (min(texts), max(texts)))


class _Fit:
    """For a pair of exponents the other three coefficients are linear; the best of all pairs is the fit."""

    # Which terms are not zero.
    _SUPPORTS = [list(terms) for count in (1, 2, 3) for terms in itertools.combinations(range(3), count)]

    def __init__(self, runs: Sequence[ScalingRun]) -> None:
        self.measured = np.array([run.bits_per_byte for run in runs])
        self._sizes = np.array([run.flops_per_byte for run in runs]) / REFERENCE_FLOPS_PER_BYTE
        self._texts = np.array([run.text_bytes for run in runs]) / REFERENCE_TEXT_BYTES

    @cached_property
    def _pairs(self) -> Numbers:
        """[G, 2]"""
        return np.array(list(itertools.product(EXPONENTS, EXPONENTS)))

    @cached_property
    def _terms(self) -> Numbers:
        """[G, runs, 3]: what the floor, the size and the text are multiplied by."""
        size = self._sizes[None, :] ** -self._pairs[:, :1]
        text = self._texts[None, :] ** -self._pairs[:, 1:]
        return np.stack([np.ones_like(size), size, text], axis=2)

    def best(self, losses: Numbers, exponents: tuple[float, float]) -> Coefficients:
        """The other coefficients, none negative, have the least squares over the terms that are not zero.

        - exponents: the expected ones.
        """
        away = (self._pairs - np.array(exponents)) / EXPONENT_DEVIATION
        surprise = RUN_DEVIATION**2 * (away**2).sum(axis=1)
        terms = self._terms / losses[None, :, None]
        products, sums = terms.transpose(0, 2, 1) @ terms, terms.sum(axis=1)
        least, found = math.inf, Coefficients(0, 0, 0, 0, 0)
        for support in self._SUPPORTS:
            part = sums[:, support]
            values = np.linalg.solve(products[:, support][:, :, support], part[:, :, None])[:, :, 0]
            # What is left of the squares of a solution: |1|² - values · sums.
            squares = np.where((values >= 0).all(axis=1), len(losses) - (values * part).sum(axis=1), np.inf)
            squares += surprise
            place = int(np.argmin(squares))
            if squares[place] < least:
                least, linear = float(squares[place]), np.zeros(3)
                linear[support] = values[place]
                found = Coefficients(
                    linear[0], linear[1], self._pairs[place][0], linear[2], self._pairs[place][1]
                )
        return _rounded(found)


def _rounded(coefficients: Coefficients) -> Coefficients:
    """To the digits that are written: the last ones differ between processors."""
    return Coefficients(*(float(f"{value:.4g}") for value in astuple(coefficients)))
