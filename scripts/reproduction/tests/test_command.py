import io
import json
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from corpus.errors import ExitCode
from corpus.folders import claimed
from reproduction import hat
from reproduction.command import main
from reproduction.commands import CommandFailure, Commands
from reproduction.laboratory import MODELS
from reproduction.recipes import RECIPES
from reproduction.tests.program import output


class CommandTests(unittest.TestCase):
    """The whole command, with a program that answers at once."""

    broken = False

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.output = self.folder / "output"
        self.calls: list[str] = []
        running = patch.object(Commands, "run", self.run_command)
        running.start()
        self.addCleanup(running.stop)
        for language in ("english", "german"):
            (self.folder / language).mkdir()
            (self.folder / language / "a.jsonl").write_text('{"text": "a"}\n')

    def run_command(self, command: list[str], said_as: str) -> str:
        self.calls.append(said_as)
        if self.broken:
            raise CommandFailure(said_as, 65, self.output / "logs/a.log", "out of order")
        return output(command[1:])

    def reproduce(self, *more: str) -> tuple[int, str]:
        arguments = ["--program", "hat-mpirun", "--corpora", self.folder, "--output", self.output, *more]
        with redirect_stdout(io.StringIO()) as said, redirect_stderr(said):
            return main([str(argument) for argument in arguments]), said.getvalue()

    def test_from_texts_to_report_and_nothing_twice(self) -> None:
        code, said = self.reproduce()
        self.assertEqual(code, ExitCode.DONE, said)
        report = (self.output / "report.html").read_text()
        self.assertIn("Adapting to German", report)
        self.assertIn("| claim |", (self.output / "results.md").read_text())

        done = len(self.calls)
        (self.output / "report.html").unlink()
        self.assertEqual(self.reproduce()[0], ExitCode.DONE)
        self.assertEqual(len(self.calls), done)
        self.assertEqual((self.output / "report.html").read_text(), report)

    def test_goes_on_after_a_failure(self) -> None:
        self.broken = True
        code, said = self.reproduce()
        self.assertEqual(code, ExitCode.INVALID_DATA)
        for part in ("hat-mpirun preprocess", "out of order", "logs/a.log", "to continue"):
            self.assertIn(part, said)
        self.broken = False
        self.assertEqual(self.reproduce()[0], ExitCode.DONE)

    def test_models_train_alike_and_adapt_at_equal_cost(self) -> None:
        self.reproduce()
        speed = json.loads((self.output / "results/speed.json").read_text())["result"]
        costs = {
            name: speed["german"][name]["flops_per_step"] for name in ("plain", "recommended", "subword")
        }
        self.assertEqual(costs["recommended"], costs["plain"])
        self.assertAlmostEqual(costs["subword"] / costs["plain"], 1, delta=0.01)
        settings = [
            {word for word in call.split() if "=" in word and not word.startswith("data.seed")}
            for call in self.calls
            if call.startswith("hat-mpirun train") and "runs/speed" not in call and "german" not in call
        ]
        self.assertEqual(len(settings), 4)
        for other in settings[1:]:
            self.assertEqual(settings[0], other)
        adapting = [call for call in self.calls if "--initialize-from" in call]
        self.assertEqual(len(adapting), 3)

    def test_models_differ_by_their_recipes(self) -> None:
        self.reproduce()
        configurations = self.output / "configurations"
        plain, recommended, subword, fixed = (
            hat.settings((configurations / f"{model.name}.yaml").read_text()) for model in MODELS
        )
        self.assertEqual((plain["training.optimizer"], plain["model.byte_ngrams"]), ("adamw", "0"))
        self.assertEqual((recommended["model.byte_ngrams"], subword["model.token_ngrams"]), ("5", "3"))
        self.assertEqual((recommended["training.optimizer"], subword["training.optimizer"]), ("muon", "muon"))
        self.assertEqual(fixed, recommended)

    def test_every_hierarchical_model_is_measured_against_the_baseline(self) -> None:
        self.reproduce()
        evaluations = [call for call in self.calls if call.startswith("hat-mpirun evaluate")]
        for name in ("plain", "recommended"):
            pair = f"--checkpoint {self.output}/runs/{name} --data {self.output}/corpora/english --against"
            perturbed = [
                call for call in evaluations if f"{pair} {self.output}/runs/subword --perturb" in call
            ]
            self.assertEqual(len(perturbed), 4)
            after = f"{self.output}/runs/{name}-german --data {self.output}/corpora/german"
            self.assertEqual(len([call for call in evaluations if after in call]), 1)

    def test_does_not_continue_with_other_recipes(self) -> None:
        self.reproduce()
        with patch.dict(RECIPES, plain={"training.optimizer": "muon"}):
            code, said = self.reproduce()
        self.assertEqual(code, ExitCode.WRONG_USAGE)
        self.assertIn("other recipes", said)

    def test_refuses_what_it_cannot_use(self) -> None:
        self.assertEqual(self.reproduce("--config", "nowhere.yaml")[0], ExitCode.INPUT_MISSING)
        with claimed(self.output):
            code, said = self.reproduce()
        self.assertEqual(code, ExitCode.CANNOT_WRITE)
        self.assertIn("another reproduce is at work", said)
        (self.folder / "german/a.jsonl").rename(self.folder / "german/a.jsonl.zst")
        code, said = self.reproduce()
        self.assertEqual(code, ExitCode.INPUT_MISSING)
        self.assertIn("german: there is no text in files *.jsonl", said)
        (self.folder / "german/a.jsonl.zst").unlink()
        (self.folder / "german").rmdir()
        code, said = self.reproduce()
        self.assertEqual(code, ExitCode.INPUT_MISSING)
        self.assertIn("german: there is no such folder", said)
