import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

from corpus import debian, pypi
from corpus.errors import ExitCode, Failure


def _answers(stdout: str = "", stderr: str = "", code: int = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], code, stdout, stderr)


class DebianTests(unittest.TestCase):
    def setUp(self) -> None:
        installed = patch("corpus.debian.shutil.which", return_value="/usr/bin/apt-get")
        installed.start()
        self.addCleanup(installed.stop)

    def test_reads_version_and_size_from_apt(self) -> None:
        listed = "'http://somewhere/a_1%3a2.0-1_all.deb' a_1%3a2.0-1_all.deb 1234 SHA256:00\n"
        with patch.object(debian, "_run", return_value=_answers(listed)):
            self.assertEqual(
                debian.candidate("a"), debian.Candidate("a", "1:2.0-1", "a_1%3a2.0-1_all.deb", 1234)
            )

    def test_an_unknown_package_is_missing_input(self) -> None:
        answer = _answers(stderr="E: Unable to locate package a", code=100)
        with patch.object(debian, "_run", return_value=answer), self.assertRaises(Failure) as caught:
            debian.candidate("a")
        self.assertEqual(caught.exception.code, ExitCode.INPUT_MISSING)

    def test_no_network_can_be_tried_again(self) -> None:
        answer = _answers(stderr="W: odd\nE: Failed to fetch http://somewhere\n", code=100)
        wanted = debian.Candidate("a", "1", "a.deb", 4)
        with tempfile.TemporaryDirectory() as folder, patch.object(debian, "_run", return_value=answer):
            with self.assertRaises(Failure) as caught:
                debian.download(wanted, Path(folder))
        self.assertEqual(caught.exception.code, ExitCode.STOPPED_EARLY)

    def test_downloads_once_and_again_after_a_stop(self) -> None:
        def fetch(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
            (folder / "a_1_all.deb").write_text("deb.")
            return _answers()

        wanted = debian.Candidate("a", "1", "a_1_all.deb", 4)
        with tempfile.TemporaryDirectory() as name, patch.object(debian, "_run", side_effect=fetch) as run:
            folder = Path(name)
            # Half a download, as a killed run leaves it.
            (folder / "a_1_all.deb.partial").mkdir()
            (folder / "a_1_all.deb.partial" / "a_1_all.deb").write_text("d")
            for _ in range(2):
                self.assertEqual(debian.download(wanted, folder).read_text(), "deb.")
            self.assertEqual(run.call_count, 1)


class PyPITests(unittest.TestCase):
    def test_tells_the_reasons_of_pip_apart(self) -> None:
        reasons = {
            "ERROR: No matching distribution found for a==1": ExitCode.INPUT_MISSING,
            "WARNING: NewConnectionError\nERROR: No matching distribution": ExitCode.STOPPED_EARLY,
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES": ExitCode.INVALID_DATA,
            "OSError: [Errno 28] No space left on device": ExitCode.CANNOT_WRITE,
            "python3: No module named pip": ExitCode.INPUT_MISSING,
        }
        for output, code in reasons.items():
            with self.subTest(output=output):
                self.assertEqual(pypi.explain_pip_failure("a==1", output).code, code)
