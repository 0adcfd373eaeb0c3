"""A server of hat, started and stopped, and asked as any client would ask it."""

import http.client
import json
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from corpus.errors import ExitCode, Failure

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = REPOSITORY / ".build/release/hat-mpirun"

Json = dict[str, Any]


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, answer: Json, headers: dict[str, str]) -> None:
        super().__init__(f"{status}: {answer}")
        self.status, self.error, self.headers = status, answer["error"], headers


class Server:
    """Started on entering, on a port that is free; ended with SIGTERM on leaving."""

    def __init__(
        self,
        checkpoint: Path | str,
        *options: str,
        environment: dict[str, str] | None = None,
        program: Path = PROGRAM,
        patience: float = 60,
    ) -> None:
        self._arguments = [str(program), "serve", "--checkpoint", str(checkpoint), "--port", "0", *options]
        self._environment = environment
        self._patience = patience
        self.key: str | None = None

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            self._arguments, stdin=subprocess.DEVNULL, stderr=self._log, env=self._environment
        )
        self.name, self.port = self._wait_until_ready()
        return self

    def _wait_until_ready(self) -> tuple[str, int]:
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline and self.process.poll() is None:
            if ready := re.search(r"Serving (.*) at http://.*:(\d+)$", self.log(), flags=re.MULTILINE):
                return ready[1], int(ready[2])
            time.sleep(0.02)
        self.process.kill()
        raise RuntimeError(f"the server has not started: {self.log()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._log.close()

    def stop(self, seconds: float = 60) -> int:
        """Its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def memory(self, kind: str = "VmRSS") -> int:
        """Bytes of main memory that it has now; or has had at the most, with VmHWM."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{kind}:\s+(\d+) kB", text)
        assert found
        return 1024 * int(found[1])

    def files(self) -> int:
        """How many it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def connect(self, timeout: float = 60) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self.key}"} if self.key else {}
        )

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and header fields of the answer."""
        connection = self.connect()
        try:
            connection.request(method, path, body, self.headers() if headers is None else headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
        finally:
            connection.close()

    def ask(self, path: str, body: Json | bytes | None = None) -> Json:
        """A JSON answer; GET without a body."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        status, answer, headers = self.request("GET" if body is None else "POST", path, data)
        if status != 200:
            raise Refused(status, json.loads(answer), headers)
        found: Json = json.loads(answer)
        return found

    def complete(self, prompt: object = "", **parameters: object) -> Json:
        return self.ask("/v1/completions", {"model": self.name, "prompt": prompt, **parameters})

    def stream(self, path: str, body: Json) -> Iterator[Json]:
        """The events of an answer; the last must say so."""
        connection = self.connect()
        try:
            connection.request("POST", path, json.dumps({**body, "stream": True}), self.headers())
            answer = connection.getresponse()
            if answer.status != 200:
                raise Refused(answer.status, json.loads(answer.read()), dict(answer.getheaders()))
            assert (answer.getheader("content-type") or "").startswith("text/event-stream")
            *events, end, rest = answer.read().decode().split("\n\n")
            assert (end, rest) == ("data: [DONE]", ""), (end, rest)
            for event in events:
                yield json.loads(event.removeprefix("data: "))
        finally:
            connection.close()

    def figures(self) -> dict[str, float]:
        """What /metrics says, by name and labels."""
        _, text, _ = self.request("GET", "/metrics")
        lines = [line.rsplit(" ", 1) for line in text.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in lines}


@contextmanager
def served(checkpoint: Path | str, program: Path, patience: float) -> Iterator[Server]:
    """A server that a program for users works with.

    - Raises: `Failure` if it does not start, with the exit code of the program.
    """
    server = Server(checkpoint, program=program, patience=patience)
    try:
        server.__enter__()
    except OSError as error:
        raise Failure(
            ExitCode.INPUT_MISSING,
            f"{program} cannot be started ({error.strerror})",
            "Build it with swift build -c release, or name another program with --program.",
        ) from error
    except RuntimeError as error:
        code = server.process.poll() or 0
        raise Failure(
            code if code > 0 else ExitCode.OUR_FAULT,
            str(error).strip().rstrip("."),
            "Mend that, and run the same command.",
        ) from error
    try:
        yield server
    finally:
        server.__exit__(None, None, None)
