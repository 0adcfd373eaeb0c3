import json
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

from corpus.errors import ExitCode
from documentation.tests.program import PROGRAM
from endurance.fuzz import values
from endurance.fuzz.command import summary
from endurance.fuzz.lines import Drawer, Line, shown
from endurance.fuzz.verdict import Ending, faults
from reproduction.machine import ROOT


def _argument(name: str, kind: str = "option", **more: Any) -> dict[str, Any]:
    defaults = {"kind": kind, "valueName": name, "isOptional": True, "isRepeating": False}
    return {**defaults, "preferredName": {"name": name}, **more}


def _command(name: str, *arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"commandName": name, "shouldDisplay": True, "arguments": list(arguments), **more}


_TREE = _command(
    "hat-mpirun",
    subcommands=[
        _command(
            "train",
            _argument("config"),
            _argument("set", isRepeating=True),
            _argument("ranks"),
            _argument("output", isOptional=False),
        ),
        _command(
            "plan", _argument("config"), _argument("ranks", defaultValue="1"), _argument("help", "flag")
        ),
        _command(
            "inspect", subcommands=[_command("shard", _argument("file", "positional", isOptional=False))]
        ),
        _command("secret", shouldDisplay=False),
    ],
)
_ZOO = ("config.yaml", "cut-config.yaml", "corpus", "noise")


class DrawingTests(unittest.TestCase):
    def setUp(self) -> None:
        self.drawer = Drawer(_TREE, {"training.clip": "1"}, _ZOO)
        self.lines = [self.drawer.line(1, number) for number in range(2000)]

    def test_a_line_is_decided_by_seed_and_number(self) -> None:
        again = Drawer(_TREE, {"training.clip": "1"}, _ZOO)
        self.assertEqual([again.line(1, number) for number in range(50)], self.lines[:50])
        self.assertNotEqual([again.line(2, number) for number in range(50)], self.lines[:50])

    def test_every_command_is_drawn_that_users_see(self) -> None:
        self.assertEqual({line.command for line in self.lines}, {("train",), ("plan",), ("inspect", "shard")})

    def test_training_is_short_and_its_ranks_are_few(self) -> None:
        for line in self.lines:
            if line.command == ("train",):
                self.assertEqual(line.arguments[-2:], ("--set", "training.steps=2"))
                given = " ".join(line.arguments).replace("--ranks=", "--ranks ").split("--ranks ")[1:]
                for rest in given:
                    self.assertTrue(rest.startswith(("1", "2", *values.RANKS)), line)

    def test_whole_and_hostile_values_are_drawn(self) -> None:
        words = {word for line in self.lines for word in line.words}
        self.assertLessEqual({"../zoo/config.yaml", "../zoo/cut-config.yaml", "training.clip=1"}, words)
        hostile = {f"training.clip={number}" for number in values.EDGES}
        self.assertGreater(len(hostile & words), len(hostile) / 2)

    def test_outputs_are_known(self) -> None:
        line = next(line for line in self.lines if "--output" in line.arguments)
        self.assertIn(line.arguments[line.arguments.index("--output") + 1], line.outputs)

    def test_a_line_is_shown_as_one_types_it(self) -> None:
        line = Line(("split",), ("--split", "a b"), "../zoo/noise", "full", is_long=False)
        self.assertEqual(shown(line), "hat-mpirun split --split 'a b' < ../zoo/noise > ../zoo/full")


class VerdictTests(unittest.TestCase):
    line = Line(("plan",), ("--json",), "", "kept", is_long=False)

    def faults(self, code: int | None, errors: str = "", output: str = "", line: Line | None = None) -> str:
        return "; ".join(faults(line or self.line, Ending(code, output, errors)))

    def test_what_is_promised(self) -> None:
        self.assertEqual(self.faults(0, output='{"a": 1}\n'), "")
        self.assertEqual(self.faults(65, "error: a.yaml: not UTF-8."), "")

    def test_what_is_not(self) -> None:
        found = {
            self.faults(-signal.SIGSEGV): "ended by SIGSEGV",
            self.faults(None, "10 %\r20 %"): "no end within the time limit: 10 %",
            self.faults(1, "error: it failed."): "undocumented exit code <1>: error: it failed.",
            self.faults(65, "error: no.\nerror: no.\n"): "says its error twice: error: no.",
            self.faults(70): "exit code <70> without a message",
            self.faults(
                65, "error: keyNotFound(CodingKeys)"
            ): 'says "CodingKeys": error: keyNotFound(CodingKeys)',
            self.faults(0, output='{"a": NaN}'): "with --json it printed what is no JSON",
        }
        self.assertEqual(list(found.values()), list(found.keys()))

    def test_what_a_line_may_do(self) -> None:
        long = Line(("plan",), (), "", "kept", is_long=True)
        self.assertEqual(self.faults(None, line=long), "")

    def test_a_reader_that_ends_is_an_error_and_no_signal(self) -> None:
        closed = Line(("plan",), (), "", "closed", is_long=False)
        self.assertEqual(self.faults(-signal.SIGPIPE, line=closed), "ended by SIGPIPE")

    def test_what_doctor_finds_is_its_message(self) -> None:
        doctor = Line(("doctor",), (), "", "kept", is_long=False)
        self.assertEqual(self.faults(78, output="  corpus     WRONG  a: no corpus\n", line=doctor), "")
        self.assertEqual(self.faults(78, output="  corpus     fine\n", line=doctor), "exit code <78> without a message")
        closed = Line(("doctor",), (), "", "closed", is_long=False)
        self.assertEqual(self.faults(78, line=closed), "")
        self.assertEqual(self.faults(70, line=closed), "exit code <70> without a message")

    def test_what_is_left(self) -> None:
        ending = Ending(0, "", "", left=("sleep 9",), changed=("zoo/a", "zoo/b"))
        expected = ["left processes behind (sleep 9)", "wrote outside of its folder (zoo/a, zoo/b)"]
        self.assertEqual(faults(self.line, ending), expected)

    def test_the_summary_has_one_line_of_each_kind(self) -> None:
        entries: list[dict[str, Any]] = [
            {"line": 2, "code": 70, "name": "plan", "command": "hat-mpirun plan 2", "faults": ["at 2"]},
            {"line": 1, "code": 70, "name": "plan", "command": "hat-mpirun plan 1", "faults": ["at 1"]},
            {"line": 3, "code": None},
        ]
        found = summary(entries)
        self.assertEqual(found["endings"], {"70": 2, "time limit": 1})
        (group,) = found["failures"]
        self.assertEqual((group["kind"], group["count"], group["example"]["line"]), ("plan: at N", 2, 1))


@unittest.skipUnless(PROGRAM.exists(), "swift build -c release")
class FuzzTests(unittest.TestCase):
    """The whole command, with the built program."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def fuzz(self, count: int) -> tuple[int, str]:
        command: list[str | Path] = [
            ROOT / "scripts/fuzz-commands",
            "--count",
            str(count),
            "--folder",
            self.folder,
        ]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return result.returncode, result.stdout + result.stderr

    def test_lines_end_well_are_kept_and_are_not_run_again(self) -> None:
        code, said = self.fuzz(10)
        self.assertEqual(code, ExitCode.DONE, said)
        state = (self.folder / "lines.jsonl").read_text()
        code, said = self.fuzz(20)
        self.assertEqual(code, ExitCode.DONE, said)
        self.assertTrue((self.folder / "lines.jsonl").read_text().startswith(state))
        found = json.loads((self.folder / "summary.json").read_text())
        self.assertEqual((found["lines"], found["failures"]), (20, []))
