"""HTML pages: their paragraphs, without what surrounds them on the screen."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from corpus.document import Document
from corpus.extract import files

# Where documentation generators put the page's own text; the first that is there is taken.
_CONTENT = (
    "//main",
    "//*[@itemprop='articleBody']",
    "//*[@role='main']",
    "//*[@id='content']",
    "//*[@id='DisplayArea']",
    "//div[@class='body']",
    "//body",
)
# Elements, classes and ids of what is not text: navigation, tables of contents, marks beside headings.
_NOT_TEXT_TAGS = frozenset(
    "audio button footer form header iframe math nav noscript object script select style svg video".split()
)
_NOT_TEXT_NAMES = frozenset(
    "banner breadcrumbs contents docnav footer headerlink indexterm languages menu nav_table navfooter "
    "navheader nosearch relatedtopics reportbug sphinxsidebar toc tocframe toctree-wrapper".split()
)
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure "
    "h1 h2 h3 h4 h5 h6 hr li main ol p section summary table tbody tfoot thead ul".split()
)
_WHITE_SPACE = re.compile(r"[ \t\r\n\f]+")


@dataclass(frozen=True)
class HtmlPages:
    """A document for each page that is long enough to say something. `leaves_out` is a pattern of paths."""

    pattern: str
    leaves_out: str = r"$^"
    shortest: int = 200
    encoding: str = "utf-8"
    libraries: ClassVar[tuple[str, ...]] = ("lxml",)

    def documents(self, root: Path) -> Iterator[Document]:
        for path in files(root, self.pattern):
            item = path.relative_to(root).as_posix()
            if re.search(self.leaves_out, item):
                continue
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            text = page_text(content, self.encoding)
            if len(text) >= self.shortest:
                yield Document(item, text)


def page_text(content: bytes, encoding: str = "utf-8") -> str:
    """The page's own text: blocks as paragraphs, preformatted text with its lines, a table row in a line.

    Empty for a page without text: nothing, comments alone, or frames.
    """
    from lxml import etree, html

    try:
        root = html.document_fromstring(content, parser=html.HTMLParser(encoding=encoding))
    except etree.ParserError:
        return ""
    main = next((found[0] for path in _CONTENT if (found := root.xpath(path))), None)
    return "" if main is None else _tidy_blocks("".join(_pieces(main)))


def _pieces(element: Any) -> Iterator[str]:
    """Text with \\x02 where a paragraph ends, \\x03 for a line break that is meant, \\x04 between cells."""
    if _is_furniture(element):
        return
    around = "\x02" if element.tag in _BLOCKS or element.tag == "pre" else ""
    convert = _preformatted if element.tag == "pre" else _flowing
    yield around
    if element.tag == "pre":
        yield convert(element.text_content())
    else:
        yield convert(element.text or "")
        for child in _shown(element):
            if isinstance(child.tag, str):
                yield from _pieces(child)
            yield convert(child.tail or "")
    yield {"br": "\x03", "tr": "\x02", "td": "\x04", "th": "\x04"}.get(element.tag, around)


def _shown(element: Any) -> list[Any]:
    """All children, but of LibreOffice's variants for its programs only the first."""
    return list(element)[:1] if element.get("class") in ("switch", "switchinline") else list(element)


def _is_furniture(element: Any) -> bool:
    names = {*element.get("class", "").split(), element.get("id", "")}
    return element.tag in _NOT_TEXT_TAGS or not names.isdisjoint(_NOT_TEXT_NAMES)


def _flowing(text: str) -> str:
    return _WHITE_SPACE.sub(" ", text)


def _preformatted(text: str) -> str:
    return text.strip("\n").expandtabs().replace("\r", "").replace("\n", "\x03").replace(" ", "\x05")


def _tidy_blocks(marked: str) -> str:
    paragraphs = (
        "\n".join(_tidy_line(line) for line in block.split("\x03")) for block in marked.split("\x02")
    )
    texts = [text for paragraph in paragraphs if (text := paragraph.strip("\n"))]
    # Generators repeat a heading as the name of the place that links lead to.
    return "\n\n".join(text for text, before in zip(texts, [None, *texts], strict=False) if text != before)


def _tidy_line(line: str) -> str:
    cells = (re.sub(r" +", " ", cell).strip(" ") for cell in line.split("\x04"))
    return "  ".join(cell for cell in cells if cell).replace("\x05", " ").rstrip()
