"""What is said while the work goes on, on standard error."""

import sys
from typing import TextIO


def megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


class Progress:
    """Lines about the parts of the work, with their number. A terminal also sees what goes on now."""

    def __init__(self, parts: int, stream: TextIO | None = None) -> None:
        self._parts = parts
        self._stream = stream or sys.stderr
        self._number = 0
        self._name = ""

    def begin(self, title: str) -> None:
        """The next part, with a line."""
        self.enter("")
        self.note(title)

    def enter(self, name: str) -> None:
        """The next part. The lines about it begin with its name."""
        self._number += 1
        self._name = name and f"{name} "

    def note(self, text: str) -> None:
        """Writes a line that stays."""
        self._clear()
        self._stream.write(f"{self._prefix()}{text}\n")
        self._stream.flush()

    def activity(self, text: str) -> None:
        """Shows a line that the next one overwrites. Only a terminal gets it."""
        if self._stream.isatty():
            self._clear()
            self._stream.write(f"{self._prefix()}{text}"[:118])
            self._stream.flush()

    def _prefix(self) -> str:
        width = len(str(self._parts))
        return f"[{self._number:{width}}/{self._parts}] {self._name}"

    def _clear(self) -> None:
        if self._stream.isatty():
            self._stream.write("\r\x1b[K")
