"""What is said while the work goes on: on standard error, a line per package."""

import sys
from typing import TextIO


def megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


class Progress:
    """A line per package; on a terminal, the package at work is shown with its count as well."""

    def __init__(self, packages: int, stream: TextIO | None = None) -> None:
        self._packages = packages
        self._stream = stream or sys.stderr
        self._number = 0
        self._name = ""

    def begin(self, name: str) -> None:
        self._number += 1
        self._name = name

    def activity(self, text: str) -> None:
        """Something that will be overwritten: only a terminal wants to see it."""
        if self._stream.isatty():
            self._stream.write(f"\r\x1b[K{self._prefix()} {text}")
            self._stream.flush()

    def note(self, text: str) -> None:
        """What the user should know about the package, and find again later."""
        self._line(f"{self._prefix()} {text}")

    def say(self, text: str) -> None:
        self._line(text)

    def _prefix(self) -> str:
        width = len(str(self._packages))
        return f"[{self._number:{width}}/{self._packages}] {self._name}"

    def _line(self, text: str) -> None:
        if self._stream.isatty():
            self._stream.write("\r\x1b[K")
        self._stream.write(text + "\n")
        self._stream.flush()
