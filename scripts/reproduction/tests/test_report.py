import re
import unittest
from xml.etree import ElementTree

from reproduction.charts.bars import Bar, Series, bar_chart
from reproduction.charts.lines import Curve, line_chart
from reproduction.charts.scale import Scale, nice_step
from reproduction.claims import Verdict, claims
from reproduction.report.assemble import assemble
from reproduction.report.html import html
from reproduction.report.markdown import markdown
from reproduction.tests.example import Results, results


class ReportTests(unittest.TestCase):
    def setUp(self) -> None:
        self.report = assemble(results(), {"train": 60.0})

    def test_html_needs_nothing_else_and_is_well_formed(self) -> None:
        written = html(self.report)
        self.assertNotRegex(written, r'(src|href)="(?!#|https://arxiv)')
        root = ElementTree.fromstring(re.sub(r"<!doctype html>|<meta[^>]*>", "", written))
        self.assertGreaterEqual(len(list(root.iter("{http://www.w3.org/2000/svg}svg"))), 6)

    def test_text_of_models_is_no_markup(self) -> None:
        self.assertIn("&amp; so &lt;on&gt;", html(self.report))

    def test_markdown_has_the_tables_and_no_chart(self) -> None:
        written = markdown(self.report)
        self.assertNotIn("<svg", written)
        for table in re.findall(r"(?:^\|.*\n)+", written, re.MULTILINE):
            self.assertEqual(
                len({line.count("|") - line.count("\\|") for line in table.splitlines()}), 1, table
            )


class ClaimTests(unittest.TestCase):
    def verdict(self, claim: str, found: Results) -> Verdict:
        return next(each.verdict for each in claims(found) if claim in each.claim)

    def test_a_larger_drop_of_the_baseline_holds_and_a_smaller_one_does_not(self) -> None:
        found = results()
        self.assertIs(self.verdict("ALL CAPS", found), Verdict.HOLDS)
        ratio = found["measure"]["text"]["all-caps"]["ratio_of_drops"]
        ratio["bits_per_byte"], ratio["intervals"]["bits_per_byte"] = 0.8, [0.7, 0.9]
        self.assertIs(self.verdict("ALL CAPS", found), Verdict.FAILS)

    def test_no_ratio_to_a_drop_that_may_be_nothing(self) -> None:
        found = results()
        drop = found["measure"]["text"]["all-caps"]["relative_drop"]
        drop["intervals"]["bits_per_byte"] = [-0.1, 0.2]
        self.assertIs(self.verdict("ALL CAPS", found), Verdict.OPEN)

    def test_a_difference_of_nothing_leaves_a_claim_of_more_undecided(self) -> None:
        self.assertIs(self.verdict("last word", results()), Verdict.OPEN)
        self.assertIs(self.verdict("as many words", results()), Verdict.HOLDS)

    def test_fewer_bits_are_better(self) -> None:
        found = results()
        self.assertIs(self.verdict("as few bits", found), Verdict.HOLDS)
        intervals = found["measure"]["text"]["clean"]["difference"]["intervals"]
        intervals["bits_per_byte"] = [0.01, 0.03]
        self.assertIs(self.verdict("as few bits", found), Verdict.FAILS)


class ChartTests(unittest.TestCase):
    def test_ticks_are_round_and_inside(self) -> None:
        self.assertEqual([nice_step(step) for step in (0.9, 1.1, 30, 0.03)], [1, 2, 50, 0.05])
        self.assertEqual(Scale(1.87, 2.93, 0, 1).ticks(), [2.0, 2.5])
        self.assertEqual(Scale(1, 100, 0, 1, logarithmic=True).ticks(3), [1, 10, 100])

    def test_places_of_both_kinds_of_axis(self) -> None:
        self.assertAlmostEqual(Scale(1, 100, 50, 150, logarithmic=True).place(10), 100)
        self.assertAlmostEqual(Scale(0, 4, 100, 0).place(1), 75)

    def test_charts_of_few_values(self) -> None:
        for points in ([(1.0, 2.0)], [(1.0, 2.0), (2.0, 2.0)]):
            ElementTree.fromstring(line_chart([Curve("a", "#000", points)], "x", "y", "A < B"))
        self.assertEqual(line_chart([Curve("a", "#000", [])], "x", "y", "none"), "")
        bars = [Bar(-0.1, (-0.2, 0.1)), None]
        ElementTree.fromstring(bar_chart(["g", "h"], [Series("a", "#000", bars)], "y", "d"))
