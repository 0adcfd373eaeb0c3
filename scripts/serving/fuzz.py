"""Sends a server what no client should, and holds it to its promises.

    scripts/serving/fuzz --checkpoint RUN [--seconds 600] [--seed 1]

Half of the requests are JSON in which something has been changed, added or left out: each must be answered
with JSON in the promised shape, a wrong one with a status from 400 on, none with 500. The other half are bytes
that resemble HTTP. Meanwhile a correct request must be answered as at first. A failure names its seed and
round. Exit code 65: there was one.
"""

import argparse
import json
import random
import socket
import sys
import time
from collections import Counter
from pathlib import Path

from corpus.arguments import Parser
from serving.server import Json, Server

_STATUSES = {200, 400, 401, 404, 405, 413, 415, 417, 429, 431, 501, 503, 505}

_BASES: list[tuple[str, Json]] = [
    ("/v1/completions", {"prompt": "the whale", "max_tokens": 8, "temperature": 0.5, "top_p": 0.9, "n": 1, "seed": 1,
                         "logprobs": 2, "echo": True, "stop": ["."], "stream": False}),
    ("/v1/completions", {"prompt": [[116, 104, 101]], "max_tokens": 1, "logprobs": 1, "echo": True, "temperature": 0}),
    ("/v1/completions", {"prompt": ["a", "größer 語"], "max_tokens": 4, "stream": True, "stream_options": {"include_usage": True}}),
    ("/v1/chat/completions", {"messages": [{"role": "user", "content": "the"}], "max_tokens": 8, "logprobs": True, "top_logprobs": 2}),
    ("/v1/chat/completions", {"messages": [{"role": "system", "content": [{"type": "text", "text": "a"}]}], "max_completion_tokens": 4}),
    ("/tokenize", {"prompt": "the whale", "add_special_tokens": False}),
    ("/detokenize", {"tokens": [116, 104, 101]}),
]  # fmt: skip

_NAMES = ["model", "prompt", "max_tokens", "temperature", "top_p", "n", "seed", "logprobs", "echo", "stop", "stream", "tokens",
          "messages", "top_logprobs", "best_of", "logit_bias", "tools", "user", "x", ""]  # fmt: skip

_HEADS = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /v1/models HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    b'POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n{"prompt": "a"}\r\n0\r\n\r\n',
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\nGET /health HTTP/1.0\r\n\r\n",
    b"PUT /detokenize HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nabcde",
]


def value(draw: random.Random, depth: int = 0) -> object:
    """Any JSON value, often one at a limit."""
    kind = draw.randrange(12 if depth < 3 else 9)
    if kind == 0:
        return draw.choice([None, True, False])
    if kind in (1, 2):
        return draw.choice([0, 1, -1, 2, 16, 255, 256, 254, 2**31, 2**53, 2**63, 2**64, -(2**63), 10**30])
    if kind == 3:
        return draw.choice([0.0, 0.5, 1.0, -0.0, 1e-300, 1e300, 2.0, 1.5])
    if kind in (4, 5):
        return "".join(
            chr(draw.choice([draw.randrange(32, 127), draw.randrange(0xD800), 0x1F642]))
            for _ in range(draw.randrange(12))
        )
    if kind == 6:
        return draw.choice(["text", "user", "<document>", "\u0000", "a" * 2000, "\u2028", "\\", '"'])
    if kind in (7, 8):
        return draw.choices(range(300), k=draw.randrange(9))
    if kind == 9:
        return {draw.choice(_NAMES): value(draw, depth + 1) for _ in range(draw.randrange(4))}
    return [value(draw, depth + 1) for _ in range(draw.randrange(4))]


def changed(draw: random.Random, base: Json) -> Json:
    request = json.loads(json.dumps(base))
    for _ in range(draw.randrange(4)):
        place = request
        inner = [each for each in request.values() if isinstance(each, dict)]
        inner += [
            each[0]
            for each in request.values()
            if isinstance(each, list) and each and isinstance(each[0], dict)
        ]
        if inner and draw.random() < 0.4:
            place = draw.choice(inner)
        action = draw.randrange(3)
        if action == 0 and place:
            del place[draw.choice(list(place))]
        elif action == 1 and place:
            place[draw.choice(list(place))] = value(draw)
        else:
            place[draw.choice(_NAMES)] = value(draw)
    return request


def damaged(draw: random.Random, data: bytes) -> bytes:
    content = bytearray(data)
    for _ in range(draw.randrange(1, 6)):
        place = draw.randrange(len(content) + 1)
        action = draw.randrange(5)
        if action == 0:
            content[place:place] = bytes(draw.randrange(256) for _ in range(draw.randrange(1, 9)))
        elif action == 1:
            del content[place : place + draw.randrange(1, 9)]
        elif action == 2 and place < len(content):
            content[place] = draw.randrange(256)
        elif action == 3:
            content[place:place] = draw.choice(
                [
                    b"\r\n",
                    b"\n",
                    b"\0",
                    b": ",
                    b"\xff",
                    b"Content-Length: 99999999999999999999\r\n",
                    b"A" * 40_000,
                ]
            )
        elif content:
            content += content[place:]
    return bytes(content)


class Fuzzer:
    def __init__(self, server: Server, seed: int) -> None:
        self.server, self.seed = server, seed
        self.statuses: Counter[str] = Counter()
        self.failures: list[str] = []
        self.expected = self._reference()

    def _reference(self) -> Json:
        choice: Json = self.server.complete("the whale", max_tokens=24, seed=5, logprobs=1)["choices"][0]
        return choice

    def round(self, number: int) -> None:
        draw = random.Random(f"{self.seed} {number}")
        try:
            self.json(draw) if number % 2 else self.bytes(draw)
            if number % 50 == 0 and self._reference() != self.expected:
                raise AssertionError("a correct request is answered otherwise than at first")
        except Exception as error:
            # Also what this program did not expect of an answer.
            self.failures.append(f"seed {self.seed}, round {number}: {type(error).__name__}: {error}"[:600])

    def json(self, draw: random.Random) -> None:
        path, base = draw.choice(_BASES)
        if path.startswith("/v1"):
            base = {"model": self.server.name, **base}
        request = changed(draw, base)
        data = json.dumps(request, ensure_ascii=draw.random() < 0.5).encode()
        if draw.random() < 0.2:
            data = damaged(draw, data)
        status, answer, headers = self.server.request("POST", path, data)
        self.statuses[f"{path} {status}"] += 1
        assert status in _STATUSES, f"{status} for {data[:200]!r}: {answer[:200]!r}"
        if headers["content-type"].startswith("text/event-stream"):
            assert answer.endswith(b"data: [DONE]\n\n") or b'"error"' in answer, answer[-200:]
            return
        found = json.loads(answer)
        if status != 200:
            assert set(found["error"]) == {"message", "type", "param", "code"}, found
            assert status != 400 or found["error"]["type"] == "invalid_request_error", found

    def bytes(self, draw: random.Random) -> None:
        data = damaged(draw, draw.choice(_HEADS))
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=20) as client:
            client.sendall(data)
            client.settimeout(0.3)
            answer = b""
            try:
                while more := client.recv(65536):
                    answer += more
            except (TimeoutError, ConnectionError):
                # It waits for more, or has closed what cannot be HTTP any more.
                pass
            self.statuses["bytes " + (answer[9:12].decode() if answer else "closed")] += 1
            assert not answer or answer.startswith(b"HTTP/1.1 ") and int(answer[9:12]) in _STATUSES | {100}, (
                answer[:100]
            )


def main() -> None:
    parser = Parser(
        prog="scripts/serving/fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with Server(
        Path(options.checkpoint), "--timeout", "5", "--max-tokens", "64", "--max-prompt-bytes", "4KiB"
    ) as server:
        fuzzer = Fuzzer(server, options.seed)
        number, end = 0, time.monotonic() + options.seconds
        while time.monotonic() < end and len(fuzzer.failures) < 10 and server.process.poll() is None:
            fuzzer.round(number)
            number += 1
        print(f"{number} rounds")
        for name, count in sorted(fuzzer.statuses.items()):
            print(f"{count:8} {name}")
        if server.process.poll() is not None:
            fuzzer.failures.append(
                f"the server has ended with {server.process.returncode}: {server.log()[-2000:]}"
            )
        elif server.stop() != 0:
            fuzzer.failures.append("the server has not ended in order")
    for failure in fuzzer.failures:
        print(failure, file=sys.stderr)
    sys.exit(65 if fuzzer.failures else 0)


if __name__ == "__main__":
    main()
