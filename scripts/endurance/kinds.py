"""Failures by their kind: the same words about other numbers are the same failure."""

import re
from collections.abc import Iterable
from typing import Any


def kind(text: str) -> str:
    """The text with every number replaced, so that texts of one cause are equal; those in <> stay."""
    numbers = r"(?<![<\w])(?:0x)?[\da-fA-F]*\d[\da-fA-F.,_]*"
    return re.sub(numbers, "N", " ".join(text.split()))[:300]


def grouped(failures: Iterable[tuple[str, Any]]) -> list[dict[str, Any]]:
    """Each kind of failure with its count and its first example, the most frequent first."""
    found: dict[str, dict[str, Any]] = {}
    for text, example in failures:
        group = found.setdefault(
            kind(text), {"kind": kind(text), "count": 0, "first": text, "example": example}
        )
        group["count"] += 1
    return sorted(found.values(), key=lambda group: -group["count"])
