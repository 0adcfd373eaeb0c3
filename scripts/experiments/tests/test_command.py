import io
import json
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from corpus.errors import ExitCode
from experiments.command import main
from experiments.results import Line, Results
from experiments.tests.program import Refusal, output
from reproduction.commands import CommandFailure, Commands

_HEAD = 'title = "Mine"\nbase = "configs/tiny.yaml"\nsteps = 100\n'
_OPTIMIZERS = '[axes]\ntraining.optimizer = ["adamw", "muon"]\n'


class CommandTests(unittest.TestCase):
    """The whole command, with a program that answers at once."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.calls: list[str] = []
        # Settings of a training that fails, and how.
        self.failing: dict[str, int] = {}
        running = patch.object(Commands, "run", self.run_command)
        running.start()
        self.addCleanup(running.stop)
        self.write_corpus("one")

    def run_command(self, command: list[str], said_as: str) -> str:
        self.calls.append(said_as)
        for setting, code in self.failing.items():
            if command[1] == "train" and setting in command:
                raise CommandFailure(said_as, code, self.folder / "a.log", "error: exploded")
        try:
            return output(command[1:])
        except Refusal as refusal:
            raise CommandFailure(said_as, 78, self.folder / "a.log", str(refusal)) from refusal

    def write_corpus(self, content: str) -> None:
        (self.folder / "corpus").mkdir(exist_ok=True)
        (self.folder / "corpus/corpus.json").write_text(json.dumps(content))

    def search(self, content: str, *more: str, name: str = "mine") -> tuple[int, str]:
        (self.folder / f"{name}.toml").write_text(_HEAD + content)
        places = {"searches": ".", "results": "results", "work": "work", "corpus": "corpus"}
        options = [word for key, place in places.items() for word in (f"--{key}", str(self.folder / place))]
        with redirect_stdout(io.StringIO()) as said, redirect_stderr(said):
            return main([name, *options, "--program", "hat-mpirun", *more]), said.getvalue()

    def lines(self, name: str = "mine") -> list[Line]:
        text = (self.folder / f"results/{name}.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def table(self, name: str = "mine") -> str:
        return (self.folder / f"results/{name}.md").read_text()

    @property
    def trainings(self) -> list[str]:
        return [call for call in self.calls if " train " in call]

    def test_from_a_file_to_a_table_and_nothing_twice(self) -> None:
        code, said = self.search("seeds = [1, 3]\n" + _OPTIMIZERS)
        self.assertEqual(code, ExitCode.DONE, said)
        # The axis's adamw is the base.
        self.assertEqual(len(self.trainings), 4)
        table = self.table()
        self.assertIn("| muon | **1.5200** | 0.0200 | -0.5000 | 1.5338 | 1.000 | 1.000 | 50 | 2 |", table)
        self.assertIn("| adamw | 2.0200 | 0.0200 | +0.0000 |", table)
        self.assertNotIn("still to do", table)
        self.search("seeds = [1, 3]\n" + _OPTIMIZERS)
        self.assertEqual(len(self.trainings), 4)
        self.assertEqual(self.table(), table)

    def test_a_line_has_what_was_done_and_no_path_of_the_machine(self) -> None:
        self.search(_OPTIMIZERS)
        line = self.lines()[-1]
        self.assertEqual(line["held_out"], 1.51)
        self.assertEqual(line["curve"], [[step, 1.51] for step in (17, 34, 51, 68, 85, 100)])
        self.assertEqual((line["steps"], line["bytes"], line["seconds"]), (100, 100_000, 50))
        self.assertEqual(line["flops"], 1e6 * 100_000)
        self.assertNotIn(str(self.folder), json.dumps(line))
        self.assertNotIn(str(Path(__file__).parents[2]), json.dumps(line))

    def test_an_edited_file_uses_finished_trials_and_so_does_another_search(self) -> None:
        self.search(_OPTIMIZERS)
        self.search('[[trials]]\nname = "other"\nsettings = { training.optimizer = "muon" }\n')
        self.search(_OPTIMIZERS, name="other")
        self.assertEqual(len(self.trainings), 2)
        self.assertIn("| other | **1.5100** |", self.table())
        self.assertIn("| muon | **1.5100** |", self.table("other"))
        self.search('[axes]\ntraining.optimizer = ["adamw", "muon"]\ntraining.clip = [2]\n')
        self.assertEqual(len(self.trainings), 3)

    def test_another_corpus_or_number_of_steps_is_trained_anew(self) -> None:
        self.search(_OPTIMIZERS)
        self.write_corpus("two")
        self.search(_OPTIMIZERS)
        self.assertEqual(len(self.trainings), 4)
        self.search("evaluations = 2\n" + _OPTIMIZERS)
        self.assertEqual(len(self.trainings), 4)

    def test_another_batch_reads_as_much_text(self) -> None:
        self.search("[axes]\ntraining.sequences_per_step = [8]\n")
        self.assertIn("--set training.warmup_steps=100 --set training.steps=200", self.trainings[-1])
        self.assertEqual({line["bytes"] for line in self.lines()}, {100_000})
        code, said = self.search("[axes]\ntraining.sequences_per_step = [10000]\n")
        self.assertEqual(code, ExitCode.BAD_CONFIGURATION)
        self.assertIn("would read the base's text in 0.16 steps", said)

    def test_other_flops_are_refused_unless_the_file_allows_them(self) -> None:
        code, said = self.search("[axes]\nmodel.layers = [5]\n")
        self.assertEqual(code, ExitCode.BAD_CONFIGURATION)
        self.assertIn("model.layers=5 costs 1.250 times", said)
        self.assertEqual(self.trainings, [])
        code, _ = self.search('flops_may_change = ["model.layers"]\n[axes]\nmodel.layers = [5]\n')
        self.assertEqual(code, ExitCode.DONE)
        self.assertIn("| 1.250 | 1.000 |", self.table())

    def test_a_baseline_has_the_shape_that_matches_its_vocabulary(self) -> None:
        match = 'match = "configs/tiny.yaml"\n[axes]\nmodel.vocabulary = [4096]\n'
        content = match.replace(
            "match", 'title = "B"\nbase = "configs/subword-tiny.yaml"\nsteps = 9\nmatch', 1
        )
        with patch("experiments.tests.test_command._HEAD", ""):
            code, said = self.search(content)
        self.assertEqual(code, ExitCode.DONE, said)
        self.assertIn("--set model.width=96", self.trainings[0])
        self.assertRegex(self.trainings[1], r"--tokenizer \S+-4096\.json .*--set model\.vocabulary=4096")
        self.assertIn("| 4096 | **2.0100** | – | +0.0000 |", self.table())
        self.assertIn("| 1.000 | 1.000 |", self.table())

    def test_a_longer_trial_warms_up_longer_and_its_text_is_shown(self) -> None:
        code, said = self.search(
            '[[trials]]\nname = "longer"\nsteps = 200\n'
            '[[trials]]\nname = "longer, half the batch"\nsteps = 200\n'
            "settings = { training.sequences_per_step = 8 }\n"
        )
        self.assertEqual(code, ExitCode.DONE, said)
        for training, steps in zip(self.trainings, (100, 200, 400), strict=True):
            self.assertIn(f"--set training.steps={steps}", training)
        self.assertNotIn("warmup", self.trainings[0])
        self.assertIn("--set training.warmup_steps=100", self.trainings[1])
        self.assertIn("--set training.warmup_steps=200", self.trainings[2])
        self.assertIn("| longer | **2.0100** | – | +0.0000 | 2.0157 | 1.000 | 2.000 |", self.table())
        self.assertIn("100 steps, 0.1 MB of text", self.table())
        # The base of a search with as many steps is the same run.
        with patch("experiments.tests.test_command._HEAD", _HEAD.replace("100", "200")):
            self.search(
                "settings.training.warmup_steps = 100\n" + _OPTIMIZERS, "--only", "base", name="other"
            )
        self.assertEqual(len(self.trainings), 3)

    def test_a_trial_matches_a_model_of_its_own(self) -> None:
        head = 'title = "B"\nbase = "configs/subword-tiny.yaml"\nsteps = 9\nmatch = "configs/tiny.yaml"\n'
        trial = '[[trials]]\nname = "wider"\nmatch_settings = { model.width = 160 }\n'
        with patch("experiments.tests.test_command._HEAD", head):
            code, said = self.search(trial)
            self.assertEqual(code, ExitCode.BAD_CONFIGURATION)
            self.assertIn("wider costs 0.800 times the FLOPs per byte of configs/tiny.yaml with its", said)
            code, said = self.search(trial + "flops_may_change = true\n")
        self.assertEqual(code, ExitCode.DONE, said)
        matches = [call for call in self.calls if "--match" in call]
        self.assertNotIn("--set", matches[0])
        self.assertIn("--set model.width=160", matches[1])
        self.assertEqual(
            [line["trial"].get("match_settings") for line in self.lines()], [None, {"model.width": "160"}]
        )
        self.assertIn("| wider | **2.0100** |", self.table())

    def test_a_setting_that_hat_refuses_names_the_trial_before_anything_is_trained(self) -> None:
        code, said = self.search("[axes]\ntraining.clip = [2]\ntraining.unknown = [1]\n")
        self.assertEqual(code, ExitCode.BAD_CONFIGURATION)
        self.assertIn("training.unknown=1 is refused: there is no setting training.unknown", said)
        self.assertEqual(self.trainings, [])

    def test_a_trial_that_fails_does_not_stop_the_others(self) -> None:
        self.failing = {"training.clip=2": 70}
        code, said = self.search("[axes]\ntraining.clip = [2, 3]\n")
        self.assertEqual(code, ExitCode.OUR_FAULT)
        self.assertIn("training.clip=2, seed 1", said)
        self.assertEqual(len(self.lines()), 2)
        self.assertIn("**Still to do: 1 of 3 runs.**", self.table())
        self.failing = {}
        self.assertEqual(self.search("[axes]\ntraining.clip = [2, 3]\n")[0], ExitCode.DONE)
        self.assertEqual(len(self.trainings), 4)

    def test_a_stop_ends_the_search_and_the_same_command_continues(self) -> None:
        self.failing = {"training.clip=2": ExitCode.STOPPED_EARLY}
        code, said = self.search("[axes]\ntraining.clip = [2, 3]\n")
        self.assertEqual(code, ExitCode.STOPPED_EARLY)
        self.assertIn("Run the same command to continue", said)
        self.assertEqual(len(self.lines()), 1)
        self.failing = {}
        self.search("[axes]\ntraining.clip = [2, 3]\n")
        self.assertEqual(len(self.lines()), 3)

    def test_lists_chooses_and_renders(self) -> None:
        code, said = self.search(_OPTIMIZERS, "--list")
        self.assertEqual(code, ExitCode.DONE)
        self.assertRegex(said, r"training.optimizer=muon +1 +100 +1.000 +to do")
        self.search(_OPTIMIZERS, "--only", "*=muon")
        self.assertEqual(len(self.trainings), 1)
        self.assertRegex(self.search(_OPTIMIZERS, "--list")[1], r"=muon .*1\.5100 bits per byte")
        code, said = self.search(_OPTIMIZERS, "--only", "none")
        self.assertEqual(code, ExitCode.WRONG_USAGE)
        self.assertIn("training.optimizer=muon", said)
        for table in self.folder.glob("results/*.md"):
            table.unlink()
        calls = len(self.calls)
        self.assertEqual(self.search(_OPTIMIZERS, "--render")[0], ExitCode.DONE)
        self.assertEqual(len(self.calls), calls)
        self.assertIn("| muon | **1.5100** |", self.table())

    def test_two_searches_at_once_keep_the_results_of_both(self) -> None:
        self.search(_OPTIMIZERS, "--only", "base")
        base, path = self.lines(), self.folder / "results/mine.jsonl"
        other = Results(path.parent, "mine")
        self.search(_OPTIMIZERS, "--only", "*=muon")
        other.keep({**base[0], "key": "other"})
        self.assertEqual(len({line["key"] for line in self.lines()}), 3)

    def test_a_damaged_line_is_named(self) -> None:
        self.search(_OPTIMIZERS)
        with (self.folder / "results/mine.jsonl").open("a") as file:
            file.write('{"key"\n')
        code, said = self.search(_OPTIMIZERS)
        self.assertEqual(code, ExitCode.INVALID_DATA)
        self.assertIn("mine.jsonl:4", said)
