import subprocess
import tempfile
import unittest
from pathlib import Path

from installation.check import compare
from installation.errors import WRONG_USAGE, PackagingError
from installation.program import REPOSITORY


class CheckTests(unittest.TestCase):
    def test_a_reference_that_fails_is_an_error_with_what_it_said(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            reference = Path(folder) / "hat-mpirun"
            reference.write_text("#!/bin/sh\necho 'error: no MPI.' >&2\nexit 70\n")
            reference.chmod(0o755)
            with self.assertRaisesRegex(PackagingError, r"exit code 70:\n.*error: no MPI\.\n.*It is the reference"):
                compare(Path(folder) / "weights", reference)


class UsageTests(unittest.TestCase):
    def test_wrong_usage_has_the_code_of_hat(self) -> None:
        for name in ("make-archive", "make-debian-package", "check-archive", "make-site"):
            with self.subTest(name):
                script = REPOSITORY / "scripts" / name
                self.assertEqual(subprocess.run([script, "--what"], capture_output=True).returncode, WRONG_USAGE)
