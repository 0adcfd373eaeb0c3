import re
import unittest
from xml.etree import ElementTree

from reproduction.charts import bar_chart, line_chart
from reproduction.claims import Verdict, claims
from reproduction.evidence import Evidence, Figure
from reproduction.laboratory import RECOMMENDED
from reproduction.report import html, markdown
from reproduction.tests.example import Results, results

SECONDS = {"train": 60.0}


class ReportTests(unittest.TestCase):
    def test_html_needs_nothing_else_and_is_well_formed(self) -> None:
        written = html(results(), SECONDS)
        self.assertNotRegex(written, r'(src|href)="(?!#|https://arxiv)')
        self.assertNotRegex(written, r"@import|url\((?!#)")
        root = ElementTree.fromstring(re.sub(r"<!doctype html>|<meta[^>]*>", "", written))
        self.assertEqual(len(list(root.iter("{http://www.w3.org/2000/svg}svg"))), 9)
        anchors = [link.attrib["href"] for link in next(root.iter("nav"))]
        self.assertEqual(anchors, [f"#{section.attrib['id']}" for section in root.iter("section")])
        self.assertGreaterEqual(len(anchors), 9)

    def test_text_of_models_is_no_markup(self) -> None:
        found = results()
        found["words"]["neighbours"]["plain"]["mercy"] = [{"word": "<b>|*a*|`", "cosine": 0.5}]
        found["samples"]["fixed"]["In the beginning "] = "In the beginning \n\n</pre>\r<h2>no</h2>\n\n# no"
        written = html(found, SECONDS)
        self.assertIn("&amp; so &lt;on&gt;", written)
        self.assertIn("<td>&lt;b&gt;|*a*|` 0.50</td>", written)
        self.assertIn("&lt;h2&gt;no&lt;/h2&gt;\n\n# no\n</code></pre>", written)

    def test_markdown_has_the_tables_and_no_chart(self) -> None:
        written = markdown(results(), SECONDS)
        self.assertNotRegex(written, "<svg|<div|<span|<details|{[{%#]")
        tables = re.findall(r"(?:^\|.*\n)+", written, re.MULTILINE)
        self.assertGreaterEqual(len(tables), 16)
        for table in tables:
            self.assertEqual(
                len({line.count("|") - line.count("\\|") for line in table.splitlines()}), 1, table
            )


class ClaimTests(unittest.TestCase):
    def verdict(self, claim: str, found: Results, model: str = "recommended") -> Verdict:
        return next(each.findings[model].verdict for each in claims(Evidence(found)) if claim in each.claim)

    def test_each_model_has_its_own_verdict(self) -> None:
        for model, other in (("plain", "recommended"), ("recommended", "plain")):
            found = results()
            ratio = found[f"measure-{model}"]["text"]["all-caps"]["ratio_of_drops"]
            ratio["intervals"]["bits_per_byte"] = [0.7, 0.9]
            self.assertIs(self.verdict("ALL CAPS", found, model), Verdict.FAILS)
            self.assertIs(self.verdict("ALL CAPS", found, other), Verdict.HOLDS)
            found["adaptation"]["german"][model]["after"]["difference"]["intervals"] = {
                "bits_per_byte": [-0.2, -0.1]
            }
            self.assertIs(self.verdict("models German better", found, model), Verdict.HOLDS)
            self.assertIs(self.verdict("models German better", found, other), Verdict.OPEN)

    def test_patches_are_compared_with_words_of_the_same_recipe(self) -> None:
        [claim] = [each for each in claims(Evidence(results())) if "patches" in each.claim]
        self.assertEqual(list(claim.findings), ["recommended"])

    def test_a_larger_drop_of_the_baseline_holds_and_a_smaller_one_does_not(self) -> None:
        found = results()
        self.assertIs(self.verdict("ALL CAPS", found), Verdict.HOLDS)
        ratio = found["measure-recommended"]["text"]["all-caps"]["ratio_of_drops"]
        ratio["bits_per_byte"], ratio["intervals"]["bits_per_byte"] = 0.8, [0.7, 0.9]
        self.assertIs(self.verdict("ALL CAPS", found), Verdict.FAILS)

    def test_no_ratio_to_a_drop_that_may_be_nothing(self) -> None:
        found = results()
        drop = found["measure-recommended"]["text"]["all-caps"]["relative_drop"]
        drop["intervals"]["bits_per_byte"] = [-0.1, 0.2]
        self.assertIs(self.verdict("ALL CAPS", found), Verdict.OPEN)

    def test_a_difference_of_nothing_leaves_a_claim_of_more_undecided(self) -> None:
        self.assertIs(self.verdict("last word", results()), Verdict.OPEN)
        self.assertIs(self.verdict("as many words", results()), Verdict.HOLDS)

    def test_fewer_bits_are_better(self) -> None:
        found = results()
        self.assertIs(self.verdict("as few bits", found), Verdict.HOLDS)
        intervals = found["measure-recommended"]["text"]["clean"]["difference"]["intervals"]
        intervals["bits_per_byte"] = [0.01, 0.03]
        self.assertIs(self.verdict("as few bits", found), Verdict.FAILS)

    def test_shows_what_the_recipe_does_to_robustness(self) -> None:
        found = results()
        ratio = found["measure-recipes"]["all-caps"]["ratio_of_drops"]
        ratio["bits_per_byte"], ratio["intervals"]["bits_per_byte"] = 0.81, [0.71, 0.91]
        row = r"\| ALL CAPS \| 50\.0 % \[.*\] \| 60\.0 % \[.*\] \| 0\.81 \[0\.71, 0\.91\] \|"
        self.assertRegex(markdown(found, SECONDS), row)


class ChartTests(unittest.TestCase):
    def test_values_are_shown_to_who_points_at_them(self) -> None:
        drawn = line_chart({RECOMMENDED: [(1.0, 2.0), (10.0, 1.5)]}, "x", "y", "A < B")
        titles = [
            title.text for title in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}title")
        ]
        self.assertEqual(titles, ["A < B", "Recommended: 2.000 at 1", "Recommended: 1.500 at 10"])

    def test_the_same_values_give_the_same_bytes(self) -> None:
        first, second = (bar_chart(["a"], {RECOMMENDED: [Figure(1, (0, 2))]}, "y", "d") for _ in range(2))
        self.assertEqual(first, second)

    def test_charts_of_few_values(self) -> None:
        for points in ([(1.0, 2.0)], [(1.0, 2.0), (2.0, 2.0)]):
            ElementTree.fromstring(line_chart({RECOMMENDED: points}, "x", "y", "A < B"))
        self.assertEqual(line_chart({RECOMMENDED: []}, "x", "y", "none"), "")
        figures = [Figure(-0.1, (-0.2, 0.1)), None]
        ElementTree.fromstring(bar_chart(["g", "h"], {RECOMMENDED: figures}, "y", "d"))
