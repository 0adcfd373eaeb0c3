"""The ways to run the peer."""

from __future__ import annotations

from dataclasses import dataclass, replace

PROCESSES = 2
"""Ranks of hat, and cores for the peer however it uses them."""


@dataclass(frozen=True)
class Mode:
    products: str
    distinct_words: bool
    description: str
    precision: str = "float32"

    @property
    def options(self) -> list[str]:
        """Of the model: what changes what is computed by rounding alone is not among them."""
        return ["--products", self.products] + (["--distinct-words"] if self.distinct_words else [])

    @property
    def is_rounded(self) -> bool:
        return self.precision == "bf16"

    @property
    def autocast(self) -> Mode:
        return replace(self, description=f"{self.description}; autocast to bfloat16", precision="bf16")


@dataclass(frozen=True)
class Layout:
    processes: int
    threads: int
    description: str


PRECISIONS = {"float32": "hat's default", "bf16": "factors of products rounded to bfloat16"}
"""Of hat: the values of `training.precision`."""
FLOAT32_MODES = {
    "plain": Mode("mkl", False, "the plain algorithm, PyTorch's own products"),
    "distinct": Mode("mkl", True, "each distinct word encoded once"),
    "onednn": Mode("onednn", False, "products by oneDNN"),
    "tuned": Mode("onednn", True, "distinct words and oneDNN"),
}
MODES = FLOAT32_MODES | {f"{name}-bf16": mode.autocast for name, mode in FLOAT32_MODES.items()}
LAYOUTS = {
    "ddp": Layout(PROCESSES, 1, "DDP over gloo, a process a core"),
    "threads": Layout(1, PROCESSES, "one process, a thread a core"),
}
