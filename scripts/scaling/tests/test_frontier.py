import unittest

from scaling.fit import REFERENCE_FLOPS_PER_BYTE, REFERENCE_TEXT_BYTES, Coefficients, Law
from scaling.frontier import Comparison, beyond, crossings, gap, optimum
from scaling.tests.example import HIERARCHICAL

_UNIT = REFERENCE_FLOPS_PER_BYTE * REFERENCE_TEXT_BYTES


def law(coefficients: Coefficients, resampled: list[Coefficients] | None = None) -> Law:
    return Law(coefficients, tuple(resampled or [coefficients]), 0.01, (1, 2), (1, 2))


def simple(floor: float, scale: float) -> Coefficients:
    """Of which the frontier is floor + 2 scale c^-0.25, with c in units of F0 · D0."""
    return Coefficients(floor, scale, 0.5, scale, 0.5)


class FrontierTests(unittest.TestCase):
    def test_the_optimum_is_the_least_of_all_sizes(self) -> None:
        for compute in (1e12, 1e14, 1e17):
            best = optimum(HIERARCHICAL, compute)
            self.assertAlmostEqual(best.flops_per_byte * best.text_bytes / compute, 1)
            for times in (0.5, 0.9, 1.1, 2):
                size = times * best.flops_per_byte
                self.assertGreater(HIERARCHICAL.bits_per_byte(size, compute / size), best.bits_per_byte)

    def test_finds_where_two_laws_meet(self) -> None:
        # 0.8 + 2 · 0.5 x = 0.9 + 2 · 0.4 x at x = 0.5, which is c = 16.
        own, other = simple(0.8, 0.5), simple(0.9, 0.4)
        (meeting,) = crossings(own, other, _UNIT, 1e4 * _UNIT)
        self.assertAlmostEqual(meeting[0] / _UNIT, 16, places=6)
        self.assertTrue(meeting[1])
        self.assertEqual([ahead for _, ahead in crossings(other, own, _UNIT, 1e4 * _UNIT)], [False])
        self.assertEqual(crossings(own, other, 17 * _UNIT, 1e4 * _UNIT), [])

    def test_a_comparison_says_how_many_fits_agree(self) -> None:
        own, other = simple(0.8, 0.5), simple(0.9, 0.4)
        # One fit of four has the hierarchical model ahead throughout, one of five cannot tell.
        resampled = [own, own, own, simple(0.8, 0.4), Coefficients(0.8, 0, 0.5, 0.5, 0.5)]
        compared = Comparison(law(own, resampled), law(other, [other] * 5), _UNIT, 4 * _UNIT)
        self.assertEqual((compared.is_determined, compared.undetermined), (True, 1))
        (meeting,) = compared.meetings()
        self.assertAlmostEqual(meeting.compute / _UNIT, 16, places=6)
        self.assertEqual((meeting.is_ahead_beyond, meeting.agreeing), (True, 0.75))
        assert meeting.interval
        for end in meeting.interval:
            self.assertAlmostEqual(end / _UNIT, 16, places=6)
        small, large = compared.stands((1, 8))
        self.assertEqual((small.ahead, large.ahead), (0.25, 1))
        self.assertAlmostEqual(small.difference, gap(own, other, 4 * _UNIT))
        self.assertGreater(small.difference, 0)
        self.assertLess(large.difference, 0)

    def test_a_law_without_a_best_size_is_not_compared(self) -> None:
        without = Coefficients(0.8, 0, 0.5, 0.5, 0.5)
        self.assertFalse(Comparison(law(without), law(simple(0.9, 0.4)), 1, 2).is_determined)

    def test_how_far_a_value_is_outside(self) -> None:
        self.assertEqual([beyond(value, (2, 4)) for value in (1, 3, 8)], [0.5, 1, 2])
