import io
import json
import re
import tempfile
import unittest
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch
from xml.etree import ElementTree

from corpus.errors import ExitCode
from experiments.results import Line
from scaling.command import main
from scaling.fit import Coefficients, Law
from scaling.page import BASELINE, KINDS, page, picture
from scaling.swift import KEPT, source
from scaling.tests.example import BETTER_FLOOR, HIERARCHICAL, keep, measured

_SWIFT = "FittedScalingLaws.swift"


class CommandTests(unittest.TestCase):
    """The whole command, with results that follow a known law."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.results = self.folder / "results"
        # The program keeps as many.
        fewer = patch("scaling.fit.RESAMPLED", KEPT)
        fewer.start()
        self.addCleanup(fewer.stop)

    def keep(self, corpus: str = "c") -> None:
        keep(self.results, KINDS["hierarchical"], BETTER_FLOOR)
        keep(self.results, KINDS[BASELINE], HIERARCHICAL, corpus)

    def laws(self, *more: str) -> tuple[int, str]:
        options = ["--results", str(self.results), "--output", str(self.folder / "out"), *more]
        with redirect_stdout(io.StringIO()) as said, redirect_stderr(said):
            return main(options), said.getvalue()

    def change(self, search: str, changed: Callable[[list[Line]], list[Line]]) -> None:
        path = self.results / f"{search}.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        path.write_text("".join(json.dumps(line) + "\n" for line in changed(lines)))

    def test_from_results_to_files_and_check_sees_a_change(self) -> None:
        self.keep()
        code, said = self.laws()
        self.assertEqual(code, ExitCode.DONE, said)
        names = sorted(path.name for path in (self.folder / "out").rglob("*") if path.is_file())
        self.assertEqual(len(names), 3, names)
        self.assertIn(_SWIFT, names)
        self.assertEqual(self.laws("--check")[0], ExitCode.DONE)
        self.change(KINDS[BASELINE], lambda lines: [*lines[:-1], {**lines[-1], "held_out": 1.7}])
        code, said = self.laws("--check")
        self.assertEqual(code, ExitCode.INVALID_DATA)
        self.assertIn(_SWIFT, said)
        self.assertIn("scripts/scaling-laws", said)

    def test_too_few_runs_are_named_with_the_command_that_makes_them(self) -> None:
        self.keep()
        self.change(KINDS[BASELINE], lambda lines: lines[:3])
        code, said = self.laws()
        self.assertEqual(code, ExitCode.INPUT_MISSING)
        self.assertIn("scaling-subword has 3 runs of 2 sizes and 2 lengths of text", said)
        self.assertIn("scripts/search scaling-subword --work", said)
        self.assertIn("Missing: tiny, 600 steps; mini, 300 steps;", said)
        self.assertFalse((self.folder / "out").exists())

    def test_sizes_that_hardly_differ_count_as_one(self) -> None:
        self.keep()
        self.change(
            KINDS[BASELINE],
            lambda lines: [
                {**line, "flops": line["bytes"] * (1e6 + 1e4 * place)} for place, line in enumerate(lines)
            ],
        )
        code, said = self.laws()
        self.assertEqual(code, ExitCode.INPUT_MISSING)
        self.assertIn("of 1 sizes and 4 lengths", said)

    def test_runs_of_several_corpora_or_of_text_read_twice_are_refused(self) -> None:
        self.keep(corpus="other")
        code, said = self.laws()
        self.assertEqual(code, ExitCode.INVALID_DATA)
        self.assertIn("2 corpora", said)
        self.change(
            KINDS[BASELINE],
            lambda lines: [{**line, "corpus": {"fingerprint": "c", "bytes": 4_000_000}} for line in lines],
        )
        code, said = self.laws()
        self.assertEqual(code, ExitCode.INVALID_DATA)
        self.assertIn("read once", said)

    def test_runs_that_are_missing_are_on_the_page(self) -> None:
        self.keep()
        self.change(KINDS[BASELINE], lambda lines: [*lines[:3], *lines[4:]])
        code, said = self.laws()
        self.assertEqual(code, ExitCode.DONE, said)
        text = next((self.folder / "out").rglob("*.md")).read_text()
        self.assertRegex(text, r"Still to do: [a-z]+, \d+ steps\.")


class RepositoryTests(unittest.TestCase):
    def test_page_and_program_have_the_law_of_the_results(self) -> None:
        with redirect_stdout(io.StringIO()) as said, redirect_stderr(said):
            code = main(["--check"])
        self.assertEqual(code, ExitCode.DONE, said.getvalue())


class PageTests(unittest.TestCase):
    def rendered(self, hierarchical: Coefficients, subword: Coefficients, *more: Coefficients) -> str:
        """`more` are resampled fits of the hierarchical law."""
        found = {"hierarchical": measured(hierarchical), BASELINE: measured(subword, seed=2)}
        laws = {
            kind: Law(
                own,
                (own,) * 9 + (more if kind == "hierarchical" else (own,) * len(more)),
                0.004,
                (0.7e6, 18e6),
                (3.45e6, 27.6e6),
            )
            for kind, own in (("hierarchical", hierarchical), (BASELINE, subword))
        }
        chart = picture(found, laws)
        ElementTree.fromstring(chart)
        self.assertEqual(chart, picture(found, laws))
        text = page(found, laws)
        for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            self.assertEqual(len({line.count("|") for line in table.splitlines()}), 1, table)
        self.assertNotRegex(text, r"{[{%#]|\b(Undefined|nan|inf)\b")
        return text

    def test_says_where_they_meet_and_how_many_fits_agree(self) -> None:
        text = self.rendered(BETTER_FLOOR, HIERARCHICAL, HIERARCHICAL)
        self.assertRegex(
            text, r"\*\*They are level at [\d.]+ [TP]FLOP\*\*, [\d.e+]+ times the largest measured"
        )
        self.assertIn("the hierarchical model is ahead. There the hierarchical model has", text)
        self.assertIn("In 90 % of the fits", text)
        self.assertRegex(
            text, r"\| nano \| 150 \| 3\.45 MB \| \d\.\d{3} \| \d\.\d{3} \| \+0\.\d{3} \| 1\.000 \|"
        )

    def test_says_that_they_do_not_meet(self) -> None:
        worse = Coefficients(0.95, 0.5, 0.4, 0.45, 0.4)
        self.assertIn("**By the fit they do not meet.** The baseline is ahead", self.rendered(worse, HIERARCHICAL))
        self.assertIn("**By the fit they do not meet.** The hierarchical model is", self.rendered(HIERARCHICAL, worse))

    def test_degenerate_fits_are_visible(self) -> None:
        without_size = Coefficients(0.9, 0, 0.4, 0.4, 0.4)
        text = self.rendered(HIERARCHICAL, HIERARCHICAL, without_size)
        self.assertIn("1 of 10 pairs of fits are left out", text)
        self.assertIn("Hierarchical: 1 of 10 resampled fits leave something undetermined", text)
        text = self.rendered(without_size, HIERARCHICAL)
        self.assertIn("The fits cannot tell", text)
        self.assertIn("**Hierarchical: the runs do not determine this law: A is 0.**", text)


class SwiftTests(unittest.TestCase):
    def test_the_constants(self) -> None:
        law = Law(
            HIERARCHICAL, (BETTER_FLOOR,) * (KEPT + 1), 0.00412, (681234.5, 18234567.0), (3.44e6, 27.5e6)
        )
        text = source({"hierarchical": law})
        self.assertIn("  static let referenceFlopsPerByte = 3e6\n", text)
        first = (
            "coefficients: .init(floor: 0.9, size: 0.45, sizeExponent: 0.35, text: 0.4, textExponent: 0.3),"
        )
        self.assertIn(
            f"  public static let hierarchical = ScalingLaw(\n    {first}\n    resampled: [\n", text
        )
        self.assertEqual(text.count(".init(floor: 0.85, "), KEPT)
        last = "residualDeviation: 0.00412, flopsPerByte: 6.8123e5...1.8235e7, textBytes: 3.44e6...2.75e7)"
        self.assertIn(f"    ], {last}\n}}\n", text)
        self.assertLessEqual(max(map(len, text.splitlines())), 110)
