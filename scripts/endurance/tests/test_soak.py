import json
import subprocess
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

from corpus.errors import ExitCode
from corpus.manifest import sha256
from documentation.tests.program import PROGRAM
from endurance.soak.comparison import different_files, different_logs
from endurance.soak.damage import damaged
from endurance.soak.drawing import Damage, Plan, drawn
from endurance.soak.summary import summary, text
from reproduction.machine import ROOT


class DrawingTests(unittest.TestCase):
    plans = tuple(drawn(1, number) for number in range(1, 400))

    def test_a_round_is_decided_by_seed_and_number(self) -> None:
        self.assertEqual(drawn(1, 7), self.plans[6])
        self.assertNotEqual(replace(drawn(2, 7), number=0), replace(self.plans[6], number=0))

    def test_all_that_may_happen_happens(self) -> None:
        self.assertEqual({plan.scenario for plan in self.plans}, {"preprocess", "train", "export"})
        trained = {
            (plan.ranks, plan.nodes, plan.zero_stage) for plan in self.plans if plan.scenario == "train"
        }
        self.assertEqual(len(trained), 12)
        strikes = [strike for plan in self.plans for each in plan.attempts for strike in each.strikes]
        self.assertEqual(
            {strike.signal for strike in strikes}, {"KILL", "STOP", "TERM", "USR1", "HUP", "INT"}
        )
        for name in ("KILL", "STOP"):
            hit = {strike.target for strike in strikes if strike.signal == name}
            self.assertEqual(hit, {"supervisor", "mpirun", "rank"})
        attempts = [each for plan in self.plans for each in plan.attempts]
        self.assertTrue(any(each.room is not None for each in attempts))
        self.assertEqual({each.damage.kind for each in attempts if each.damage}, {"cut", "flipped"})

    def test_a_process_alone_is_all_there_is_to_hit(self) -> None:
        alone = [plan for plan in self.plans if plan.ranks == 1]
        hit = {strike.target for plan in alone for each in plan.attempts for strike in each.strikes}
        self.assertEqual(hit, {"supervisor"})


class PartsTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_damage_is_done_and_mended(self) -> None:
        path = self.folder / "run/checkpoints/step-00000010/slice"
        path.parent.mkdir(parents=True)
        (self.folder / "empty").touch()
        path.write_bytes(b"whole")
        for kind, content in (("cut", b"wh"), ("flipped", b"wh\x7fle")):
            file = damaged([self.folder], Damage(kind, file=0.9, place=0.5, bit=4))
            assert file
            self.assertEqual(path.read_bytes(), content)
            self.assertTrue(file.is_named_in("step-00000010 is damaged") and file.is_named_in("a slice"))
            self.assertFalse(file.is_named_in("something"))
            file.restore()
            self.assertEqual(path.read_bytes(), b"whole")

    def test_nothing_to_damage(self) -> None:
        self.assertIsNone(damaged([self.folder / "missing"], Damage("cut", 0.5, 0.5, 0)))

    def test_differences_of_files(self) -> None:
        one, other = self.folder / "one", self.folder / "other"
        for place in (one, other):
            place.mkdir()
            (place / "a").write_bytes(b"a")
        self.assertEqual(different_files(one, other), [])
        (other / "a").write_bytes(b"b")
        (other / "b.partial").touch()
        self.assertEqual(different_files(one, other), ["a differs", "b.partial differs"])

    def test_differences_of_logs_are_those_of_results_to_the_last_digit(self) -> None:
        one, other = self.folder / "one", self.folder / "other"
        fields = dict.fromkeys(
            ("bits_per_byte", "target_bytes", "gradient_norm", "learning_rate", "skipped_steps", "epochs"), 1
        )
        for place, seconds in ((one, 1), (other, 2)):
            place.mkdir()
            lines = [{"step": step, "loss": 0.1, **fields, "step_seconds": seconds} for step in (1, 2)]
            (place / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.assertEqual(different_logs(one, other), [])
        path = other / "metrics.jsonl"
        first, second = path.read_text().splitlines(keepends=True)
        path.write_text(first + second.replace("0.1", "0.10000000000000001"))
        self.assertEqual(different_logs(one, other), ["metrics.jsonl differs: from line 2"])
        path.write_text(first)
        self.assertEqual(different_logs(one, other), ["metrics.jsonl differs: it has 1 lines, not 2"])

    def test_the_summary_counts_events_and_kinds_of_failure(self) -> None:
        plan = {"scenario": "train", "ranks": 2, "nodes": 2, "zero_stage": 3, "seconds": 1800}
        entries = [
            {**plan, "round": 1, "events": {"KILL rank": 2}, "failures": []},
            {**plan, "round": 2, "events": {"KILL rank": 1, "file cut": 1}, "failures": ["at step 10"]},
            {**plan, "round": 3, "events": {}, "failures": ["at step 20"]},
        ]
        found = summary(entries, seed=7)
        self.assertEqual((found["rounds"], found["hours"], found["failed_rounds"]), (3, 1.5, 2))
        self.assertEqual(found["events"], {"KILL rank": 3, "file cut": 1})
        self.assertEqual(found["scenarios"], {"train on 2 over two nodes, stage 3": 3})
        self.assertIn(
            "2 x train: at step N\n    scripts/soak --folder FOLDER --seed 7 --round 2", text(found)
        )


@unittest.skipUnless(PROGRAM.exists(), "swift build -c release")
class SoakTests(unittest.TestCase):
    """The whole command, with the built program."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def soak(self, *more: str) -> tuple[int, str]:
        command: list[str | Path] = [ROOT / "scripts/soak", "--hours", "1e-6", "--folder", self.folder, *more]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return result.returncode, result.stdout + result.stderr

    def test_a_round_ends_well_is_kept_and_is_not_done_again(self) -> None:
        seed = _seed_of_a_short_round()
        code, said = self.soak("--seed", str(seed))
        self.assertEqual(code, ExitCode.DONE, said)
        found = json.loads((self.folder / "summary.json").read_text())
        self.assertEqual((found["rounds"], found["failures"]), (1, []))
        self.assertEqual(list(self.folder.glob("round-*")), [])
        state = (self.folder / "rounds.jsonl").read_text()
        self.assertEqual(json.loads(state.splitlines()[0]), {"seed": seed, "program": sha256(PROGRAM)})
        self.assertEqual(self.soak("--seed", str(seed))[0], ExitCode.DONE)
        self.assertEqual((self.folder / "rounds.jsonl").read_text(), state)
        code, said = self.soak("--seed", str(seed + 1))
        self.assertEqual(code, ExitCode.WRONG_USAGE)
        self.assertIn("begun with", said)


def _seed_of_a_short_round() -> int:
    """One whose first round preprocesses on one rank and is killed on the way."""

    def is_short(plan: Plan) -> bool:
        strikes = [strike for each in plan.attempts for strike in each.strikes]
        return (
            (plan.scenario, plan.ranks, len(plan.attempts)) == ("preprocess", 1, 1)
            and len(strikes) == 1
            and strikes[0].signal == "KILL"
            and 0.3 < strikes[0].at < 0.7
        )

    return next(seed for seed in range(10_000) if is_short(drawn(seed, 1)))
