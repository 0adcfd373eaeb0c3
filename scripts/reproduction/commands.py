"""Runs programs: keeps their logs, explains their failures, and stops them when this process is stopped."""

import os
import shlex
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from corpus.errors import ExitCode, Failure
from corpus.progress import Progress

# Seconds between updates of the progress line, and seconds a stopped command has to write its checkpoint.
_INTERVAL = 0.5
_GRACE = 120


class CommandFailure(Failure):
    """A command that failed: which one, the end of its output, and where its log is."""

    def __init__(self, command: str, code: int, log: Path, last_words: str) -> None:
        # A signal is reported as a negative number, which is no exit code.
        super().__init__(
            code if code > 0 else ExitCode.OUR_FAULT,
            f"`{command}` ended with {f'exit code {code}' if code > 0 else f'signal {-code}'}"
            + (f": {last_words}" if last_words else ""),
            f"Its log is {log}. Finished stages are kept: fix it and run the same command to continue.",
        )
        self.reason = last_words


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


class Commands:
    """Runs one command at a time. Its standard error goes to a file in `logs`."""

    def __init__(self, logs: Path, progress: Progress) -> None:
        self._logs = logs
        self._progress = progress
        self._count = 0
        self._stage = "start"

    def begin(self, stage: str) -> None:
        """Logs are named after the stage and numbered within it."""
        self._stage, self._count = stage, 0

    def run(self, command: list[str], said_as: str, folder: Path | None = None) -> str:
        """Returns the command's standard output. `said_as` is the command as a reader would type it.

        - Raises: `CommandFailure`, or `Failure` if the command cannot be started.
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
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=written,
                    stderr=errors,
                    text=True,
                    cwd=folder,
                    # Ctrl-C reaches the terminal's group. A second request, from here, would end a training at once.
                    process_group=0,
                )
            except OSError as error:
                raise Failure(
                    ExitCode.INPUT_MISSING,
                    f"{command[0]} cannot be started ({error.strerror})",
                    "Build it with swift build -c release, or name another program with --program.",
                ) from error
            self._wait(process, log)
            written.seek(0)
            text = written.read()
        output.unlink()
        if process.returncode != 0:
            raise CommandFailure(said_as, process.returncode, log, _reason(log))
        return text

    def _wait(self, process: subprocess.Popen[str], log: Path) -> None:
        try:
            while True:
                try:
                    process.wait(_INTERVAL)
                    return
                except subprocess.TimeoutExpired:
                    self._progress.activity((_last_lines(log) or [""])[-1])
        except BaseException:
            # A training run writes a checkpoint before it ends. A script's group has what it runs; hat's has no ranks.
            _signal(process, signal.SIGTERM)
            try:
                process.wait(_GRACE)
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                _signal(process, signal.SIGKILL)
                process.wait()
            raise


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def shown(*arguments: str) -> str:
    """The command as a reader would type it."""
    return shlex.join(arguments)


def _reason(log: Path) -> str:
    """The last line that reports an error, or else the last line."""
    lines = _last_lines(log)
    errors = [line for line in lines if line.lower().startswith("error:")]
    return (errors or lines or [""])[-1].rstrip(".")


def _last_lines(log: Path) -> list[str]:
    """A terminal's progress line overwrites itself: each of its states counts as a line."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4000))
        text = file.read().decode("utf-8", errors="replace")
    lines = [line.strip().removeprefix("\x1b[K") for line in text.replace("\r", "\n").split("\n")]
    return [line for line in lines if line and not line.startswith("$ ")]
