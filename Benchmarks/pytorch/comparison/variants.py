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
    rounding: str | None = None
    """How PyTorch is told to round factors to bfloat16: one of `ROUNDINGS`."""

    @property
    def options(self) -> list[str]:
        """Of the model: what changes what is computed by rounding alone is not among them."""
        return ["--products", self.products] + (["--distinct-words"] if self.distinct_words else [])

    @property
    def all_options(self) -> list[str]:
        return self.options + (["--rounding", self.rounding] if self.rounding else [])

    @property
    def precision(self) -> str:
        return "bf16" if self.rounding else "float32"

    def rounded(self, rounding: str) -> Mode:
        return replace(self, description=f"{self.description}; {ROUNDINGS[rounding]}", rounding=rounding)


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
ROUNDINGS = {"autocast": "autocast to bfloat16", "medium": "float32_matmul_precision medium"}
MODES = FLOAT32_MODES | {
    f"{name}-{suffix}": FLOAT32_MODES[name].rounded(rounding)
    for suffix, rounding, names in (("bf16", "autocast", FLOAT32_MODES), ("medium", "medium", ("plain", "distinct")))
    for name in names}
LAYOUTS = {
    "ddp": Layout(PROCESSES, 1, "DDP over gloo, a process a core"),
    "threads": Layout(1, PROCESSES, "one process, a thread a core"),
}
