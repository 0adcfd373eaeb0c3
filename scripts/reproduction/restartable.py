"""What the command lines of restartable programs have in common."""

import argparse
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from corpus.errors import ExitCode, FetchError
from reproduction.commands import StageFailure


class Parser(argparse.ArgumentParser):
    """Ends with hat's exit code for wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ExitCode.WRONG_USAGE, f"error: {message}\n")


def run_restartable(work: Callable[[], int], folder: Path) -> int:
    """The process's exit code: that of `work`, or of the error it ended with.

    `folder` is named where an error of the file system names no file.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    # Under nohup it is ignored.
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _interrupt)
    try:
        return work()
    except (StageFailure, FetchError) as error:
        if error.code == ExitCode.STOPPED_EARLY:
            return _stopped()
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except OSError as error:
        print(f"error: {error.filename or folder}: {error.strerror or error}", file=sys.stderr)
        return ExitCode.CANNOT_WRITE
    except KeyboardInterrupt:
        return _stopped()


def _interrupt(number: int, _: object) -> NoReturn:
    """Batch systems stop a job with SIGTERM, a terminal that closes with SIGHUP: both are treated as Ctrl-C."""
    # A terminal may send it twice, and a second request would not wait for the checkpoint.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _stopped() -> int:
    print("Stopped. Run the same command to continue.", file=sys.stderr)
    return ExitCode.STOPPED_EARLY
