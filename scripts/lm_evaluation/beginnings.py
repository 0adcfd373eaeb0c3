"""The measure of the harness's task that writes: a copy of this file lies beside its YAML."""

from typing import Any


def begins(question: dict[str, Any], texts: list[str]) -> dict[str, float]:
    """Whether the text that was written begins with the word: then greedy decoding writes it."""
    return {"acc": float(texts[0].startswith(question["target"]))}
