import http.server
import json
import threading
import unittest
from collections.abc import Callable
from typing import Any

from corpus.errors import ExitCode, Failure
from lm_evaluation import echo

Json = dict[str, Any]


def _figures(count: int) -> Json:
    """Of so many tokens, as a server with echo gives them."""
    own: list[float | None] = [-2.0 - place for place in range(count)]
    return {"token_logprobs": own, "top_logprobs": [{"a": -1.0, "b": value} for value in own]}


def _whole(prompt: list[int]) -> Json:
    return _figures(len(prompt) + 1)


def _without_echo(prompt: list[int]) -> Json:
    return _figures(1)


def _without_written_token(prompt: list[int]) -> Json:
    return _figures(len(prompt))


def _without_first(prompt: list[int]) -> Json:
    """As OpenAI's: nothing is known of the first token."""
    found = _whole(prompt)
    found["token_logprobs"][0] = found["top_logprobs"][0] = None
    return found


def _zeros(prompt: list[int]) -> Json:
    count = len(prompt) + 1
    return {"token_logprobs": [0.0] * count, "top_logprobs": [{"a": 0.0}] * count}


def _with_gaps(prompt: list[int]) -> Json:
    found = _whole(prompt)
    found["token_logprobs"][3] = None
    return found


def _without_alternatives(prompt: list[int]) -> Json:
    return {**_whole(prompt), "top_logprobs": None}


class EchoTests(unittest.TestCase):
    """A stand-in for a server, which answers as some do."""

    models: Json = {"data": [{"id": "mine"}]}

    def check(
        self,
        logprobs: Callable[[list[int]], Json | None],
        status: int = 200,
        models: Json = models,
        tokens: str = "tokens",
    ) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(models)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path == "/tokenize":
                    self.answer({tokens: list(body["prompt"].encode())})
                else:
                    self.answer(
                        {"choices": [{"index": 0, "text": "", "logprobs": logprobs(body["prompt"][0])}]}, status
                    )

            def answer(self, found: Json, status: int = 200) -> None:
                data = json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *arguments: object) -> None: ...

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            threading.Thread(target=server.serve_forever).start()
            try:
                return echo.check(f"http://127.0.0.1:{server.server_address[1]}")
            finally:
                server.shutdown()

    def test_servers_that_score_prompts(self) -> None:
        for answer in (_whole, _without_first):
            with self.subTest(answer.__name__):
                self.assertEqual(self.check(answer), "mine")

    def test_servers_that_do_not(self) -> None:
        wrong: list[Callable[[list[int]], Json | None]] = [
            *(_without_echo, _without_written_token, _zeros, _with_gaps, _without_alternatives),
            lambda prompt: None,
        ]
        for answer in wrong:
            with self.subTest(answer.__name__), self.assertRaises(Failure) as caught:
                self.check(answer)
            self.assertEqual(caught.exception.code, ExitCode.INVALID_DATA)
            self.assertIn("echo", str(caught.exception))

    def test_servers_without_models_or_with_other_answers(self) -> None:
        wrong: list[dict[str, Any]] = [{"models": {"data": data}} for data in (None, [], [{}], {})]
        for options in [*wrong, {"models": {}}, {"tokens": "ids"}]:
            with self.subTest(options), self.assertRaises(Failure) as caught:
                self.check(_whole, **options)
            self.assertEqual(caught.exception.code, ExitCode.INVALID_DATA)
            self.assertIn("another shape", str(caught.exception))

    def test_servers_that_refuse(self) -> None:
        with self.assertRaises(Failure) as caught:
            self.check(_whole, status=400)
        self.assertIn("400", str(caught.exception))
