import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest.mock import Mock

from corpus.errors import ExitCode, Failure
from corpus.progress import Progress
from reproduction.commands import CommandFailure, Commands
from reproduction.hat import Hat
from reproduction.laboratory import Laboratory, Result, Settings
from reproduction.staging import Record, Stage, run_all

SETTINGS = Settings(2.0, 4096, 2, "model:\n")

# Runs a command that, as a training, ends a while after it was asked to, and says how often it was.
_STOPPABLE = """
import sys
from pathlib import Path
from corpus.progress import Progress
from corpus.restartable import run_restartable
from reproduction.commands import Commands

code = '''
import signal, sys, time

asked = []

def ask(*_):
    asked.append(1)
    print("asked", file=sys.stderr, flush=True)

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(number, ask)
print("ready", file=sys.stderr, flush=True)
while not asked:
    time.sleep(0.02)
time.sleep(0.5)
'''
folder = Path(sys.argv[1])
commands = Commands(folder, Progress(1))
sys.exit(run_restartable(lambda: commands.run([sys.executable, "-c", code], "a command"), folder))
"""


class StageTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.done: list[str] = []

    def laboratory(self) -> Laboratory:
        progress = Progress(3, io.StringIO())
        commands = Commands(self.folder / "logs", progress)
        return Laboratory(self.folder, SETTINGS, Mock(spec=Hat), commands, progress, None, "")

    def stage(self, name: str, result: object, *rests_on: str) -> Stage[Laboratory]:
        def work(laboratory: Laboratory) -> Result:
            self.done.append(name)
            if isinstance(result, Exception):
                raise result
            return {"value": result}

        return Stage(name, name, work, rests_on)

    def run_stages(self, *stages: Stage[Laboratory]) -> Laboratory:
        laboratory = self.laboratory()
        run_all(list(stages), laboratory, Record(self.folder / "results"))
        return laboratory

    def test_a_finished_stage_is_not_done_again(self) -> None:
        self.run_stages(self.stage("a", 1))
        laboratory = self.run_stages(self.stage("a", 2), self.stage("b", 3, "a"))
        self.assertEqual(self.done, ["a", "b"])
        self.assertEqual(laboratory.results, {"a": {"value": 1}, "b": {"value": 3}})

    def test_goes_on_behind_the_stage_that_failed(self) -> None:
        with self.assertRaises(Failure):
            self.run_stages(self.stage("a", 1), self.stage("b", Failure(65, "No", "Try")))
        self.run_stages(self.stage("a", 1), self.stage("b", 2))
        self.assertEqual(self.done, ["a", "b", "b"])

    def test_what_rests_on_a_changed_result_is_done_again(self) -> None:
        self.run_stages(self.stage("a", 1), self.stage("b", 1, "a"), self.stage("c", 1))
        (self.folder / "results/a.json").unlink()
        self.run_stages(self.stage("a", 2), self.stage("b", 1, "a"), self.stage("c", 1))
        self.assertEqual(self.done, ["a", "b", "c", "a", "b"])

    def test_half_a_result_is_none(self) -> None:
        self.run_stages(self.stage("a", 1))
        (self.folder / "results/a.json").write_text('{"stage"')
        self.run_stages(self.stage("a", 1))
        self.assertEqual(self.done, ["a", "a"])

    def test_refuses_other_settings_in_the_same_folder(self) -> None:
        path = self.folder / "settings.json"
        SETTINGS.keep(path)
        SETTINGS.keep(path)
        with self.assertRaises(Failure) as caught:
            Settings(1.0, 4096, 2, "model:\n").keep(path)
        self.assertEqual(caught.exception.code, ExitCode.WRONG_USAGE)
        self.assertIn("--hours", str(caught.exception))


class CommandTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.logs = Path(folder.name)
        self.commands = Commands(self.logs, Progress(1, io.StringIO()))
        self.commands.begin("stage")

    def python(self, code: str) -> str:
        return self.commands.run([sys.executable, "-c", code], "python3 -c …")

    def test_gives_the_output_and_keeps_the_log(self) -> None:
        self.assertEqual(self.python("import sys; print('out'); print('said', file=sys.stderr)"), "out\n")
        self.assertEqual((self.logs / "stage-01.log").read_text(), "$ python3 -c …\nsaid\n")
        self.assertEqual([path.name for path in self.logs.iterdir()], ["stage-01.log"])

    def test_a_failure_names_command_log_and_reason(self) -> None:
        with self.assertRaises(CommandFailure) as caught:
            self.python("import sys; sys.stderr.write('50%\\rerror: no such thing\\n'); sys.exit(66)")
        self.assertEqual(caught.exception.code, ExitCode.INPUT_MISSING)
        for part in ("python3 -c …", "stage-01.log", "error: no such thing", "exit code 66"):
            self.assertIn(part, str(caught.exception))

    def test_a_program_that_is_not_there(self) -> None:
        with self.assertRaises(Failure) as caught:
            self.commands.run(["/nowhere/hat-mpirun"], "hat-mpirun")
        self.assertEqual(caught.exception.code, ExitCode.INPUT_MISSING)

    def test_ctrl_c_asks_the_command_to_stop_once(self) -> None:
        from_terminal = (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
        for number in (*from_terminal, signal.SIGTERM):
            with self.subTest(number.name):
                process = subprocess.Popen(
                    [sys.executable, "-c", _STOPPABLE, str(self.logs)],
                    cwd=Path(__file__).resolve().parents[2],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    # As a shell does.
                    process_group=0,
                )
                log = self.logs / "start-01.log"
                while process.poll() is None and "ready" not in (log.read_text() if log.exists() else ""):
                    time.sleep(0.02)
                (os.killpg if number in from_terminal else os.kill)(process.pid, number)
                said, _ = process.communicate(timeout=30)
                self.assertEqual(process.returncode, ExitCode.STOPPED_EARLY, said)
                self.assertEqual(log.read_text().count("asked"), 1)
                log.unlink()

    def test_what_a_script_has_started_is_stopped_with_it(self) -> None:
        log = self.logs / "stage-01.log"
        progress = Mock(spec=Progress)
        progress.activity.side_effect = lambda line: self.interrupt() if line == "ready" else None
        commands = Commands(self.logs, progress)
        commands.begin("stage")
        child = "trap 'echo ended >&2; exit' TERM; echo ready >&2; for _ in 1 2 3 4 5 6 7 8; do sleep 0.5; done"
        with self.assertRaises(KeyboardInterrupt):
            commands.run(["bash", "-c", f"({child}); true"], "a script")
        deadline = time.monotonic() + 10
        while "ended" not in log.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertIn("ended", log.read_text())

    def interrupt(self) -> None:
        raise KeyboardInterrupt

    def test_answers_are_json_objects(self) -> None:
        program = self.logs / "hat-mpirun"
        program.write_text(f"#!{sys.executable}\nimport json, sys\nprint(json.dumps(sys.argv[1:]))\n")
        program.chmod(0o755)
        hat = Hat(program, self.commands)
        answer = hat.evaluate(Path("runs/a"), "data", Path("corpora/b"), perturbation="all-caps")
        expected = [
            "evaluate",
            "--checkpoint",
            "runs/a",
            "--data",
            "corpora/b",
            "--perturb",
            "all-caps",
            "--json",
        ]
        self.assertEqual(answer, json.loads(json.dumps(expected)))
