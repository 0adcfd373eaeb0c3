"""The guides of the site: the repository's pages, as articles that DocC reads."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from documentation.pages import headings

ROOT = Path(__file__).resolve().parents[2]
_LANDING = ROOT / "scripts/website/landing.md"
# The name of its article.
_TOP = "guides"

# Pages outside docs/, or with a name that means nothing beside others, and the names of their articles.
_NAMES = {
    "Benchmarks/README.md": "benchmarks",
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
    "README.md": "readme",
    "docs/experiments/README.md": "experiments",
}

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^()\s]+)\)")
_IMAGE = re.compile(r"!\[[^\]]*\]\(([^()\s]+)\)")


def write_catalog(folder: Path) -> None:
    """A new folder of all articles and pictures. The landing page ends with those that it does not name."""
    folder.mkdir()
    pages = guides()
    landing = _LANDING.read_text("utf-8")
    others = (name for name in pages.values() if f"doc:{name}>" not in landing)
    (folder / f"{_TOP}.md").write_text(landing + "".join(f"- <doc:{name}>\n" for name in others), "utf-8")
    for page, name in pages.items():
        (folder / f"{name}.md").write_text(article(page, pages), "utf-8")
        for image in images(page):
            shutil.copy(image, folder)


def guides(root: Path = ROOT) -> dict[Path, str]:
    """Every page for readers, and the name of its article."""
    pages = [*(root / "docs").rglob("*.md"), *(root / name for name in _NAMES)]
    return {page: _name(page.relative_to(root)) for page in sorted(set(pages))}


def _name(page: Path) -> str:
    return _NAMES.get(page.as_posix()) or "-".join(page.with_suffix("").parts[1:])


def article(page: Path, names: dict[Path, str]) -> str:
    """The page with references that DocC resolves in place of links to other pages.

    A link to a file that is no page, such as a script, keeps its words alone.
    """

    def reference(link: re.Match[str]) -> str:
        words, target = link.groups()
        if re.match(r"\w+:", target):
            return link[0]
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        if other not in names:
            return words
        return f"[{words}](doc:{names[other]}{_fragment(other, anchor)})"

    return _outside_fences(page.read_text("utf-8"), lambda text: _LINK.sub(reference, text))


def images(page: Path) -> list[Path]:
    """The pictures that the page shows."""
    return [page.parent / name for name in _IMAGE.findall(page.read_text("utf-8"))]


def _fragment(page: Path, anchor: str) -> str:
    """What DocC calls a heading: GitHub's anchor with capital letters."""
    names = (re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings(page))
    return next((f"#{name}" for name in names if name.lower() == anchor), "")


def _outside_fences(text: str, change: Callable[[str], str]) -> str:
    pieces, end = [], 0
    for fence in _FENCE.finditer(text):
        pieces += [change(text[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*pieces, change(text[end:])])
