import mmap
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest.mock import patch

from endurance import shared_memory
from endurance.processes import Child, adopt_orphans, command_line, descendants, end_leftovers


class ProcessTests(unittest.TestCase):
    def setUp(self) -> None:
        adopt_orphans()

    def start(self, script: str, limits: dict[int, int] | None = None) -> Child:
        return Child(
            ["sh", "-c", script], output=subprocess.DEVNULL, errors=subprocess.DEVNULL, limits=limits
        )

    def test_the_exit_code_and_the_signal_of_an_end(self) -> None:
        for script, code in (("exit 7", 7), ("kill -USR1 $$", -signal.SIGUSR1)):
            child = self.start(script)
            self.assertTrue(child.has_ended(10))
            self.assertEqual(child.finish(), code)
        self.assertEqual(end_leftovers(1), [])

    def test_what_outlives_its_parent_is_found_and_ended_also_in_another_session(self) -> None:
        child = self.start("setsid sleep 61 & sleep 62 & exit 0")
        self.assertTrue(child.has_ended(10))
        child.finish()
        self.assertEqual(sorted(end_leftovers(0.1)), ["sleep 61", "sleep 62"])
        self.assertEqual(descendants(os.getpid()), [])

    def test_what_ends_in_time_is_not_left_behind(self) -> None:
        child = self.start("sleep 0.3 & exit 0")
        self.assertTrue(child.has_ended(10))
        child.finish()
        self.assertEqual(end_leftovers(5), [])

    def test_a_child_that_does_not_end(self) -> None:
        child = self.start("exec sleep 63")
        self.assertFalse(child.has_ended(0.2))
        self.assertEqual(command_line(child.pid), "sleep 63")
        self.assertEqual(end_leftovers(0), ["sleep 63"])
        child.forget()

    def test_limits(self) -> None:
        child = self.start('[ "$(ulimit -t)" = 77 ]', {resource.RLIMIT_CPU: 77})
        child.has_ended(10)
        self.assertEqual(child.finish(), 0)
        script = "import sys; bytearray(1 << 30)"
        limited = Child(
            [sys.executable, "-c", script],
            output=subprocess.DEVNULL,
            errors=subprocess.DEVNULL,
            limits={resource.RLIMIT_AS: 1 << 28},
        )
        self.assertTrue(limited.has_ended(20))
        self.assertEqual(limited.finish(), 1)

    def test_a_child_ends_with_its_parent(self) -> None:
        script = "\n".join(
            [
                "import subprocess, time",
                "from endurance.processes import Child",
                'child = Child(["sleep", "64"], output=subprocess.DEVNULL, errors=subprocess.DEVNULL)',
                "print(child.pid, flush=True)",
                "time.sleep(60)",
            ]
        )
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        with subprocess.Popen(
            [sys.executable, "-B", "-c", script], stdout=subprocess.PIPE, text=True, env=environment
        ) as parent:
            assert parent.stdout is not None
            pid = int(parent.stdout.readline())
            parent.kill()
            parent.wait()
        limit = time.monotonic() + 10
        while command_line(pid) and time.monotonic() < limit:
            time.sleep(0.02)
        self.assertEqual(command_line(pid), "")
        end_leftovers(1)


class SharedMemoryTests(unittest.TestCase):
    def test_files_that_nobody_uses_are_found_made_old_and_removed(self) -> None:
        with tempfile.TemporaryDirectory() as name, patch.object(shared_memory, "_FOLDER", Path(name)):
            opened, mapped, left = (Path(name) / file for file in ("opened", "mapped", "left"))
            for file in (opened, mapped, left):
                file.write_bytes(b"content")
            with mapped.open("r+b") as source:
                memory = mmap.mmap(source.fileno(), 0)
            with opened.open(), memory:
                self.assertEqual(shared_memory.unused(), [left])
                shared_memory.make_old([left])
                self.assertGreater(time.time() - left.stat().st_mtime, 500)
                shared_memory.remove([left])
                self.assertEqual(shared_memory.unused(), [])
            self.assertEqual(shared_memory.unused(), [mapped, opened])
