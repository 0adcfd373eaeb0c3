"""What the repository's files refer to, and whether it is there."""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

_FOLDERS = ("Benchmarks", "Sources", "Tests", "configs", "docs", "hostfiles", "packaging", "scripts")
_SUFFIXES = {"", ".c", ".cpp", ".def", ".h", ".md", ".modulemap", ".py", ".sbatch", ".swift", ".toml", ".yaml"}

# Files that programs or users write: mentioned, but not in the repository.
_ELSEWHERE = {
    "in/README.md",
    "results.md",
    "report.md",
    "hostfiles/mine",
    "Benchmarks/.work",
    "scripts/huggingface/.venv",
    "scripts/lm_evaluation/.venv",
    "scripts/reproduction/.venv",
    "scripts/serving/.venv",
}

_PAGE = re.compile(r"(?<![\w/.-])((?:[\w.-]+/)*[\w-]+\.md)\b")
_SECTION = re.compile(r"(?<![\w/.-])((?:[\w.-]+/)*[\w-]+\.md) §(\d+)(?:[–-](\d+))?")
_TITLE = re.compile(r"(?<![\w/.-])((?:[\w.-]+/)*[\w-]+\.md), \"([^\"]+)\"")
_PATH = re.compile(r"(?<![\w/.$-])((?:" + "|".join(_FOLDERS) + r")/(?:[\w.+-]+/)*[\w.+-]*\w)(?![\w*{])")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_UNPUBLISHED = re.compile(r"\bdesign[/]|\(design[:]")


def files() -> list[Path]:
    """The pages, sources, scripts and settings of the repository; not templates, nor the licence."""
    found = [path for path in REPOSITORY.iterdir() if path.suffix in {".md", ".swift"}]
    for folder in _FOLDERS:
        for place, folders, names in os.walk(REPOSITORY / folder):
            folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
            found += [Path(place) / name for name in names if Path(name).suffix in _SUFFIXES]
    return sorted(path for path in found if _is_text(path))


def _is_text(path: Path) -> bool:
    try:
        path.read_text("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def faults(file: Path) -> Iterator[str]:
    """What a file refers to that is not there, each with its line."""
    for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
        for fault in _faults(line, file):
            yield f"{file.relative_to(REPOSITORY)}:{number}: {fault}"


def _faults(line: str, file: Path) -> Iterator[str]:
    if _UNPUBLISHED.search(line):
        yield "it refers to a design that is not in the repository"
    if file.suffix == ".md":
        for target in _LINK.findall(line):
            if fault := _link_fault(target, file):
                yield fault
        line = _LINK.sub("]", line)
    for page in _PAGE.findall(line):
        if page not in _ELSEWHERE and _found(page, file) is None:
            yield f"there is no page {page}"
    for page, first, last in _SECTION.findall(line):
        for section in range(int(first), int(last or first) + 1):
            if (path := _found(page, file)) and str(section) not in _numbers(path):
                yield f"{page} has no section {section}"
    for page, title in _TITLE.findall(line):
        if (path := _found(page, file)) and title not in _titles(path):
            yield f'{page} has no section "{title}"'
    for path in _PATH.findall(line):
        if path not in _ELSEWHERE and not (REPOSITORY / path).exists():
            yield f"there is no {path}"


def _found(page: str, file: Path) -> Path | None:
    """A page is named from the root of the repository; by another page, also from where that one is."""
    places = [REPOSITORY, file.parent] if file.suffix == ".md" else [REPOSITORY]
    return next((place / page for place in places if (place / page).is_file()), None)


def _link_fault(target: str, file: Path) -> str | None:
    if re.match(r"\w+:", target):
        return None
    name, _, anchor = target.partition("#")
    page = file.parent / name if name else file
    if not page.exists():
        return f"there is no {target}"
    if anchor and anchor not in _anchors(page):
        return f"{target}: the page has no such heading"
    return None


@cache
def headings(page: Path) -> list[str]:
    """Without the marks of code, emphasis and links."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#{1,6} +(.+?) *$", text, flags=re.MULTILINE)
    return [re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading) for heading in headings]


def _numbers(page: Path) -> set[str]:
    """Of sections with a number: `3` of the heading `3. Words`."""
    return {number[1] for heading in headings(page) if (number := re.match(r"(\d+)\. ", heading))}


@cache
def _titles(page: Path) -> set[str]:
    """Headings, and what begins a paragraph in bold."""
    bold = re.findall(r"^(?:- )?\*\*(.+?)\.?\*\*", page.read_text("utf-8"), flags=re.MULTILINE)
    return {*headings(page), *bold}


@cache
def _anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    anchors: set[str] = set()
    for heading in headings(page):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        count = 0
        while (anchor := f"{name}-{count}" if count else name) in anchors:
            count += 1
        anchors.add(anchor)
    return anchors
