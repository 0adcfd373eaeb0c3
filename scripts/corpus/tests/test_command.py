import contextlib
import errno
import io
import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

from corpus import build, command
from corpus.document import json_line
from corpus.errors import ExitCode
from corpus.folders import claimed
from corpus.packages import CORPORA, Package
from corpus.tests.support import Registry, package


class CommandTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.output = Path(folder.name) / "corpus"
        self.registry = Registry()
        self.registry.add("a", "1", one="Some text.")
        self.registry.add("b", "1", one="Other text.")

    def run_command(self, packages: list[Package], *arguments: str) -> tuple[int, str]:
        said = io.StringIO()
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.registry.served())
            stack.enter_context(patch.dict(CORPORA, {"english": packages}))
            stack.enter_context(contextlib.redirect_stderr(said))
            stack.enter_context(contextlib.redirect_stdout(said))
            folders = ["--output", str(self.output), "--cache", str(self.output.parent / "cache")]
            try:
                code = command.main(["english", *folders, *arguments])
            except SystemExit as exit:
                code = int(exit.code or 0)
        return code, said.getvalue()

    def test_done(self) -> None:
        code, said = self.run_command([package("a"), package("b")])
        self.assertEqual(code, ExitCode.DONE, said)
        self.assertIn("2 packages, 2 documents", said)

    def test_an_unknown_package_fails_alone(self) -> None:
        code, said = self.run_command([package("a"), package("missing"), package("b")])
        self.assertEqual(code, ExitCode.INPUT_MISSING)
        self.assertIn("apt knows no package missing", said)
        self.assertIn("1 of 3 packages failed", said)
        self.assertTrue((self.output / "b.en.jsonl").is_file())

    def test_a_full_disk_stops_at_once_and_keeps_what_is_done(self) -> None:
        write = json_line

        def full(text: str, *fields: str) -> bytes:
            if text == "Other text.":
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(text, *fields)

        with patch.object(build, "json_line", full):
            code, said = self.run_command([package("a"), package("b"), package("c")])
        self.assertEqual(code, ExitCode.CANNOT_WRITE)
        self.assertIn("the disk is full", said)
        self.assertNotIn("c.en", said)
        self.assertIn("already done", self.run_command([package("a"), package("b")])[1])

    def test_stopped_by_a_signal(self) -> None:
        with patch.object(build, "json_line", side_effect=KeyboardInterrupt):
            self.assertEqual(self.run_command([package("a")])[0], ExitCode.STOPPED_EARLY)

    def test_refuses_a_folder_of_another_corpus(self) -> None:
        self.run_command([package("a")])
        code, said = self.run_command([package("b")])
        self.assertEqual(code, ExitCode.WRONG_USAGE)
        self.assertIn("also holds a.en", said)

    def test_refuses_a_folder_that_another_run_works_on(self) -> None:
        with claimed(self.output):
            self.assertEqual(self.run_command([package("a")])[0], ExitCode.CANNOT_WRITE)

    def test_refuses_an_unknown_option(self) -> None:
        self.assertEqual(self.run_command([], "--colour")[0], ExitCode.WRONG_USAGE)

    def test_every_package_has_a_file_of_its_own(self) -> None:
        keys = [each.key for packages in CORPORA.values() for each in packages]
        self.assertEqual(len(keys), len(set(keys)))
