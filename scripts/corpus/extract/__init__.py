"""Extractors: each turns an unpacked package into documents.

An extractor is a frozen dataclass, so that its `repr` names everything that decides its output: that is the
recipe by which the manifest knows what has to be done again.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from corpus.document import Document


class Extractor(Protocol):
    """`libraries` are those of `corpus.libraries` that `documents` imports."""

    @property
    def libraries(self) -> tuple[str, ...]: ...

    def documents(self, root: Path) -> Iterator[Document]:
        """The documents of the package that is unpacked in `root`, in an order that is always the same."""
        ...


def files(root: Path, *patterns: str) -> list[Path]:
    """The files that match any of the globs, each once, in the order of their names on every system."""
    found = {
        path
        for pattern in patterns
        for path in root.glob(pattern)
        if path.is_file() and not path.is_symlink()
    }
    return sorted(found, key=lambda path: path.relative_to(root).as_posix())
