"""manifest.json: what a corpus folder holds, and with that what need not be done again."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from corpus import VERSION
from corpus.errors import ExitCode, Failure

FORMAT = "hat-text-corpus"


@dataclass(frozen=True)
class Entry:
    """A finished package. `bytes` are bytes of text; `sha256` is that of the file."""

    key: str
    name: str
    registry: str
    version: str
    language: str
    license: str
    license_file: str
    recipe: str
    file: str
    file_bytes: int
    sha256: str
    documents: int
    bytes: int
    duplicates: int
    empty: int


class Manifest:
    """Rewritten whole after each package, so that a run killed at any moment loses one package at most."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "manifest.json"
        self.entries: dict[str, Entry] = self._read()

    def _read(self) -> dict[str, Entry]:
        try:
            content = json.loads(self.path.read_text("utf-8"))
            if content["format"] != FORMAT:
                raise KeyError("format")
            return {entry["key"]: Entry(**entry) for entry in content["packages"]}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError) as error:
            raise Failure(
                ExitCode.INVALID_DATA,
                f"{self.path}: not a manifest this program can read ({error})",
                "Remove the folder, or choose another --output.",
            ) from error

    def is_finished(self, key: str, version: str, recipe: str) -> bool:
        """Whether the package's file is there, whole, and would come out the same."""
        entry = self.entries.get(key)
        if entry is None or (entry.version, entry.recipe) != (version, recipe):
            return False
        path = self.path.parent / entry.file
        return path.is_file() and path.stat().st_size == entry.file_bytes and sha256(path) == entry.sha256

    def record(self, entry: Entry, order: list[str]) -> None:
        """Adds a finished package; `order` is that of the table, so that the manifest's bytes are too."""
        self.entries[entry.key] = entry
        listed = [self.entries[key] for key in order if key in self.entries]
        content = {
            "format": FORMAT,
            "script_version": VERSION,
            "packages": [asdict(entry) for entry in listed],
            "totals": {
                "packages": len(listed),
                "documents": sum(entry.documents for entry in listed),
                "bytes": sum(entry.bytes for entry in listed),
            },
        }
        write_durably(self.path, (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode("utf-8"))


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_durably(path: Path, content: bytes) -> None:
    with whole_or_absent(path) as file:
        file.write(content)


@contextmanager
def whole_or_absent(path: Path) -> Iterator[BinaryIO]:
    """The file is written to the end or as it was before, even after a power failure."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        # Half a file is of no use, and the disk may be full.
        partial.unlink(missing_ok=True)
        raise
    partial.replace(path)
