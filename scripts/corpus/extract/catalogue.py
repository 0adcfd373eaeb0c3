"""Message catalogues of gettext: the translations of a program's or a game's text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from corpus.document import Document
from corpus.extract import files
from corpus.extract.gather import gather

# Characters; below are labels of buttons and names of things, not sentences.
SHORTEST_MESSAGE = 60
_MARKUP = re.compile(r"</?[a-z_]+(=[^>]*)?>|\$\|?[a-z_.]+\|?|%[sd]")


@dataclass(frozen=True)
class MessageCatalogues:
    """The sentences of each catalogue that `pattern` matches, about a page of them in a document."""

    pattern: str
    libraries: ClassVar[tuple[str, ...]] = ("polib",)

    def documents(self, root: Path) -> Iterator[Document]:
        import polib

        for path in files(root, self.pattern):
            messages = (entry.msgstr for entry in polib.mofile(str(path)))
            for count, page in enumerate(gather(sentences(messages)), 1):
                yield Document(f"{path.stem}/{count}", page)


def sentences(messages: Iterator[str]) -> Iterator[str]:
    """Those long enough to be sentences and free of place holders, whose words are not there."""
    for message in messages:
        if len(message) >= SHORTEST_MESSAGE and not _MARKUP.search(message):
            yield message.strip()
