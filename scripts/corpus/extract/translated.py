"""Translations that are not complete: the paragraphs that were left in English are left out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus.document import Document
from corpus.extract import Extractor

# Words that English sentences can hardly do without, and that the languages of the table do not have.
_ENGLISH = frozenset(
    "and are be been by can for from have if is it its not of should that the there they this to use used "
    "when which with you your".split()
)
_WORD = re.compile(r"[^\W\d_]+")
# At least this share of an English paragraph's words is among them. Sentences in other languages about programs
# quote a few.
_SHARE = 0.2
# Words; shorter lines in Latin letters are names and keys, in any script.
_SHORTEST_SENTENCE = 3


@dataclass(frozen=True)
class Translated:
    """What `inner` finds, without its English paragraphs and the documents that are mostly English.

    Where the language's script is not Latin, a paragraph without a letter of it is not translated.
    """

    inner: Extractor
    latin: bool = True

    @property
    def libraries(self) -> tuple[str, ...]:
        return self.inner.libraries

    def documents(self, root: Path) -> Iterator[Document]:
        is_left = is_english if self.latin else is_latin
        for document in self.inner.documents(root):
            kept = "\n\n".join(part for part in document.text.split("\n\n") if not is_left(part))
            if 2 * len(kept) >= len(document.text):
                yield Document(document.item, kept, document.license)


def is_english(paragraph: str) -> bool:
    words = [word.lower() for word in _WORD.findall(paragraph)]
    found = [word for word in words if word in _ENGLISH]
    return len(set(found)) >= 2 and len(found) >= _SHARE * len(words)


def is_latin(paragraph: str) -> bool:
    words = _WORD.findall(paragraph)
    return len(words) >= _SHORTEST_SENTENCE and all(word.isascii() for word in words)
