"""Whether every link of a built site leads somewhere."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any


def faults(site: Path) -> list[str]:
    """Links and pictures of pages that are not in the site, each with its page. Other sites are not asked."""
    return [
        f"{page.relative_to(site)}: {target}"
        for page in sorted((site / "data").rglob("*.json"))
        for target in sorted(set(_targets(_read(page))))
        if not _exists(site, target)
    ]


@cache
def _read(page: Path) -> dict[str, Any]:
    return json.loads(page.read_text("utf-8"))


def _targets(page: dict[str, Any]) -> Iterator[str]:
    for reference in page.get("references", {}).values():
        if "url" in reference:
            yield reference["url"]
        yield from (variant["url"] for variant in reference.get("variants", []))


def _exists(site: Path, target: str) -> bool:
    if target.startswith(("https://", "http://", "mailto:")):
        return True
    path, _, anchor = target.partition("#")
    if not path.startswith("/"):
        return False
    if not path.startswith("/documentation"):
        return (site / path[1:]).is_file()
    page = site / "data" / f"{path[1:]}.json"
    return page.is_file() and (not anchor or anchor in _anchors(page))


@cache
def _anchors(page: Path) -> set[str]:
    found: set[str] = set()

    def look(value: Any) -> None:  # noqa: ANN401
        if isinstance(value, dict):
            if isinstance(anchor := value.get("anchor"), str):
                found.add(anchor)
            for part in value.values():
                look(part)
        elif isinstance(value, list):
            for part in value:
                look(part)

    look(_read(page))
    return found
