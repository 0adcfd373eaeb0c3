import contextlib
import importlib.util
import io
import json
import os
import unittest
from pathlib import Path
from unittest import mock

from lm_evaluation.command import main
from lm_evaluation.tests.fixture import corpus, scratch, trained
from serving.server import REPOSITORY, Server

_FIGURES = {
    "hat_lambada": {"perplexity", "acc"},
    "hat_hellaswag": {"acc", "acc_bytes"},
    "hat_arc": {"acc", "acc_bytes"},
    "hat_piqa": {"acc", "acc_bytes"},
    "hat_words": {"acc"},
    "hat_documents": {"word_perplexity", "byte_perplexity", "bits_per_byte"},
    "hat_windows": {"byte_perplexity", "bits_per_byte"},
}


@unittest.skipUnless(importlib.util.find_spec("lm_eval"), "lm_eval cannot be installed here")
class HarnessTests(unittest.TestCase):
    """The harness itself, on served models."""

    def compare(self, kind: str, *options: str) -> tuple[int, list[list[str]], str]:
        """Exit code, lines of the table, and messages."""
        arguments = ["--checkpoint", str(trained(kind)), "--data", str(corpus()), "--output", str(self.output(kind))]
        shown, said = io.StringIO(), io.StringIO()
        # As scripts/harness sets it, for the process that runs the harness.
        path = mock.patch.dict(os.environ, PYTHONPATH=str(REPOSITORY / "scripts"))
        with path, contextlib.redirect_stdout(shown), contextlib.redirect_stderr(said):
            code = main([*arguments, "--limit", "20", *options])
        return code, [line.split() for line in shown.getvalue().splitlines()[1:]], said.getvalue()

    def output(self, kind: str) -> Path:
        return scratch() / f"harness-{kind}"

    def figures(self, lines: list[list[str]]) -> dict[str, set[str]]:
        return {
            task: {line[2] for line in lines if line[0] == task} for task in dict.fromkeys(line[0] for line in lines)
        }

    def test_its_figures_are_those_of_evaluate(self) -> None:
        code, lines, said = self.compare("hierarchical")
        self.assertEqual(code, 0, said)
        self.assertEqual(self.figures(lines), _FIGURES)
        self.assertEqual({line[5] for line in lines}, {"same"})
        self.assertTrue(all(line[1] == "20" for line in lines if line[0] in ("hat_lambada", "hat_piqa")), lines)
        # Some are right and some are wrong, or equality would say little.
        shares = {float(line[3]) for line in lines if line[2].startswith("acc")}
        self.assertTrue(any(0 < share < 1 for share in shares), shares)

        # A second start asks nothing again, but what is no longer the same is noticed.
        file = self.output("hierarchical") / "evaluate/hat_piqa.json"
        figures = json.loads(file.read_text())
        file.write_text(json.dumps({**figures, "accuracy": figures["accuracy"] + 1e-12}))
        code, lines, said = self.compare("hierarchical")
        self.assertEqual(code, 65)
        self.assertEqual([line[:3] for line in lines if line[5] != "same"], [["hat_piqa", "20", "acc"]])
        self.assertIn("1 of 14 figures differ", said)

        # And a folder is of one kind of start.
        code, _, said = self.compare("hierarchical", "--limit", "21")
        self.assertEqual(code, 64)
        self.assertIn("--limit", said)

    def test_also_of_the_baseline(self) -> None:
        code, lines, said = self.compare("subword")
        self.assertEqual(code, 0, said)
        self.assertEqual(self.figures(lines), _FIGURES)
        self.assertEqual({line[0] for line in lines if line[-2:] == ["not", "compared"]}, {"hat_words"})
        self.assertTrue(all(line[5] == "same" for line in lines if line[0] != "hat_words"), lines)

    def test_a_server_of_hat_passes_the_check(self) -> None:
        for kind in ("hierarchical", "subword"):
            with Server(trained(kind), "--model-name", "mine") as server:
                shown = io.StringIO()
                with contextlib.redirect_stdout(shown):
                    self.assertEqual(main(["--check", f"http://127.0.0.1:{server.port}"]), 0)
                self.assertIn("mine", shown.getvalue())

    def test_mistakes(self) -> None:
        for options, code, mention in (
            ((), 64, "--checkpoint"),
            (("--checkpoint", "a", "--data", "b", "--limit", "0"), 64, "--limit"),
            (("--checkpoint", "/nowhere", "--data", str(corpus())), 66, "/nowhere"),
            (("--checkpoint", str(trained("hierarchical")), "--data", "/nowhere"), 66, "/nowhere"),
            (("--checkpoint", "a", "--data", "b", "--program", "/nowhere"), 66, "--program"),
            (("--check", "http://127.0.0.1:1"), 66, "127.0.0.1:1"),
        ):
            with self.subTest(options):
                said = io.StringIO()
                with contextlib.redirect_stderr(said):
                    try:
                        found = main([*options, "--output", str(scratch() / "mistakes")])
                    except SystemExit as end:
                        found = int(end.code or 0)
                self.assertEqual(found, code, said.getvalue())
                self.assertIn(mention, said.getvalue())
