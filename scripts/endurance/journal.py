"""What has been done so far: a JSON object a line, so that a program killed at any moment can go on."""

import json
import os
from pathlib import Path
from typing import Any

from corpus.errors import ExitCode, Failure

Entry = dict[str, Any]


class Journal:
    """Its first line says what it is a journal of: with other settings it may not be continued.

    - Raises: `Failure`, if the file is of other settings.
    """

    def __init__(self, path: Path, settings: Entry) -> None:
        self._path = path
        self.entries: list[Entry] = []
        lines = self._whole_lines()
        if lines and lines[0] != settings:
            raise Failure(
                ExitCode.WRONG_USAGE,
                f"{path} was begun with {json.dumps(lines[0])}, not {json.dumps(settings)}",
                "Give the same options, or choose another --folder.",
            )
        self.entries = lines[1:]
        if not lines:
            self._append(settings)

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._append(entry)

    def _append(self, entry: Entry) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")

    def _whole_lines(self) -> list[Entry]:
        """A line that a kill cut short is removed: what it told of is done again."""
        if not self._path.exists():
            return []
        content = self._path.read_bytes()
        end = content.rfind(b"\n") + 1
        if end < len(content):
            os.truncate(self._path, end)
        return [json.loads(line) for line in content[:end].splitlines()]
