"""Pieces that are too short to learn from alone are gathered into documents."""

from collections.abc import Iterable, Iterator

# Characters: about a page.
LEAST = 3000


def gather(pieces: Iterable[str], separator: str = "\n\n") -> Iterator[str]:
    """Joins neighbours until a document has about a page; the last one may have less."""
    page: list[str] = []
    length = 0
    for piece in pieces:
        page.append(piece)
        length += len(piece)
        if length >= LEAST:
            yield separator.join(page)
            page, length = [], 0
    if page:
        yield separator.join(page)
