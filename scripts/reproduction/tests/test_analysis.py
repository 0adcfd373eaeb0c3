import unittest

from reproduction.adaptation import common_level, flops_to_reach, levels
from reproduction.evidence import Figure, figure
from reproduction.gap import Gap, bits_after, common_compute, gaps
from reproduction.hat import Point
from reproduction.training import FEWEST_STEPS, SEQUENCE_BYTES, affordable_steps, equal_flops


def curve(*bits: float) -> list[Point]:
    """A step costs 10 FLOPs."""
    return [Point(step, step, 10.0 * step, step, value) for step, value in enumerate(bits, start=1)]


class CurveTests(unittest.TestCase):
    def test_reads_levels_off_between_evaluations(self) -> None:
        falling = curve(3.0, 2.0, 1.5)
        self.assertEqual(flops_to_reach(falling, 2.5), 15.0)
        self.assertEqual(flops_to_reach(falling, 1.5), 30.0)
        self.assertEqual(flops_to_reach(falling, 3.5), 10.0)
        self.assertIsNone(flops_to_reach(falling, 1.4))

    def test_a_level_counts_from_when_it_is_first_reached(self) -> None:
        self.assertEqual(flops_to_reach(curve(3.0, 2.0, 2.6, 1.9), 2.0), 20.0)


class AdaptationTests(unittest.TestCase):
    def test_ratio_at_the_lowest_level_both_reach(self) -> None:
        common = common_level(curve(3.0, 2.0, 1.0), curve(4.0, 3.0, 2.0))
        self.assertEqual((common.bits_per_byte, common.ratio), (2.0, 1.5))

    def test_never_extrapolates(self) -> None:
        found = levels(curve(3.0, 2.0, 1.0), curve(4.0, 3.0, 2.0))
        self.assertEqual(found[-1].bits_per_byte, 1.0)
        self.assertIsNone(found[-1].ratio)
        self.assertEqual(found[-1].bound, 1.0)

    def test_the_other_may_be_faster(self) -> None:
        common = common_level(curve(4.0, 3.0, 2.0), curve(3.0, 2.0, 1.0))
        self.assertAlmostEqual(common.ratio or 0, 2 / 3)
        self.assertIsNone(levels(curve(4.0, 2.0), curve(3.0, 1.0))[-1].bound)


class GapTests(unittest.TestCase):
    def test_at_equal_compute(self) -> None:
        [found] = gaps(curve(3.0, 2.0), curve(2.5, 2.1), [15.0])
        self.assertEqual(found, Gap(15.0, 2.5, 2.3))
        self.assertAlmostEqual(found.difference, 0.2)

    def test_never_beyond_an_evaluation(self) -> None:
        falling = curve(3.0, 2.0, 1.0)
        self.assertEqual([bits_after(falling, flops) for flops in (5, 10, 30, 31)], [None, 3.0, 1.0, None])
        self.assertEqual(gaps(falling, curve(2.0, 1.0), [25.0]), [])

    def test_ends_where_the_shortest_training_ended(self) -> None:
        self.assertEqual(common_compute([curve(3.0, 2.0, 1.0), curve(2.0, 1.0)]), 20.0)


class FigureTests(unittest.TestCase):
    def test_reads_values_with_their_intervals(self) -> None:
        given = {"a": 1.0, "b": 2.0, "c": None, "intervals": {"a": [0.5, 1.5], "b": None}}
        self.assertEqual(figure(given, "a"), Figure(1.0, (0.5, 1.5)))
        self.assertEqual(figure(given, "b"), Figure(2.0))
        self.assertIsNone(figure(given, "c"))

    def test_only_intervals_decide(self) -> None:
        self.assertTrue(Figure(2, (1, 3)).is_above(0.5))
        self.assertFalse(Figure(2, (1, 3)).is_above(1.5))
        self.assertTrue(Figure(2, (1, 3)).is_below(4))
        self.assertFalse(Figure(2).is_above(0))


class BudgetTests(unittest.TestCase):
    def test_all_runs_together_take_the_time(self) -> None:
        self.assertEqual(affordable_steps(1000, [0.2, 0.3], evaluations=18), 1900)

    def test_short_runs_still_train(self) -> None:
        self.assertEqual(affordable_steps(1, [10], evaluations=10), FEWEST_STEPS)

    def test_batches_of_equal_flops(self) -> None:
        sequences, size = equal_flops(16 * SEQUENCE_BYTES, 3.0, 6.5, micro_batches=2)
        self.assertEqual(sequences, 8)
        self.assertAlmostEqual(sequences * size * 6.5, 16 * SEQUENCE_BYTES * 3.0, delta=8 * 6.5)
