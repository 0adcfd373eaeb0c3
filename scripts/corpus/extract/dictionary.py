"""Dictionaries: articles of a dictd database and of the Jargon File, glosses of WordNet, and fortunes."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from corpus.document import Document, unwrap
from corpus.extract import files
from corpus.extract.gather import gather
from corpus.extract.plain import decode

# Characters; below is only the name of another article.
SHORTEST_ARTICLE = 60

_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@dataclass(frozen=True)
class DictdDatabase:
    """A document for each article, its head word on the first line."""

    libraries: ClassVar[tuple[str, ...]] = ()

    def documents(self, root: Path) -> Iterator[Document]:
        for index in files(root, "usr/share/dictd/*.index"):
            database = gzip.decompress(index.with_suffix(".dict.dz").read_bytes())
            for name, place in articles(index.read_text("utf-8")):
                text = article_text(database[place].decode("utf-8"))
                if len(text) >= SHORTEST_ARTICLE:
                    yield Document(name, text)


def articles(index: str) -> Iterator[tuple[str, slice]]:
    """Head words and places, in the order of the text; several words may name one article."""
    seen: set[int] = set()
    fields = (line.split("\t") for line in index.splitlines())
    for start, length, name in sorted((number(field[1]), number(field[2]), field[0]) for field in fields):
        if start not in seen and not name.startswith("00"):
            seen.add(start)
            yield name, slice(start, start + length)


def number(digits: str) -> int:
    """dictd writes numbers in base 64, most significant digit first."""
    value = 0
    for digit in digits:
        value = value * 64 + _DIGITS.index(digit)
    return value


def article_text(article: str) -> str:
    """Without the braces that link words to other articles, and the indentation of all but the head."""
    text = re.sub(r"\{([^{}]*)\}", r"\1", article)
    return unwrap(re.sub(r"^ {3}", "", text, flags=re.MULTILINE))


@dataclass(frozen=True)
class JargonFile:
    """A document for each article; its head word stands between colons."""

    libraries: ClassVar[tuple[str, ...]] = ()

    def documents(self, root: Path) -> Iterator[Document]:
        for path in files(root, "usr/share/doc/jargon-text/jargon.txt.gz"):
            for name, article in jargon_articles(gzip.decompress(path.read_bytes()).decode("utf-8")):
                yield Document(name, article)


def jargon_articles(text: str) -> Iterator[tuple[str, str]]:
    """The lexicon without the essays before it, whose tables are drawn with lines."""
    starts = list(re.finditer(r"^ {3}:([^:\n]+):.*$", text, re.MULTILINE))
    ends = [start.start() for start in starts[1:]] + [len(text)]
    for start, end in zip(starts, ends, strict=True):
        article = article_text(text[start.start() : end])
        if len(article) >= SHORTEST_ARTICLE:
            yield start[1], article


@dataclass(frozen=True)
class WordNet:
    """Words and their meanings, about a page of neighbours in a document."""

    libraries: ClassVar[tuple[str, ...]] = ()

    def documents(self, root: Path) -> Iterator[Document]:
        for path in files(root, "usr/share/wordnet/data.*"):
            glosses = (
                gloss(line) for line in path.read_text("utf-8").splitlines() if not line.startswith(" ")
            )
            for count, page in enumerate(gather(glosses, "\n"), 1):
                yield Document(f"{path.suffix[1:]}/{count}", page)


def gloss(line: str) -> str:
    """`parent: an organism from which younger ones are obtained`, of a line as wndb(5) describes it."""
    data, _, meaning = line.partition(" | ")
    fields = data.split(" ")
    words = fields[4 : 4 + 2 * int(fields[3], 16) : 2]
    # Adjectives carry a mark of where they stand: galore(ip).
    names = (re.sub(r"\(\w+\)$", "", word).replace("_", " ") for word in words)
    return f"{', '.join(names)}: {meaning.strip()}"


@dataclass(frozen=True)
class Fortunes:
    """Sayings and jokes, about a page of them in a document. `leaves_out` are names of files."""

    folder: str
    leaves_out: tuple[str, ...] = ()
    libraries: ClassVar[tuple[str, ...]] = ()

    def documents(self, root: Path) -> Iterator[Document]:
        for path in files(root / self.folder, "*"):
            if path.suffix in (".dat", ".u8") or path.name in self.leaves_out:
                continue
            sayings = (
                unwrap(saying.strip("\n"))
                for saying in re.split(r"^%\n?$", decode(path.read_bytes()), flags=re.M)
            )
            for count, page in enumerate(gather(sayings), 1):
                yield Document(f"{path.name}/{count}", page)
