import http.client
import json
import os
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path

from serving.server import PROGRAM, Refused, Server
from serving.tests.fixture import runs, scratch, server


class LimitTests(unittest.TestCase):
    def test_a_body_too_large_is_refused_and_the_client_learns_why(self) -> None:
        before = server().memory()
        status, answer, _ = server().request("POST", "/v1/completions", b"x" * (100 << 20))
        self.assertEqual((status, json.loads(answer)["error"]["code"]), (413, "body_too_large"))
        self.assertLess(server().memory() - before, 32 << 20)

    def test_so_is_one_that_does_not_say_how_long_it_is(self) -> None:
        connection = server().connect()
        self.addCleanup(connection.close)
        parts = (b"x" * 65536 for _ in range(100))
        connection.request("POST", "/v1/completions", parts, server().headers(), encode_chunked=True)
        self.assertEqual(connection.getresponse().status, 413)

    def test_a_client_that_expects_to_be_asked_for_the_body_is(self) -> None:
        with socket.create_connection(("127.0.0.1", server().port), timeout=20) as client:
            client.sendall(
                b"POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                b"Content-Length: 15\r\nExpect: 100-continue\r\n\r\n"
            )
            self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 100"))
            client.sendall(b'{"prompt": "a"}')
            self.assertTrue(client.recv(1000).startswith(b"HTTP/1.1 200"))

    def test_the_end_of_a_connection_ends_what_is_written_for_it(self) -> None:
        body = {"model": server().name, "prompt": "a", "max_tokens": 4096, "n": 100, "stop": None}
        for stream in (True, False):
            connection = server().connect()
            connection.request(
                "POST", "/v1/completions", json.dumps({**body, "stream": stream}), server().headers()
            )
            self._wait(lambda: server().figures()["hat_open_texts"] == 100)
            connection.close()
            if connection.sock:
                connection.sock.close()
            self._wait(lambda: server().figures()["hat_open_texts"] == 0, 5)

    def _wait(self, condition: object, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not condition():  # type: ignore[operator]
            self.assertLess(time.monotonic(), deadline, "it does not come about")
            time.sleep(0.02)

    def test_what_is_too_much_is_refused(self) -> None:
        with Server(runs()["hierarchical"], "--slots", "1", "--queue", "2", "--connections", "6") as busy:
            with self.assertRaises(Refused) as caught:
                busy.complete("a", n=3)
            self.assertEqual(caught.exception.status, 400)
            held = []
            for _ in range(2):
                connection = busy.connect()
                body = {
                    "model": busy.name,
                    "prompt": "a",
                    "max_tokens": 4096,
                    "stream": True,
                    "n": 1,
                    "top_p": 0.01,
                }
                connection.request("POST", "/v1/completions", json.dumps(body), busy.headers())
                connection.getresponse()
                held.append(connection)
            with self.assertRaises(Refused) as caught:
                for _ in range(50):
                    busy.complete("a", max_tokens=4096, n=2)
            self.assertEqual((caught.exception.status, caught.exception.headers["retry-after"]), (429, "1"))

            sockets = [socket.create_connection(("127.0.0.1", busy.port), timeout=20) for _ in range(40)]
            refused = [each for each in sockets[10:] if self._answer(each).startswith(b"HTTP/1.1 503")]
            self.assertEqual(len(refused), 30)
            for each in [*sockets, *held]:
                each.close()
            self._wait(lambda: self._is_healthy(busy))

    def test_many_empty_prompts_are_counted_before_they_are_copied(self) -> None:
        before = server().memory("VmHWM")
        with self.assertRaises(Refused) as caught:
            server().complete([""] * 60_000, n=128)
        self.assertEqual((caught.exception.status, caught.exception.error["param"]), (400, "n"))
        self.assertLess(server().memory("VmHWM") - before, 128 << 20)

    def test_a_prompt_is_scored_once_for_a_request(self) -> None:
        with self.assertRaises(Refused) as caught:
            server().complete("a", n=2, echo=True, logprobs=1, max_tokens=0)
        self.assertEqual((caught.exception.status, caught.exception.error["param"]), (400, "n"))
        for parameters in ({"echo": True}, {"logprobs": 1}):
            self.assertEqual(len(server().complete("a", n=2, max_tokens=1, **parameters)["choices"]), 2)

    def test_messages_name_what_the_client_has_sent(self) -> None:
        chat = {"model": server().name, "messages": [{"role": "user", "content": "a"}]}
        for path, body, words in (
            ("/v1/chat/completions", {**chat, "max_completion_tokens": 100_000}, "`max_completion_tokens`"),
            ("/v1/chat/completions", {**chat, "max_tokens": 100_000}, "`max_tokens`"),
            ("/v1/completions", {"model": server().name, "suffix": "x"}, 'supports "" only'),
            ("/v1/completions", {"model": server().name, "logit_bias": {"a": 1}}, "supports {} only"),
        ):
            with self.assertRaises(Refused) as caught:
                server().ask(path, body)
            self.assertIn(words, caught.exception.error["message"])

    def test_a_client_that_does_not_read_loses_the_connection(self) -> None:
        with Server(runs()["hierarchical"], "--timeout", "2") as hasty:
            with socket.socket() as client:
                # The system keeps little of what is not read.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.settimeout(20)
                client.connect(("127.0.0.1", hasty.port))
                # Many small answers: 20 MB.
                client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
                # The connection that asks is counted, too.
                self._wait(lambda: hasty.figures()["hat_connections"] == 2)
                self._wait(lambda: hasty.figures()["hat_connections"] == 1)

    def _answer(self, client: socket.socket) -> bytes:
        try:
            return client.recv(1000)
        except ConnectionError:
            return b""

    def _is_healthy(self, busy: Server) -> bool:
        try:
            return busy.request("GET", "/health")[0] == 200
        except (ConnectionError, http.client.HTTPException):
            return False

    def test_connections_on_which_nothing_moves_are_closed(self) -> None:
        with Server(runs()["hierarchical"], "--timeout", "1") as hasty:
            beginnings = (
                b"",
                b"GET /health HT",
                b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n",
                b"POST /tokenize HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
            )
            start = time.monotonic()
            clients = [socket.create_connection(("127.0.0.1", hasty.port), timeout=20) for _ in beginnings]
            for client, beginning in zip(clients, beginnings, strict=True):
                client.sendall(beginning)
            for client in clients:
                while client.recv(1000):
                    pass
                client.close()
            self.assertLess(time.monotonic() - start, 10)

    def test_the_key(self) -> None:
        file = scratch() / "key"
        file.write_text("open-sesame\n")
        with Server(runs()["hierarchical"], "--api-key-file", str(file)) as locked:
            for key in (None, "open-sesam", "open-sesame2", ""):
                locked.key = key
                for path, body in (("/v1/models", None), ("/metrics", None), ("/tokenize", {"prompt": "a"})):
                    with self.assertRaises(Refused) as caught:
                        locked.ask(path, body)
                    self.assertEqual(
                        (caught.exception.status, caught.exception.headers["www-authenticate"]),
                        (401, "Bearer"),
                    )
            for path in ("/", "/health", "/openapi.json"):
                self.assertEqual(locked.request("GET", path)[0], 200)
            locked.key = "open-sesame"
            self.assertEqual(locked.complete("a", max_tokens=1)["model"], locked.name)
            self.assertNotIn("open-sesame", Path(f"/proc/{locked.process.pid}/cmdline").read_text())
        environment = {**os.environ, "HAT_API_KEY": "other"}
        with Server(runs()["hierarchical"], environment=environment) as locked:
            self.assertEqual(locked.request("GET", "/v1/models")[0], 401)


class EndTests(unittest.TestCase):
    def test_what_is_being_written_is_finished(self) -> None:
        with Server(runs()["hierarchical"], "--model-name", "mine") as ending:
            connection, idle = ending.connect(), ending.connect()
            self.addCleanup(connection.close)
            self.addCleanup(idle.close)
            idle.request("GET", "/health")
            idle.getresponse().read()
            body = {"model": "mine", "prompt": "a", "max_tokens": 4096, "seed": 1, "n": 8, "stream": True}
            connection.request("POST", "/v1/completions", json.dumps(body), ending.headers())
            answer = connection.getresponse()
            answer.read(10)
            ending.process.send_signal(signal.SIGTERM)
            self.assertTrue(answer.read().endswith(b"data: [DONE]\n\n"))
            self.assertEqual(ending.process.wait(20), 0)
            with self.assertRaises(ConnectionError):
                ending.complete("a")

    def test_but_not_for_ever(self) -> None:
        with Server(runs()["hierarchical"], "--grace", "1", "--max-tokens", "1000000") as ending:
            connection = ending.connect()
            self.addCleanup(connection.close)
            body = {"model": ending.name, "prompt": "a", "max_tokens": 1000000, "n": 64, "top_p": 0.01}
            connection.request("POST", "/v1/completions", json.dumps(body), ending.headers())
            time.sleep(0.3)
            ending.process.send_signal(signal.SIGINT)
            self.assertIn(connection.getresponse().status, (200, 503))
            self.assertEqual(ending.process.wait(20), 0)


class StartTests(unittest.TestCase):
    def start(self, *options: str) -> tuple[int, str]:
        arguments = [PROGRAM, "serve", "--checkpoint", str(runs()["hierarchical"]), *options]
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr

    def test_mistakes(self) -> None:
        empty = scratch() / "empty-key"
        empty.write_text("\n")
        for options, code, mention in (
            (("--port", str(server().port)), 73, str(server().port)),
            (("--host", "no.such.host.invalid"), 73, "no.such.host.invalid"),
            (("--port", "70000"), 64, "--port"),
            (("--queue", "3"), 64, "--queue"),
            (("--api-key-file", str(empty)), 64, str(empty)),
            (("--api-key-file", "/nowhere"), 66, "/nowhere"),
            (("--connections", "1000000000"), 64, "--connections"),
        ):
            with self.subTest(options):
                found, message = self.start(*options)
                self.assertEqual(found, code, message)
                self.assertIn(mention, message)

    def test_a_port_everybody_reaches_without_a_key_is_warned_of(self) -> None:
        with Server(runs()["hierarchical"], "--host", "0.0.0.0") as open_server:
            time.sleep(0.2)
            self.assertIn("warning", open_server.log())
        self.assertNotIn("warning", server().log())
