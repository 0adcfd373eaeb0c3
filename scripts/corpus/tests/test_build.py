import gzip
import json
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

from corpus.build import remove_leftovers
from corpus.errors import ExitCode, Failure
from corpus.extract.plain import PlainText
from corpus.tests.support import Registry, build, package


class BuildTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.output = Path(folder.name) / "corpus"
        self.registry = Registry()
        self.registry.add(
            "a", "1", one="Erste Zeile.\r\nZweite.  \n", two="Again.", three="Again.", four=" \n"
        )
        self.registry.add("b", "1", one="Other text.")
        served = self.registry.served()
        served.__enter__()
        self.addCleanup(served.__exit__, None, None, None)
        self.packages = [package("a"), package("b")]

    def content(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.output.iterdir() if path.is_file()}

    def test_writes_documents_manifest_and_licenses(self) -> None:
        build(self.output, self.packages)
        lines = (self.output / "a.en.jsonl").read_text().splitlines()
        self.assertEqual(
            [json.loads(line) for line in lines],
            [
                {"text": "Erste Zeile.\nZweite.", "source": "a/one", "license": "MIT", "language": "en"},
                {"text": "Again.", "source": "a/three", "license": "MIT", "language": "en"},
            ],
        )
        manifest = json.loads((self.output / "manifest.json").read_text())
        self.assertEqual(manifest["totals"], {"packages": 2, "documents": 3, "bytes": 20 + 6 + 11})
        entry = manifest["packages"][0]
        self.assertEqual((entry["version"], entry["duplicates"], entry["empty"]), ("1", 1, 1))
        self.assertEqual((self.output / entry["license_file"]).read_text(), "License of a")
        self.assertEqual(list(self.output.glob(".unpacked-*")), [])

    def test_a_finished_run_is_a_no_op(self) -> None:
        build(self.output, self.packages)
        before = self.content()
        times = {path: path.stat().st_mtime_ns for path in self.output.glob("*.json*")}
        self.assertEqual(build(self.output, self.packages).count("already done"), 2)
        self.assertEqual(self.content(), before)
        self.assertEqual({path: path.stat().st_mtime_ns for path in times}, times)

    def test_a_changed_version_is_done_again_and_said(self) -> None:
        build(self.output, self.packages)
        self.registry.add("b", "2", one="New text.")
        said = build(self.output, self.packages)
        self.assertIn("b.en was version 1, is now 2: done again", said)
        self.assertIn("a.en 1: already done", said)
        self.assertIn("New text.", (self.output / "b.en.jsonl").read_text())

    def test_a_damaged_file_is_done_again(self) -> None:
        build(self.output, self.packages)
        before = self.content()
        path = self.output / "a.en.jsonl"
        path.write_bytes(path.read_bytes().replace(b"Again", b"Agaim"))
        self.assertIn("a.en.jsonl is missing or was changed", build(self.output, self.packages))
        self.assertEqual(self.content(), before)

    def test_a_changed_recipe_is_done_again(self) -> None:
        build(self.output, self.packages)
        self.assertIn("is read differently", build(self.output, [package("a", "BSD"), package("b")]))

    def test_a_package_without_text_is_an_error_and_leaves_nothing(self) -> None:
        self.registry.add("b", "1")
        with self.assertRaises(Failure) as caught:
            build(self.output, self.packages)
        self.assertEqual(caught.exception.code, ExitCode.INVALID_DATA)
        self.assertEqual([path.name for path in sorted(self.output.glob("*.jsonl*"))], ["a.en.jsonl"])

    def test_a_package_that_cannot_be_read_is_an_error_and_leaves_nothing(self) -> None:
        for error in (
            *(ValueError("odd"), KeyError("variables"), gzip.BadGzipFile("not gzipped")),
            FileNotFoundError(2, "No such file", "Rdata.rdb"),
        ):
            with self.subTest(error=error), patch.object(PlainText, "documents", side_effect=error):
                with self.assertRaises(Failure) as caught:
                    build(self.output, self.packages)
                self.assertEqual(caught.exception.code, ExitCode.INVALID_DATA)
                self.assertEqual(list(self.output.glob("*.jsonl*")), [])

    def test_a_damaged_manifest_is_an_error(self) -> None:
        build(self.output, self.packages)
        (self.output / "manifest.json").write_text('{"format": "hat-text-corpus", "packages": [{}]}')
        with self.assertRaises(Failure) as caught:
            build(self.output, self.packages)
        self.assertEqual(caught.exception.code, ExitCode.INVALID_DATA)

    def test_killed_at_any_document_it_goes_on_to_the_same_bytes(self) -> None:
        build(self.output, self.packages)
        expected = self.content()
        for document in range(3):
            with self.subTest(document=document):
                output = self.output.parent / f"killed-{document}"
                self.assertEqual(_build_and_die(output, document), -signal.SIGKILL)
                remove_leftovers(output)
                build(output, self.packages)
                found = {path.name: path.read_bytes() for path in output.iterdir() if path.is_file()}
                self.assertEqual(found, expected)
                self.assertEqual([path.name for path in output.iterdir() if path.is_dir()], ["licenses"])


# Dies as by kill -9 when it writes the document of the number given.
_DYING = """
import os, signal, sys
from pathlib import Path
from unittest.mock import patch
from corpus import build as builder
from corpus.extract.plain import PlainText
from corpus.tests.support import Registry, build, package

registry = Registry()
registry.add("a", "1", one="Erste Zeile.\\r\\nZweite.  \\n", two="Again.", three="Again.", four=" \\n")
registry.add("b", "1", one="Other text.")
left = int(sys.argv[2])
write = builder.json_line

def dying(*fields):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return write(*fields)

builder.json_line = dying
with registry.served():
    build(Path(sys.argv[1]), [package("a"), package("b")])
"""


def _build_and_die(output: Path, document: int) -> int:
    scripts = Path(__file__).resolve().parents[2]
    return subprocess.run([sys.executable, "-c", _DYING, str(output), str(document)], cwd=scripts).returncode
