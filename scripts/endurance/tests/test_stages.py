import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from reproduction.machine import ROOT

_SWIFT = """#!/bin/sh
[ "$1" = test ] || exit 0
echo begun
exec sleep 60
"""


class StageTests(unittest.TestCase):
    """`scripts/test`, with a Swift whose tests do not end."""

    def test_a_signal_ends_a_stage_at_once(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number), tempfile.TemporaryDirectory() as name:
                scripts = Path(name) / "scripts"
                scripts.mkdir()
                shutil.copy(ROOT / "scripts/test", scripts)
                for file, text in (("install-dependencies", "#!/bin/sh\n"), ("swift", _SWIFT)):
                    (scripts / file).write_text(text)
                    (scripts / file).chmod(0o755)
                with subprocess.Popen(
                    [scripts / "test"],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "PATH": f"{scripts}:{os.environ['PATH']}"},
                    text=True,
                    start_new_session=True,
                ) as tests:
                    assert tests.stdout
                    self.assertEqual(tests.stdout.readline(), "begun\n")
                    start = time.monotonic()
                    # As a terminal does it: to the whole group.
                    os.killpg(tests.pid, number)
                    said = tests.stdout.read()
                self.assertLess(time.monotonic() - start, 5)
                self.assertEqual(tests.returncode, 128 + number)
                self.assertIn("TESTS FAILED while running the tests of one process", said)
