import unittest
from dataclasses import astuple

from scaling.fit import EXPECTED_EXPONENTS, Coefficients, fitted
from scaling.tests.example import HIERARCHICAL, runs


class FitTests(unittest.TestCase):
    def test_runs_without_noise_give_their_law(self) -> None:
        law = fitted(runs(HIERARCHICAL), 1)
        for own, true in zip(astuple(law.coefficients), astuple(HIERARCHICAL), strict=True):
            self.assertAlmostEqual(own, true, places=4)
        self.assertLess(law.deviation, 1e-4)
        self.assertEqual(law.flops_per_byte, (0.7e6, 18e6))
        self.assertEqual(law.text_bytes, (3.45e6, 27.6e6))

    def test_intervals_contain_the_law_and_noise_is_seen(self) -> None:
        law = fitted(runs(HIERARCHICAL, noise=0.004, seed=3), 1)
        for name in ("floor", "size", "size_exponent", "text", "text_exponent"):
            low, high = law.interval(name)
            true = getattr(HIERARCHICAL, name)
            self.assertLessEqual(low, true, name)
            self.assertGreaterEqual(high, true, name)
        self.assertTrue(0.003 < law.deviation < 0.014, law.deviation)
        # Four times the size and the text of any run.
        far = (72e6, 110e6)
        expected = law.coefficients.bits_per_byte(*far)
        self.assertAlmostEqual(expected, HIERARCHICAL.bits_per_byte(*far), delta=0.05)
        self.assertEqual(law, fitted(runs(HIERARCHICAL, noise=0.004, seed=3), 1))
        self.assertNotEqual(law.resampled, fitted(runs(HIERARCHICAL, noise=0.004, seed=3), 2).resampled)

    def test_what_the_runs_leave_open_is_named(self) -> None:
        self.assertEqual(fitted(runs(HIERARCHICAL), 1).coefficients.faults, [])
        without_size = fitted(runs(Coefficients(0.9, -0.05, 0.4, 0.4, 0.4)), 1).coefficients
        self.assertIn("A is 0", without_size.faults)
        steep = fitted(runs(Coefficients(0.9, 0.4, 2.5, 0.4, 0.4)), 1).coefficients
        self.assertIn("α is at the end of the values tried (1.5)", steep.faults)

    def test_where_runs_say_nothing_exponents_are_the_expected_ones(self) -> None:
        two_sizes = [run for run in runs(HIERARCHICAL, noise=0.004) if run.size in ("nano", "tiny")]
        law = fitted(two_sizes, 1)
        self.assertAlmostEqual(law.coefficients.size_exponent, EXPECTED_EXPONENTS[0], delta=0.05)
        low, high = law.interval("size_exponent")
        self.assertTrue(low < 0.25 and high > 0.45, (low, high))
