"""Text files: as they are, or cut into chapters and scenes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from corpus.document import Document, unwrap
from corpus.extract import files

# Characters; a heading followed by less than this is not a chapter but a part of the next one (a list of
# contents, a title page).
SHORTEST_CHAPTER = 400


@dataclass(frozen=True)
class PlainText:
    """A document for each file, or for each chapter where `heading` is a pattern of lines that begin one."""

    pattern: str
    heading: str | None = None
    joins_lines: bool = False
    libraries: ClassVar[tuple[str, ...]] = ()

    def documents(self, root: Path) -> Iterator[Document]:
        for path in files(root, self.pattern):
            yield from cut(path.stem, decode(path.read_bytes()), self.heading, self.joins_lines)


def cut(item: str, text: str, heading: str | None, joins_lines: bool) -> Iterator[Document]:
    parts = chapters(text, heading) if heading else [text]
    for number, part in enumerate(parts, 1):
        name = item if len(parts) == 1 else f"{item}/{number}"
        yield Document(name, unwrap(part) if joins_lines else part)


def chapters(text: str, heading: str) -> list[str]:
    """Cuts before each line that matches `heading`, unless that left a piece too short to stand alone."""
    starts = [match.start() for match in re.finditer(heading, text, re.MULTILINE)]
    pieces = [text[start:end] for start, end in zip([0, *starts], [*starts, len(text)], strict=True)]
    whole: list[str] = []
    for piece in pieces:
        if whole and len(whole[-1].strip()) < SHORTEST_CHAPTER:
            whole[-1] += piece
        else:
            whole.append(piece)
    if len(whole) > 1 and len(whole[-1].strip()) < SHORTEST_CHAPTER:
        whole[-2:] = ["".join(whole[-2:])]
    return whole


def decode(content: bytes) -> str:
    """Packages from before UTF-8 are in Latin-1, where every byte is a character."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")
