"""Manual pages, set by groff on a line without end, so that paragraphs are not broken."""

import gzip
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from corpus.document import Document
from corpus.errors import ExitCode, Failure
from corpus.extract import files

_GROFF = (
    "groff -k -K utf8 -t -mandoc -Tutf8 -P-cbou -rLL=20000n -rLT=200n -rIN=0n -rSN=0n -rHY=0 -dAD=l".split()
)
_RUNS_OF_SPACES = re.compile(r"(?<=\S) {3,}")
_RULES_OF_TABLES = re.compile(
    r"^[ ─│┌┬┐├┼┤└┴┘═║╔╦╗╠╬╣╚╩╝-]*[─═][ ─│┌┬┐├┼┤└┴┘═║╔╦╗╠╬╣╚╩╝-]*$\n?", re.MULTILINE
)
_EDGES_OF_TABLES = re.compile(r" *[│║] *")
# Bytes of a page that only names another one.
_LONGEST_LINK = 200


@dataclass(frozen=True)
class ManualPages:
    """A document for each page. `folder` is that of the language: `usr/share/man` or `usr/share/man/de`."""

    folder: str
    libraries: ClassVar[tuple[str, ...]] = ()

    def documents(self, root: Path) -> Iterator[Document]:
        if shutil.which("groff") is None:
            raise Failure(
                ExitCode.INPUT_MISSING, "manual pages need groff", "Install it: apt-get install groff-base."
            )
        paths = files(root / self.folder, "man*/*")
        # groff works in its own process; two at a time keep the order.
        with ThreadPoolExecutor(2) as pool:
            for path, text in zip(paths, pool.map(page_text, map(read_page, paths)), strict=True):
                yield Document(f"{path.parent.name}/{path.name.removesuffix('.gz')}", text)


def read_page(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def page_text(source: bytes) -> str:
    """Without the line at the top and the one at the foot. Empty for a page that only names another one."""
    if len(source) < _LONGEST_LINK and b".so " in source:
        return ""
    outcome = subprocess.run(
        _GROFF, input=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    lines = outcome.stdout.decode("utf-8").strip("\n").split("\n")
    text = _RULES_OF_TABLES.sub("", "\n".join(lines[1:-1]))
    paragraphs = re.split(r"\n\s*\n", _EDGES_OF_TABLES.sub("   ", text))
    return "\n\n".join(_tidy(paragraph) for paragraph in paragraphs)


def _tidy(paragraph: str) -> str:
    """Less of the indentation that all lines share, and no columns: they say where the printer stood."""
    lines = paragraph.strip("\n").split("\n")
    shared = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    return "\n".join(_RUNS_OF_SPACES.sub("  ", line[shared:]) for line in lines)
