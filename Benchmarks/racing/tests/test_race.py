import io
import json
import math
import re
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

from comparison.failure import ModeFailure
from corpus.errors import ExitCode, Failure
from experiments.planning import Run
from experiments.search import Trial
from experiments.tests.program import Refusal, output
from racing.command import _RACES, main
from racing.pytorch import train_by_pytorch
from racing.race import Entry, Race, read
from racing.report import json_object, markdown, pictures
from racing.running import Course, Finish, check_same_text, levels
from reproduction.commands import CommandFailure, Commands
from reproduction.hat import Point, reached

_HEAD = 'title = "A"\nsteps = 100\n'
_MACHINE = {"ranks": 2, "cores": 2, "processor": "P", "commit": "0123456789abcdef", "changed": False}


def curve(*bits: float, seconds: float = 1.0) -> list[Point]:
    """Evaluations every ten steps of 100 bytes each."""
    return [
        Point(10 * place, 1000 * place, 1e6 * place, seconds * place, value)
        for place, value in enumerate(bits, start=1)
    ]


def finish(name: str, points: list[Point], evaluated_bytes: int = 9) -> Finish:
    entry = Entry(name, "hat", "configs/tiny.yaml", None, {})
    run = Run(Trial("", name, {}), 1, {"training.steps": "40"}, None, name, 1.0, 1_000_000)
    last = points[-1]
    return Finish(entry, run, points, evaluated_bytes, last.bytes, last.flops, last.seconds)


def race(*levels: float) -> Race:
    return Race("mine", "Mine", 40, 4, levels, ())


class LevelTests(unittest.TestCase):
    def test_reads_everything_off_between_evaluations(self) -> None:
        self.assertEqual(reached(curve(3.0, 2.0), 2.5), Point(15, 1500, 1.5e6, 1.5, 2.5))
        self.assertEqual(reached(curve(3.0, 2.0), 3.5), curve(3.0)[0])
        self.assertIsNone(reached(curve(3.0, 2.0), 1.9))

    def test_levels_are_those_of_the_first_entry_and_it_reaches_them(self) -> None:
        points = curve(3.001, 2.5, 2.6, 2.0)
        found = levels(race(), points)
        self.assertEqual(found, [3.01, 2.5, 2.0])
        self.assertTrue(all(reached(points, level) for level in found))
        self.assertEqual(levels(race(2.2), points), [2.2])

    def test_entries_measured_on_other_text_are_not_compared(self) -> None:
        first, entry = finish("a", curve(2.0)), finish("b", curve(2.0)).entry
        check_same_text(entry, 9, first)
        with self.assertRaisesRegex(Failure, "b is measured on 8 bytes of held-out text, a on 9"):
            check_same_text(entry, 8, first)


class ReportTests(unittest.TestCase):
    finishes = [
        finish("slow", curve(4.0, 3.0, 2.5, 2.0)),
        finish("fast", curve(3.0, 2.0, 1.9, 1.8, seconds=1.5)),
        finish("never", curve(4.0, 3.9, 3.8, 3.7)),
    ]

    def test_shows_the_cost_of_each_level_beside_the_first(self) -> None:
        table = markdown(race(2.0), self.finishes, _MACHINE)
        self.assertIn("| 2.00 | slow | 40 | 0.00 | 4 | 1.00 | 1.00 |", table)
        self.assertIn("| 2.00 | fast | 20 | 0.00 | 3 | 0.50 | 0.75 |", table)
        self.assertIn("| 2.00 | never | – | – | – | – | – |", table)

    def test_a_level_that_the_first_does_not_reach_has_no_ratio(self) -> None:
        self.assertIn("| 1.90 | fast | 30 | 0.00 | 4 | – | – |", markdown(race(1.9), self.finishes, _MACHINE))

    def test_keeps_curves_and_levels(self) -> None:
        kept = json.loads(json.dumps(json_object(race(2.0), self.finishes, _MACHINE)))
        self.assertEqual(kept["levels"][0]["reached"]["fast"]["seconds"], 3.0)
        self.assertIsNone(kept["levels"][0]["reached"]["never"])
        self.assertEqual(len(kept["entries"][0]["curve"]), 4)

    def test_draws_a_curve_for_each_entry(self) -> None:
        for picture in pictures(self.finishes).values():
            for name in ("slow", "fast", "never"):
                self.assertIn(f"{name}: ", picture)


class RaceTests(unittest.TestCase):
    """The whole command."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "corpus").mkdir()
        (self.folder / "corpus/corpus.json").write_text("{}")
        self.calls: list[str] = []
        running = patch.object(Commands, "run", self.run_command)
        running.start()
        self.addCleanup(running.stop)

    def run_command(self, command: list[str], said_as: str) -> str:
        self.calls.append(said_as)
        try:
            return output(command[1:])
        except Refusal as refusal:
            raise CommandFailure(said_as, 78, self.folder / "a.log", str(refusal)) from refusal

    def race(self, content: str) -> tuple[int, str]:
        (self.folder / "mine.toml").write_text(_HEAD + content)
        options = ["--races", ".", "--folder", "work", "--corpus", "corpus"]
        places = [str(self.folder / word) if not word.startswith("--") else word for word in options]
        with redirect_stdout(io.StringIO()) as said, redirect_stderr(said):
            return main(["mine", *places, "--program", "hat-mpirun"]), said.getvalue()

    def test_from_a_file_to_table_and_pictures_and_nothing_twice(self) -> None:
        entries = (
            "[[entries]]\nname = 'AdamW'\nconfig = 'configs/tiny.yaml'\n"
            "[[entries]]\nname = 'Muon'\nconfig = 'configs/tiny.yaml'\n"
            "settings = { training.optimizer = 'muon', model.layers = 5 }\n"
        )
        code, said = self.race(entries)
        self.assertEqual(code, ExitCode.DONE, said)
        written = {path.name: path.read_text() for path in (self.folder / "work").glob("mine*")}
        self.assertEqual(len(written), 4, written.keys())
        self.assertIn("| 2.01 | Muon | 4 |", said)
        self.assertIn(said.split("\n## In all")[1].strip(), "".join(written.values()))
        trainings = [call for call in self.calls if " train " in call]
        self.assertEqual(len(trainings), 2)
        self.assertIn("--set output.evaluate_every=4", trainings[0])
        self.race(entries)
        self.assertEqual(len([call for call in self.calls if " train " in call]), 2)

    def test_an_entry_may_have_steps_of_its_own(self) -> None:
        entry = "[[entries]]\nname = '{}'\nconfig = 'configs/tiny.yaml'\n"
        code, said = self.race(entry.format("long") + entry.format("short") + "steps = 40\n")
        self.assertEqual(code, ExitCode.DONE, said)
        steps = [re.search(r"training\.steps=(\d+)", call) for call in self.calls if " train " in call]
        self.assertEqual([found and found[1] for found in steps], ["100", "40"])

    def test_a_setting_that_hat_refuses_stops_the_race_before_it_starts(self) -> None:
        code, said = self.race(
            "[[entries]]\nname = 'a'\nconfig = 'configs/tiny.yaml'\n"
            "[[entries]]\nname = 'b'\nconfig = 'configs/tiny.yaml'\nsettings = { training.unknown = 1 }\n"
        )
        self.assertEqual(code, ExitCode.BAD_CONFIGURATION)
        self.assertIn("b is refused: there is no setting training.unknown", said)
        self.assertFalse([call for call in self.calls if " train " in call])

    def test_more_held_out_text_than_hat_measures_is_refused_before_pytorch_trains(self) -> None:
        code, said = self.race(
            "[[entries]]\nname = 'a'\nconfig = 'configs/tiny.yaml'\n"
            "[[entries]]\nname = 'b'\nconfig = 'configs/tiny.yaml'\ntrainer = 'pytorch'\n"
        )
        self.assertEqual(code, ExitCode.BAD_CONFIGURATION)
        self.assertIn("b is measured on 100 bytes of held-out text, a on 9", said)
        self.assertFalse([call for call in self.calls if "pytorch" in call])

    def test_an_error_names_the_key(self) -> None:
        entry = "[[entries]]\nname = 'a'\nconfig = 'configs/tiny.yaml'\n"
        for content, part in {
            "": "entries is missing",
            "entry = 1\n" + entry: "entry is no key",
            "levels = ['a']\n" + entry: "levels must be",
            entry + entry: "entries[2].name must be",
            "[[entries]]\nname = 'a'\n": "entries[1].config is missing",
            entry + "trainer = 'jax'\n": "entries[1].trainer must be hat or pytorch",
            entry + "settings = { training.steps = 1 }\n": "entries[1].settings.training.steps cannot be set",
            entry + "settings = { data.seed = 1 }\n": "data.seed cannot be set here: the command chooses it",
        }.items():
            with self.subTest(content):
                code, said = self.race(content)
                self.assertEqual(code, ExitCode.BAD_CONFIGURATION)
                self.assertIn(part, said)
                self.assertIn("Benchmarks/README.md explains the file", said)

    def test_the_races_of_the_repository_are_sound(self) -> None:
        paths = sorted(_RACES.glob("*.toml"))
        self.assertTrue(paths)
        for path in paths:
            self.assertTrue(read(path).entries)


class _Hat:
    """A stand-in for `Hat`: it writes the files that its commands would write."""

    def train(self, config: Path, corpus: Path, run: Path, ranks: int, values: dict[str, object]) -> None:
        run.mkdir(parents=True)
        (run / "metrics.jsonl").write_text(json.dumps({"step": 1, "loss": 5.0}) + "\n")

    def export(self, run: Path, weights: Path) -> None:
        weights.write_text("first")

    def batches(self, *_: object) -> str:
        return "{}\n"

    def configuration(self, *_: object) -> str:
        return "model:\n"

    def import_weights(self, weights: Path, config: Path, run: Path) -> None:
        run.mkdir()
        (run / "step").write_text(weights.read_text())

    def evaluate(self, run: Path, *_: object) -> dict[str, float]:
        return {"bits_per_byte": 8 - int((run / "step").read_text()), "text_bytes": 9}


class _Peer:
    """A stand-in for the PyTorch peer. It stops before the step `dies_at`."""

    loss = 5.0
    dies_at: int | None = None

    def __init__(self, *_: object) -> None:
        self.asked: list[str] = []
        self.step = 0

    def __enter__(self) -> "_Peer":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def gradient(self, step: int) -> dict[str, float]:
        return {"loss": self.loss}

    def ask(self, request: str) -> list[dict[str, Any]]:
        self.asked.append(re.sub(r"\S+/", "", request))
        command, operand, *more = request.split()
        if command == "resume":
            self.step = int(Path(operand).read_text())
        elif command == "train":
            if int(operand) == self.dies_at:
                raise ModeFailure("a process of the peer died")
            self.step += int(more[0])
        else:
            Path(operand).write_text(str(self.step))
        step = {**dict.fromkeys(("loss", "gradient_norm", "seconds"), 1.0), "training_flops": 1e9}
        return [{"steps": [{**step, "target_positions": 2, "text_bytes": 2}] * int(more[0] if more else 0)}]


class PyTorchTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "run"

    def train(self, **peer: object) -> list[str]:
        """What the peer is asked for."""
        values = {"training.steps": "5", "output.evaluate_every": "2"}
        run = Run(Trial("", "a", {}), 1, values, None, "a", 1.0, 1)
        course = Mock(spec=Course, hat=_Hat(), corpus=Path("corpus"), ranks=2)
        made = _Peer()
        for name, value in peer.items():
            setattr(made, name, value)
        with patch("racing.pytorch.Peer", return_value=made):
            try:
                train_by_pytorch(course, Mock(spec=Commands))(run, Path("tiny.yaml"), self.folder)
            except Failure as failure:
                made.asked.append(str(failure))
        return made.asked

    def lines(self, name: str) -> list[dict[str, Any]]:
        text = (self.folder / f"{name}.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def check_finished(self) -> None:
        self.assertEqual([line["step"] for line in self.lines("metrics")], [1, 2, 3, 4, 5])
        evaluations = [(line["step"], line["bits_per_byte"]) for line in self.lines("evaluations")]
        self.assertEqual(evaluations, [(2, 6), (4, 4), (5, 3)])
        self.assertEqual([path.name for path in self.folder.glob("state-*")], ["state-5.pt"])
        self.assertTrue((self.folder / "config.yaml").exists())

    def test_trains_to_the_end_and_is_measured_by_hat(self) -> None:
        asked = self.train()
        trained = [request for request in asked if "train" in request]
        self.assertEqual(trained, ["train 0 2", "train 2 2", "train 4 1"])
        self.check_finished()
        self.assertAlmostEqual(self.lines("metrics")[0]["bits_per_byte"], 1 / math.log(2))
        # Its second start has nothing left to do.
        self.assertEqual(self.train(), ["resume state-5.pt"])
        self.check_finished()

    def test_a_stopped_training_goes_on_from_its_last_evaluation(self) -> None:
        self.assertIn("the peer died", self.train(dies_at=4)[-1])
        with (self.folder / "metrics.jsonl").open("a") as file:
            file.write('{"step": 5}\n')
        self.assertEqual(self.train()[:2], ["resume state-4.pt", "train 4 1"])
        self.check_finished()

    def test_without_its_state_a_training_begins_again(self) -> None:
        self.train(dies_at=4)
        (self.folder / "state-4.pt").unlink()
        self.assertEqual(self.train()[0], "train 0 2")
        self.check_finished()

    def test_trains_nothing_where_the_first_losses_differ(self) -> None:
        [said] = self.train(loss=5.001)
        self.assertIn("disagree about the first step: loss 5.000000000 and 5.001000000", said)
        self.assertEqual(self.lines("metrics"), [])
