"""Loads a server with all kinds of clients at once, and says whether it bears them.

    scripts/serving/load --checkpoint RUN [--requests 4000]

Thousands of short requests on many threads; readers that are slow, and some that stop; connections that are
cut; bodies of 100 MB and bodies that are no UTF-8; and ten thousand connections at once. In the end answers
must be what they were at first, memory bounded, and nothing left open. Exit code 65: it is not so.
"""

import argparse
import http.client
import json
import random
import resource
import socket
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from corpus.arguments import Parser
from serving.server import Refused, Server

_PROMPTS = ["", "It was ", "größer 語 ", "To be, or not to be, that is the question: " * 8]


class Load:
    def __init__(self, server: Server, seed: int) -> None:
        self.server = server
        self.seed = seed
        self.expected = {prompt: self._text(prompt) for prompt in _PROMPTS}
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []

    def _text(self, prompt: str) -> str:
        text: str = self.server.complete(prompt, max_tokens=64, seed=9)["choices"][0]["text"]
        return text

    def short(self, number: int) -> None:
        """A short request; where the server is full, again after a while."""
        prompt = _PROMPTS[number % len(_PROMPTS)]
        while True:
            try:
                if self._text(prompt) != self.expected[prompt]:
                    self.wrong.append(f"another text behind {prompt[:20]!r}")
                self.counts["answered"] += 1
                return
            except Refused as refused:
                self.counts[str(refused.status)] += 1
                if refused.status not in (429, 503):
                    self.wrong.append(str(refused))
                    return
                time.sleep(0.05)
            except (OSError, http.client.HTTPException, json.JSONDecodeError):
                self.counts["refused connections"] += 1
                time.sleep(0.05)

    def _send(self, body: bytes, length: int | None = None) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.server.port), timeout=30)
        head = (
            "POST /v1/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            f"Content-Length: {length or len(body)}\r\n\r\n"
        )
        client.sendall(head.encode() + body)
        return client

    def _body(self, **options: object) -> bytes:
        return json.dumps({"model": self.server.name, "prompt": "It was ", **options}).encode()

    def slow_reader(self, draw: random.Random) -> None:
        with self._send(self._body(max_tokens=2000, stream=True, logprobs=5)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for _ in range(draw.randint(1, 20)):
                if not client.recv(256):
                    break
                time.sleep(0.1)
        self.counts["slow readers"] += 1

    def cut(self, draw: random.Random) -> None:
        body = self._body(max_tokens=4000, n=4, stream=draw.random() < 0.5)
        with self._send(body[: draw.randint(0, len(body))], len(body)):
            time.sleep(draw.random() * 0.2)
        self.counts["cut connections"] += 1

    def large(self, _: random.Random) -> None:
        status, _, _ = self.server.request("POST", "/v1/completions", b"x" * (100 << 20))
        if status != 413:
            self.wrong.append(f"{status} for 100 MB")
        self.counts["bodies of 100 MB"] += 1

    def no_text(self, draw: random.Random) -> None:
        body = bytes(draw.randrange(256) for _ in range(200))
        status, _, _ = self.server.request("POST", "/v1/completions", body)
        if status != 400:
            self.wrong.append(f"{status} for {body!r}")
        self.counts["bodies that are no text"] += 1

    def disturb(self, until: threading.Event, number: int) -> None:
        draw = random.Random(f"{self.seed} {number}")
        kinds = [self.slow_reader] * 4 + [self.cut] * 8 + [self.no_text] * 4 + [self.large]
        while not until.is_set():
            try:
                draw.choice(kinds)(draw)
            except (OSError, http.client.HTTPException, ValueError):
                self.counts["refused connections"] += 1

    def crowd(self, count: int) -> None:
        """So many connections at once: all that there is no room for are told so."""
        clients: list[socket.socket] = []
        for _ in range(count):
            try:
                clients.append(socket.create_connection(("127.0.0.1", self.server.port), timeout=30))
            except OSError:
                self.counts["crowd: not connected"] += 1
        for client in clients:
            client.settimeout(0.2)
            try:
                answer = client.recv(100)
                self.counts["crowd: told 503" if b" 503 " in answer else "crowd: closed"] += 1
            except TimeoutError:
                self.counts["crowd: served"] += 1
            except OSError:
                self.counts["crowd: closed"] += 1
            if self.counts["crowd: served"] > 1500:
                self.wrong.append("more connections are served than may be")
                break
        for client in clients:
            client.close()


def main() -> None:
    parser = Parser(
        prog="scripts/serving/load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--requests", type=int, default=4000, help="short requests (default: %(default)s)")
    parser.add_argument("--clients", type=int, default=32, help="that send them (default: %(default)s)")
    parser.add_argument(
        "--crowd", type=int, default=10_000, help="connections at once (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = options.crowd + 512
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, wanted), hard))
    with Server(Path(options.checkpoint)) as server:
        load = Load(server, options.seed)
        for number in range(8):
            load.short(number)
        first = server.memory()
        print(f"at first: {first >> 20} MiB, {server.files()} open files")
        until, start = threading.Event(), time.monotonic()
        with ThreadPoolExecutor(options.clients) as pool, ThreadPoolExecutor(6) as disturbers:
            for number in range(6):
                disturbers.submit(load.disturb, until, number)
            try:
                for done, _ in enumerate(pool.map(load.short, range(options.requests))):
                    if done % 500 == 0:
                        seconds, memory = time.monotonic() - start, server.memory() >> 20
                        print(f"{done} requests, {seconds:.0f} s, {memory} MiB", flush=True)
            finally:
                # However it ends: the pool waits for the disturbers.
                until.set()
        seconds = time.monotonic() - start
        load.crowd(options.crowd)
        deadline = time.monotonic() + 30
        while server.figures()["hat_open_texts"] > 0 and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1)
        figures = server.figures()
        for prompt in _PROMPTS:
            if load._text(prompt) != load.expected[prompt]:
                load.wrong.append("another text in the end")
        if figures["hat_open_texts"] or figures["hat_running_texts"] or figures["hat_connections"] > 3:
            load.wrong.append(f"left open: {figures}")
        last = server.memory()
        if last > first + (400 << 20):
            load.wrong.append(f"memory has grown from {first >> 20} to {last >> 20} MiB")
        print(f"{load.counts['answered'] / seconds:.0f} short requests a second beside the others")
        print(f"in the end: {last >> 20} MiB, {server.files()} open files")
        for what, count in sorted(load.counts.items()):
            print(f"{count:8} {what}")
        if server.stop() != 0:
            load.wrong.append("the server has not ended in order")
    for what in sorted(set(load.wrong)):
        print(f"wrong: {what}", file=sys.stderr)
    sys.exit(65 if load.wrong else 0)


if __name__ == "__main__":
    main()
