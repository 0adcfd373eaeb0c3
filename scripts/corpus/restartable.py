"""What the command lines of restartable programs have in common."""

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from corpus.errors import ExitCode, Failure
from corpus.manifest import write_durably


def keep_settings(path: Path, settings: dict[str, Any]) -> None:
    """Writes what a run is started with, or checks that it is the same as before. The keys are names of options.

    - Raises: `Failure` if they differ.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, (json.dumps(settings, indent=2) + "\n").encode("utf-8"))
        return
    before = json.loads(path.read_text("utf-8"))
    differing = sorted(name for name in settings if settings[name] != before.get(name))
    if differing:
        options = " and ".join(f"--{name}" for name in differing)
        raise Failure(
            ExitCode.WRONG_USAGE,
            f"{path.parent} was started with a different {options}",
            "Use the same options to continue, or choose another --output.",
        )


def run_restartable(work: Callable[[], int], folder: Path) -> int:
    """The process's exit code: that of `work`, or of the error it ended with.

    `folder` is named where an error of the file system names no file.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    for number in (signal.SIGHUP, signal.SIGQUIT):
        # As under nohup, or in the background of a script.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        return work()
    except Failure as error:
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
    """Batch systems send SIGTERM, a terminal that closes SIGHUP, Ctrl-\\ SIGQUIT: all are treated as Ctrl-C."""
    # A terminal may send it twice, and a second request would not wait for the checkpoint.
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _stopped() -> int:
    print("Stopped. Run the same command to continue.", file=sys.stderr)
    return ExitCode.STOPPED_EARLY
