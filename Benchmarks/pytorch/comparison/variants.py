"""The ways to run the peer."""

from __future__ import annotations

from dataclasses import dataclass

PROCESSES = 2
"""Ranks of hat, and cores for the peer however it uses them."""


@dataclass(frozen=True)
class Mode:
    products: str
    distinct_words: bool
    description: str

    @property
    def options(self) -> list[str]:
        return ["--products", self.products] + (["--distinct-words"] if self.distinct_words else [])


@dataclass(frozen=True)
class Layout:
    processes: int
    threads: int
    description: str


MODES = {
    "plain": Mode("mkl", False, "the plain algorithm, PyTorch's own products"),
    "distinct": Mode("mkl", True, "each distinct word encoded once"),
    "onednn": Mode("onednn", False, "products by oneDNN"),
    "tuned": Mode("onednn", True, "distinct words and oneDNN"),
}
LAYOUTS = {
    "ddp": Layout(PROCESSES, 1, "DDP over gloo, a process a core"),
    "threads": Layout(1, PROCESSES, "one process, a thread a core"),
}
