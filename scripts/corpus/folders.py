"""Folders that only one program at a time may change."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corpus.errors import ExitCode, Failure


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Waits until nobody else changes the folder: a cache of several corpora, or results of several searches."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def claimed(output: Path, program: str = "fetch-corpus") -> Iterator[None]:
    """Refuses a folder that another run is at work on: each would record half of what is there."""
    output.mkdir(parents=True, exist_ok=True)
    with (output / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Failure(
                ExitCode.CANNOT_WRITE,
                f"{output}: another {program} is at work here",
                "Wait for it, or choose another folder.",
            ) from error
        yield
