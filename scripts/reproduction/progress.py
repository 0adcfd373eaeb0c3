"""What is said while the work goes on: on standard error, a line when a stage begins and one when it ends."""

import sys
from typing import TextIO


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


class Progress:
    def __init__(self, stages: int, stream: TextIO | None = None) -> None:
        self._stages = stages
        self._stream = stream or sys.stderr
        self._number = 0

    def begin(self, title: str) -> None:
        self._number += 1
        self.note(title)

    def note(self, text: str) -> None:
        """What is worth a line of its own."""
        self._clear()
        self._stream.write(f"{self._prefix()} {text}\n")
        self._stream.flush()

    def activity(self, text: str) -> None:
        """Something that will be overwritten: only a terminal wants to see it."""
        if self._stream.isatty():
            self._clear()
            self._stream.write(f"{self._prefix()} {text}"[:118])
            self._stream.flush()

    def _prefix(self) -> str:
        width = len(str(self._stages))
        return f"[{self._number:{width}}/{self._stages}]"

    def _clear(self) -> None:
        if self._stream.isatty():
            self._stream.write("\r\x1b[K")
