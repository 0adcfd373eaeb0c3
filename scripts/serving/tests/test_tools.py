import contextlib
import http.client
import io
import random
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest.mock import Mock, patch

from serving import load
from serving.fuzz import Fuzzer
from serving.server import REPOSITORY, Json

_CHOICE = {"choices": [{"text": "a"}]}


def _server() -> Mock:
    """A stand-in that answers all requests alike."""
    server = Mock(port=1)
    server.name = "mine"
    server.__enter__ = Mock(return_value=server)
    server.__exit__ = Mock(return_value=None)
    server.memory.return_value = 1 << 20
    return server


class FuzzTests(unittest.TestCase):
    def test_whatever_is_wrong_with_an_answer_has_its_seed_and_round(self) -> None:
        server = _server()
        server.complete.return_value = _CHOICE
        headers = {"content-type": "application/json"}
        for answer in (
            *((400, body, headers) for body in (b'{"message": "no"}', b'{"error": 1}', b"[]")),
            (200, b"{}", {}),
            http.client.BadStatusLine("nothing"),
        ):
            with self.subTest(answer):
                server.request.side_effect = [answer]
                fuzzer = Fuzzer(server, 7)
                fuzzer.round(3)
                self.assertEqual(len(fuzzer.failures), 1)
                self.assertIn("seed 7, round 3", fuzzer.failures[0])


class LoadTests(unittest.TestCase):
    def test_a_connection_that_breaks_off_is_asked_again(self) -> None:
        server = _server()
        server.complete.return_value = _CHOICE
        tested = load.Load(server, 1)
        server.complete.side_effect = [http.client.IncompleteRead(b""), http.client.BadStatusLine(""), _CHOICE]
        tested.short(1)
        self.assertEqual(tested.counts, {"refused connections": 2, "answered": 1})

    def test_an_end_that_was_not_expected_is_one(self) -> None:
        server = _server()
        answers = 0

        def complete(*_: object, **__: object) -> Json:
            nonlocal answers
            answers += 1
            if answers > 20:
                raise RuntimeError("an end")
            return _CHOICE

        server.complete.side_effect = complete
        server.request.return_value = (400, b"", {})
        with (
            tempfile.TemporaryDirectory() as folder,
            patch("sys.argv", ["load", "--checkpoint", folder, "--requests", "50", "--clients", "1"]),
            patch.object(load, "Server", return_value=server),
            patch.object(random.Random, "choice", lambda draw, kinds: kinds[12]),
            contextlib.redirect_stdout(io.StringIO()),
            self.assertRaisesRegex(RuntimeError, "an end"),
        ):
            load.main()


class UsageTests(unittest.TestCase):
    def test_wrong_usage_has_the_code_of_hat(self) -> None:
        for name in ("fuzz", "load", "throughput"):
            with self.subTest(name):
                script: Path = REPOSITORY / "scripts/serving" / name
                self.assertEqual(subprocess.run([script, "--what"], capture_output=True).returncode, 64)
