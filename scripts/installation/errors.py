"""Errors that a person can mend, with the exit codes of the `hat-mpirun` commands."""

import subprocess
from collections.abc import Sequence
from pathlib import Path


class PackagingError(Exception):
    """What went wrong, and what to do about it."""

    def __init__(self, code: int, message: str, hint: str) -> None:
        super().__init__(f"{message}. {hint}")
        self.code = code


WRONG_USAGE = 64
INVALID_DATA = 65
INPUT_MISSING = 66
OUR_FAULT = 70


def run(command: Sequence[object], hint: str, **options: object) -> str:
    """What a command prints; if it fails, the last of what it said.

    - Throws: `PackagingError`.
    """
    words = [str(word) for word in command]
    try:
        result = subprocess.run(
            words, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options
        )
    except FileNotFoundError:
        raise PackagingError(INPUT_MISSING, f"{words[0]} is not installed", hint) from None
    if result.returncode != 0:
        said = "\n".join(result.stdout.splitlines()[-15:])
        shown = " ".join(words[:4])
        raise PackagingError(OUR_FAULT, f"`{shown} …` ended with exit code {result.returncode}:\n{said}\n", hint)
    return result.stdout


def needed(path: Path, hint: str) -> Path:
    """The path, which must exist.

    - Throws: `PackagingError`.
    """
    if not path.exists():
        raise PackagingError(INPUT_MISSING, f"{path} is missing", hint)
    return path
