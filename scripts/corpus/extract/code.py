"""Source code: a document for each file, with the licence it states where it states one."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from corpus.document import Document
from corpus.extract import files

# Bytes: below is only a licence or a list of imports, above is data in a program's clothes.
SHORTEST, LONGEST = 300, 300_000
# Characters: lines are longer than this in what a program wrote.
LONGEST_LINE = 1000
_STATED_LICENSE = re.compile(r"SPDX-License-Identifier:[ \t]*([^\n*]+?)[ \t]*(?:\*/)?[ \t]*$", re.MULTILINE)
# Characters in which a licence is stated, if at all.
_HEAD = 3000


@dataclass(frozen=True)
class SourceCode:
    """The files that any of `patterns` matches, but for those whose path `leaves_out` matches."""

    patterns: tuple[str, ...]
    leaves_out: str = r"$^"
    libraries: ClassVar[tuple[str, ...]] = ()

    def documents(self, root: Path) -> Iterator[Document]:
        for path in files(root, *self.patterns):
            item = path.relative_to(root).as_posix()
            if re.search(self.leaves_out, item):
                continue
            text = source_text(
                gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            )
            if text is not None:
                yield Document(item, text, stated_license(text))


def source_text(content: bytes) -> str | None:
    """Nothing for what was not written by hand, and for other encodings than UTF-8."""
    if not SHORTEST <= len(content) <= LONGEST or b"\0" in content:
        return None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if max(map(len, text.splitlines())) <= LONGEST_LINE else None


def stated_license(text: str) -> str | None:
    found = _STATED_LICENSE.search(text[:_HEAD])
    return found[1] if found else None
