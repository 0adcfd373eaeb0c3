import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from reproduction.machine import ROOT

_TEST = """import unittest
class Tests(unittest.TestCase):
    def test(self): pass
"""


class LeftOutTests(unittest.TestCase):
    """`scripts/test-python`, where packages cannot be installed."""

    def run_tests(self, package: str, code: int, environment: dict[str, str] | None = None) -> tuple[int, str]:
        """The exit code and what is said, where `python` of a folder ends with a code of its own."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "scripts" / package
            (folder / "tests").mkdir(parents=True)
            for file in (folder / "__init__.py", folder / "tests/__init__.py"):
                file.touch()
            (folder / "tests/test_it.py").write_text(_TEST)
            (folder / "python").write_text(f"#!/bin/sh\nexit {code}\n")
            (folder / "python").chmod(0o755)
            script = shutil.copy(ROOT / "scripts/test-python", folder.parent)
            inherited = {key: value for key, value in os.environ.items() if key != "CI"}
            result = subprocess.run(
                [script, package], capture_output=True, text=True, env={**inherited, **(environment or {})}
            )
        return result.returncode, result.stdout + result.stderr

    def test_tests_are_left_out_and_those_that_need_nothing_run(self) -> None:
        code, said = self.run_tests("reproduction", 69)
        self.assertEqual((code, said), (0, "LEFT OUT: tests of reproduction whose packages could not be installed, see above\n"))
        code, said = self.run_tests("serving", 69)
        self.assertEqual(code, 0)
        self.assertIn("LEFT OUT: tests of serving", said)
        self.assertIn("Ran 1 test", said)

    def test_continuous_integration_leaves_nothing_out(self) -> None:
        for package in ("reproduction", "serving"):
            self.assertEqual(self.run_tests(package, 69, {"CI": "true"})[0], 69)

    def test_every_other_end_is_a_failure(self) -> None:
        self.assertEqual(self.run_tests("serving", 1)[0], 1)
