"""The ways in which PyTorch is let write: of those that work here, the fastest counts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer

from .hierarchical import BYTES, Hierarchical
from .library import Library
from .subword import Subword, token_texts
from .writable import Writable

DTYPES = {"float32": torch.float32, "bf16": torch.bfloat16, "float64": torch.float64}
# Nothing falls back to what is slower.
torch._dynamo.config.recompile_limit, torch._dynamo.config.fail_on_recompile_limit_hit = 32, True
MODES = {
    "transformers": "generate of transformers",
    "loop": "a loop that keeps keys, values and word embeddings",
    "compiled": "that loop's steps through torch.compile",
}


class Writer(Protocol):
    def forget(self) -> None: ...
    def symbols(self, prompt: bytes) -> list[int]: ...
    def read(self, texts: list[list[int]]) -> Tensor | None: ...
    def write(self, logits: Tensor | None, bytes_each: int) -> list[list[int]]: ...


@dataclass(frozen=True)
class Speed:
    """Bytes a second."""

    prompt: float
    writing: float


@dataclass(frozen=True)
class Way:
    mode: str
    threads: int

    def __str__(self) -> str:
        return f"`{self.mode}`, {self.threads} thread{'s' * (self.threads > 1)}"


class Exported:
    """A model as hat has exported it, in one precision."""

    def __init__(self, folder: Path, precision: str, context: int):
        """- context: tokens of a document of the subword model, at most."""
        self.model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True, dtype=DTYPES[precision])
        self.model.eval().requires_grad_(False)
        self.tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
        self.context = context

    @cached_property
    def texts(self) -> list[bytes | None]:
        """Of all symbols; None of those that are never written."""
        if self.model.config.model_type == "hat":
            return BYTES
        return token_texts(self.tokenizer, self.model.config.vocab_size)

    @cached_property
    def writable(self) -> Writable:
        return Writable.of(self.texts)

    def writer(self, way: Way, documents: int) -> Writer:
        torch.set_num_threads(way.threads)
        if way.mode == "transformers":
            return Library(self.model, self.tokenizer, self.writable)
        compiler = torch.compile if way.mode == "compiled" else lambda function, **_: function
        if self.model.config.model_type == "hat":
            return Hierarchical(self.model, self.tokenizer, self.writable, documents, compiler)
        return Subword(self.model, self.tokenizer, self.writable, documents, compiler, self.context)


def measure(
    writer: Writer, threads: int, prompts: list[bytes], batch: int, bytes_each: int
) -> tuple[Speed, list[list[int]]]:
    """How fast it reads and writes, so many documents at once, and the symbols it writes."""
    torch.set_num_threads(threads)
    writer.forget()
    written: list[list[int]] = []
    reading = writing = 0.0
    with torch.inference_mode():
        for start in range(0, len(prompts), batch):
            began = time.perf_counter()
            logits = writer.read([writer.symbols(prompt) for prompt in prompts[start : start + batch]])
            has_read = time.perf_counter()
            written += writer.write(logits, bytes_each)
            reading, writing = reading + has_read - began, writing + time.perf_counter() - has_read
    return Speed(sum(map(len, prompts)) / reading, len(prompts) * bytes_each / writing), written
