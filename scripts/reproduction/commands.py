"""Starts programs: their logs are kept, their ends are explained, and they never outlive this one."""

import shlex
import subprocess
import sys
from pathlib import Path

from corpus.errors import ExitCode
from reproduction.errors import CommandFailure, StageFailure
from reproduction.progress import Progress

# Seconds between looks at a command that runs, and those it has to write its checkpoint after a stop.
_INTERVAL = 0.5
_GRACE = 120


class Commands:
    """Runs one command after the other. Standard error goes to a file of `logs`, standard output back."""

    def __init__(self, logs: Path, progress: Progress) -> None:
        self._logs = logs
        self._progress = progress
        self._count = 0
        self._stage = "start"

    def begin(self, stage: str) -> None:
        """Logs are named after the stage, and numbered in it."""
        self._stage, self._count = stage, 0

    def run(
        self, command: list[str], said_as: str, folder: Path | None = None, standard_input: str = ""
    ) -> str:
        """What the command writes to standard output; `said_as` is how a reader would type it.

        - Raises: `CommandFailure`, or `StageFailure` where it cannot be started.
        """
        self._count += 1
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{self._stage}-{self._count:02}.log"
        output = log.with_suffix(".out")
        with log.open("w") as errors, output.open("w+") as written:
            errors.write(f"$ {said_as}\n")
            errors.flush()
            try:
                process = subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=written, stderr=errors, text=True, cwd=folder
                )
            except OSError as error:
                raise StageFailure(
                    ExitCode.INPUT_MISSING,
                    f"{command[0]} cannot be started ({error.strerror})",
                    "Build it with swift build -c release, or name another one with --program.",
                ) from error
            self._wait(process, standard_input, log)
            written.seek(0)
            text = written.read()
        output.unlink()
        if process.returncode != 0:
            raise CommandFailure(said_as, process.returncode, log, reason(log))
        return text

    def _wait(self, process: subprocess.Popen[str], standard_input: str, log: Path) -> None:
        try:
            if process.stdin:
                process.stdin.write(standard_input)
                process.stdin.close()
            while True:
                try:
                    process.wait(_INTERVAL)
                    return
                except subprocess.TimeoutExpired:
                    if sys.stderr.isatty():
                        self._progress.activity(last_words(log))
        except KeyboardInterrupt:
            # A training run writes a checkpoint before it ends.
            process.terminate()
            try:
                process.wait(_GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            raise
        except BrokenPipeError:
            process.wait()


def shown(*arguments: str) -> str:
    """A command as a reader would type it."""
    return shlex.join(arguments)


def last_words(log: Path) -> str:
    """The last line that a program wrote."""
    return (_last_lines(log) or [""])[-1]


def reason(log: Path) -> str:
    """The last line that says that it is an error; where none does, the last one."""
    lines = _last_lines(log)
    errors = [line for line in lines if line.lower().startswith("error:")]
    return (errors or lines or [""])[-1].rstrip(".")


def _last_lines(log: Path) -> list[str]:
    """Of a terminal's progress line, which overwrites itself, every state is one."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4000))
        text = file.read().decode("utf-8", errors="replace")
    lines = [line.strip().removeprefix("\x1b[K") for line in text.replace("\r", "\n").split("\n")]
    return [line for line in lines if line and not line.startswith("$ ")]
