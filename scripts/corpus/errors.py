"""Errors that a person can mend, with the exit codes of the `hat-mpirun` commands."""

import errno
from enum import IntEnum


class ExitCode(IntEnum):
    """As in the README; scripts rely on them."""

    DONE = 0
    WRONG_USAGE = 64
    INVALID_DATA = 65
    INPUT_MISSING = 66
    OUR_FAULT = 70
    CANNOT_WRITE = 73
    STOPPED_EARLY = 75
    BAD_CONFIGURATION = 78


class Failure(Exception):
    """What went wrong, and what to do about it. `code` may be that of a program which was run."""

    def __init__(self, code: int, message: str, hint: str) -> None:
        super().__init__(f"{message}. {hint}")
        self.code = code


def describe_write_failure(error: OSError, place: object) -> Failure:
    """A full disk and a missing permission are the user's to mend, so they need words of their own."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Failure(
            ExitCode.CANNOT_WRITE,
            f"{place}: the disk is full",
            "Make room, or choose another --output or --cache, and run the same command again: "
            "finished packages are kept.",
        )
    return Failure(
        ExitCode.CANNOT_WRITE,
        f"{error.filename or place}: {error.strerror or error}",
        "Choose a folder you may write to with --output or --cache.",
    )
