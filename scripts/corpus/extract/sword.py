"""Modules of the SWORD project: Bibles and commentaries, in OSIS markup verse by verse."""

import configparser
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from corpus.document import Document
from corpus.extract import files
from corpus.extract.plain import cut

# Elements whose words are about the text, not in it.
_NOT_TEXT = ("note", "figure", "header")
_PARAGRAPHS = ("title", "row", "item", "lg", "p", "table", "list", "chapter")
_SPACE_BEFORE_PUNCTUATION = re.compile(r"[ \t]+([,.;:!?’”)])")


@dataclass(frozen=True)
class SwordModule:
    """A document for each chapter, or for each part of one that `heading`, a pattern of lines, begins."""

    heading: str | None = None
    libraries: ClassVar[tuple[str, ...]] = ("pysword", "lxml")

    def documents(self, root: Path) -> Iterator[Document]:
        for settings in files(root, "usr/share/sword/mods.d/*.conf"):
            yield from self._module(root / "usr/share/sword", settings)

    def _module(self, sword: Path, settings: Path) -> Iterator[Document]:
        for place, verses in _chapters(_open(sword, settings)):
            # A comment on several verses is stored under each of them.
            entries = list(dict.fromkeys(verse for verse in verses if verse))
            if entries:
                yield from cut(place, osis_text(" ".join(entries)), self.heading, joins_lines=False)


def _open(sword: Path, settings: Path) -> Any:
    from pysword.bible import SwordBible

    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read_string(settings.read_text("utf-8", errors="replace"))
    module = parser[parser.sections()[0]]
    path = sword / module["DataPath"]
    block = module.get("BlockType", "CHAPTER").upper()
    return SwordBible(
        str(path), _record_type(path), module.get("Versification", "KJV").lower(), "utf-8", "OSIS", block
    )


def _record_type(path: Path) -> str:
    """Records have 10 or 12 bytes: the file tells, where the settings sometimes err."""
    index = next(iter(sorted(path.glob("*.?zv"))))
    return "ztext4" if index.stat().st_size % 12 == 0 else "ztext"


def _chapters(bible: Any) -> Iterator[tuple[str, list[str]]]:
    for books in bible.get_structure().get_books().values():
        for book in books:
            for chapter in range(1, book.num_chapters + 1):
                verses = bible.get_iter(books=[book.name], chapters=[chapter], clean=False)
                yield f"{book.name} {chapter}", list(verses)


def osis_text(markup: str) -> str:
    """Paragraphs and lines of verse as they were meant, without notes and references to other places."""
    from lxml import etree

    # Entries open elements in one verse and close them in another.
    root = etree.fromstring(f"<osis>{markup}</osis>", etree.XMLParser(recover=True, resolve_entities=False))
    if root is None:
        return ""
    text = "".join(_pieces(root))
    lines = (
        _SPACE_BEFORE_PUNCTUATION.sub(r"\1", re.sub(r"[ \t]+", " ", line)).strip()
        for line in text.split("\n")
    )
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _pieces(element: Any) -> Iterator[str]:
    if element.tag in _NOT_TEXT:
        yield " "
        return
    around = _break(element)
    yield around
    yield (element.text or "").replace("\n", " ")
    for child in element:
        if isinstance(child.tag, str):
            yield from _pieces(child)
        yield (child.tail or "").replace("\n", " ")
    yield around if around == "\n\n" else ""


def _break(element: Any) -> str:
    if element.tag == "l":
        return "\n" if element.get("sID") else ""
    if element.tag in _PARAGRAPHS or (element.tag == "div" and element.get("type") != "x-milestone"):
        return "\n\n"
    return "\n" if element.tag == "lb" else ""
