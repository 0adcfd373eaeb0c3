"""What every extractor makes: documents, as `hat-mpirun preprocess` reads them."""

import json
import re
import unicodedata
from dataclasses import dataclass

# Characters: far less than shards take of a metadata value.
LONGEST_SOURCE = 1000

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
_TRAILING_SPACE = re.compile(r"[ \t\u00a0]+$", re.MULTILINE)
_BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class Document:
    """One text; `item` names it inside its package. `license` where it differs from the package's."""

    item: str
    text: str
    license: str | None = None


def tidy(text: str) -> str:
    """The same text in one form, whatever the package's habits: NFC, line feeds, no stray white space."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _TRAILING_SPACE.sub("", _CONTROL.sub("", text))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")


def unwrap(text: str) -> str:
    """Joins the lines of each paragraph: a line break inside a sentence says something about the page only.

    Indented lines (verse, letters, tables) keep their breaks.
    """
    return "\n\n".join(_unwrap_paragraph(paragraph) for paragraph in re.split(r"\n\s*\n", text))


def _unwrap_paragraph(paragraph: str) -> str:
    lines: list[str] = []
    for line in paragraph.split("\n"):
        if lines and not line[:1].isspace() and not lines[-1][:1].isspace():
            lines[-1] += " " + line.strip()
        else:
            lines.append(line.rstrip())
    return "\n".join(lines)


def json_line(text: str, source: str, license: str, language: str) -> bytes:
    """Fields in a fixed order, so that the same package gives the same bytes."""
    fields = {"text": text, "source": source, "license": license, "language": language}
    return (json.dumps(fields, ensure_ascii=False) + "\n").encode("utf-8")
