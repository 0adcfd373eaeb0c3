"""What the command lines of programs that are started again to go on have in common."""

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
    # Batch systems stop a job with SIGTERM: treat it as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
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


def _stopped() -> int:
    print("Stopped. Run the same command to continue.", file=sys.stderr)
    return ExitCode.STOPPED_EARLY
