"""The program that the pages are held to: the release build."""

import subprocess

from documentation.pages import REPOSITORY

PROGRAM = REPOSITORY / ".build/release/hat-mpirun"


def hat(*arguments: object) -> str:
    """What a command prints; it must succeed."""
    assert PROGRAM.exists(), f"{PROGRAM} is missing: swift build -c release"
    result = subprocess.run([PROGRAM, *map(str, arguments)], check=False, capture_output=True, text=True)
    assert result.returncode == 0, f"{arguments}: {result.stderr}"
    return result.stdout
