import io
import json
import re
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from corpus.errors import ExitCode
from reproduction.commands import CommandFailure, Commands
from tuning import answers, recipe
from tuning.command import main
from tuning.dialogues import KINDS, Json

_WORDS = [a + b + c for a in "bcdfghj" for b in "aeiou" for c in ("nt", "rd", "sk", "lm", "ck")]
_TEXT = {"bits_per_byte": 1.5, "word_accuracy": 0.25, "intervals": {"bits_per_byte": [1.4, 1.6]}}
_PAIRS = {"preference_accuracy": 0.8, "preference_margin": 0.5}


class _Hat:
    """A stand-in for hat-mpirun: it takes the same commands, does nothing, and answers as a run would."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.broken: str | None = None

    def run(self, command: list[str], said_as: str) -> str:
        self.calls.append(said_as)
        name = command[1]
        if name == self.broken:
            raise CommandFailure(said_as, 65, Path("logs/a.log"), "out of order")
        if name == "train":
            Path(command[command.index("--output") + 1]).mkdir(parents=True)
        return json.dumps(self._answer(name, command))

    def _answer(self, name: str, command: list[str]) -> Json:
        if name == "inspect":
            totals = {"logged_steps": 9, "bytes": 900, "flops": 1e9, "seconds": 3.0}
            return {"totals": totals, "curve": [], "evaluations": [], "configuration": "model:\n  width: 128\n"}
        if name == "evaluate":
            before = {"against": {**_PAIRS, "preference_accuracy": 0.7}}
            return {**_PAIRS, **before} if "--against" in command else _TEXT
        return {}

    def of(self, name: str) -> list[str]:
        return [call for call in self.calls if call.split()[1] == name]


class CommandTests(unittest.TestCase):
    """The whole command, with a program that answers at once."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.output = self.folder / "output"
        self.texts = self.folder / "texts"
        self.texts.mkdir()
        (self.texts / "a.jsonl").write_text(json.dumps({"text": " ".join(_WORDS)}) + "\n")
        self.hat = _Hat()
        self.asked: list[Path] = []
        for replaced in (
            patch.object(Commands, "run", lambda _, command, said_as: self.hat.run(command, said_as)),
            patch.object(answers, "ask", self.ask),
            patch.object(recipe, "TRAINING_DIALOGUES", 40),
            patch.object(recipe, "MEASURED_DIALOGUES", 5),
            patch.object(recipe, "TRAINING_PAIRS", 3),
            patch.object(recipe, "MEASURED_PAIRS", 2),
        ):
            replaced.start()
            self.addCleanup(replaced.stop)

    def ask(self, run: Path, prompts: list[list[Json]], program: Path) -> list[str]:
        """The pretrained model is always wrong, the tuned one repeats rightly, the last one is always right."""
        self.asked.append(run)
        right = {"pretrained": (), "tuned": ("repeat",), "preferred": KINDS}.get(run.name, ())
        return [answer if kind in right else "no" for kind, answer in map(self.expected, prompts)]

    def expected(self, prompt: list[Json]) -> tuple[str, str]:
        """The kind and the answer of a dialogue that measures. Other prompts have none."""
        for file in ("new-questions", "new-words"):
            for line in (self.output / f"dialogues/{file}.jsonl").read_text().splitlines():
                dialogue = json.loads(line)
                if dialogue["messages"][:-1] == prompt:
                    return dialogue["kind"], dialogue["messages"][-1]["content"]
        return "", ""

    def tune(self, *more: object) -> tuple[int, str]:
        arguments = ["--program", "hat-mpirun", "--texts", self.texts, "--output", self.output, *more]
        with redirect_stdout(io.StringIO()) as said, redirect_stderr(said):
            return main([str(argument) for argument in arguments]), said.getvalue()

    def test_from_text_to_table_and_nothing_twice(self) -> None:
        code, said = self.tune()
        self.assertEqual(code, ExitCode.DONE, said)
        table = (self.output / "results.md").read_text()
        self.assertIn("| `repeat` | 0 of 5 | 5 of 5 | 5 of 5 |", table)
        self.assertEqual(table.count("| several turns | 0 of 5 | 0 of 5 | 5 of 5 |"), 2)
        self.assertIn("| – | 70.0% | 80.0% |", table)
        self.assertIn("instead of", (self.output / "wrong-answers.txt").read_text())
        self.assertEqual(set(json.loads((self.output / "results.json").read_text())), {"results", "seconds"})

        done = len(self.hat.calls), len(self.asked)
        self.assertEqual(self.tune()[0], ExitCode.DONE)
        self.assertEqual((len(self.hat.calls), len(self.asked)), done)
        self.assertEqual((self.output / "results.md").read_text(), table)

    def test_what_measures_is_new(self) -> None:
        self.tune()
        names = ("training", "pairs", "new-questions", "new-words", "measured-pairs")
        texts = {name: (self.output / f"dialogues/{name}.jsonl").read_text() for name in names}
        words = {
            name: {word for word in re.findall("[a-z]+", text.lower()) if word in _WORDS}
            for name, text in texts.items()
        }
        self.assertTrue(all(words.values()))
        new = words["new-words"] | words["measured-pairs"]
        self.assertEqual(new & (words["training"] | words["pairs"]), set())
        self.assertEqual(words["training"] & words["pairs"], set())
        self.assertEqual(words["new-questions"] & new, set())
        for line in texts["new-questions"].splitlines():
            dialogue = json.loads(line)
            if dialogue["kind"] == "spell":
                self.assertNotIn(json.dumps(dialogue["messages"][0]), texts["training"])

    def test_pairs_are_of_what_the_tuned_model_answers(self) -> None:
        self.tune()
        lines = (self.output / "dialogues/pairs.jsonl").read_text().splitlines()
        self.assertEqual(len(lines), 3 * len(KINDS))
        self.assertEqual({json.loads(line)["rejected"][0]["content"] for line in lines}, {"no"})
        self.assertEqual(
            [run.name for run in self.asked], ["pretrained"] * 2 + ["tuned"] * 4 + ["preferred"] * 2
        )

    def test_each_model_begins_with_the_one_before(self) -> None:
        self.tune()
        pretrain, tune, prefer = self.hat.of("train")
        runs, corpora = f"{self.output}/runs", f"{self.output}/corpora"
        self.assertNotIn("--initialize-from", pretrain)
        self.assertIn(f"--data {corpora}/text ", pretrain)
        self.assertIn(f"--data {corpora}/training:0.75 {corpora}/text:0.25 ", tune)
        self.assertIn(f"--initialize-from {runs}/pretrained", tune)
        self.assertIn(f"--data {corpora}/pairs ", prefer)
        self.assertIn(f"--initialize-from {runs}/tuned", prefer)
        kinds = [
            call.split("--documents ")[1].split()[0]
            for call in self.hat.of("preprocess")
            if "--documents" in call
        ]
        self.assertEqual(kinds, ["dialogues"] * 3 + ["preferences"] * 2)

    def test_a_given_checkpoint_is_not_trained(self) -> None:
        code, said = self.tune("--checkpoint", self.folder / "mine")
        self.assertEqual(code, ExitCode.DONE, said)
        self.assertEqual(self.asked[0], self.folder / "mine")
        self.assertEqual(len(self.hat.of("train")), 2)
        self.assertIn(f"--initialize-from {self.folder}/mine", self.hat.of("train")[0])

    def test_goes_on_after_a_failure(self) -> None:
        self.hat.broken = "train"
        code, said = self.tune()
        self.assertEqual(code, ExitCode.INVALID_DATA)
        for part in ("hat-mpirun train", "out of order", "to continue"):
            self.assertIn(part, said)
        self.hat.broken = None
        before = len(self.hat.of("preprocess"))
        self.assertEqual(self.tune()[0], ExitCode.DONE)
        self.assertEqual(len(self.hat.of("preprocess")), before + 2)

    def test_refuses_what_it_cannot_use(self) -> None:
        self.assertEqual(self.tune("--config", "nowhere.yaml")[0], ExitCode.INPUT_MISSING)
        self.tune()
        code, said = self.tune("--checkpoint", "runs/other")
        self.assertEqual(code, ExitCode.WRONG_USAGE)
        self.assertIn("a different --checkpoint", said)
        (self.texts / "a.jsonl").unlink()
        code, said = self.tune("--output", self.folder / "new")
        self.assertEqual(code, ExitCode.INPUT_MISSING)
        self.assertIn("no files *.jsonl", said)
