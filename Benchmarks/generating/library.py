"""The same by `generate` of transformers, as most would write with the exported models."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    StoppingCriteria,
    StoppingCriteriaList,
)

from .hierarchical import DOCUMENT
from .writable import Writable


class Library:
    """`generate` reads the prompt itself: `read` lets it write one symbol, and `write` begins again."""

    def __init__(self, model: PreTrainedModel, tokenizer: Any, writable: Writable):
        self.model, self.tokenizer, self.writable = model, tokenizer, writable

    def forget(self) -> None:
        """It keeps nothing from one text to another."""

    def symbols(self, prompt: bytes) -> list[int]:
        return self.tokenizer(prompt.decode())["input_ids"]

    def read(self, texts: list[list[int]]) -> None:
        self.inputs = self.tokenizer.pad({"input_ids": texts}, padding_side="left", return_tensors="pt")
        self.model.generate(**self.inputs, do_sample=False, max_new_tokens=1)

    def write(self, _: None, bytes_each: int) -> list[list[int]]:
        start = self.inputs["input_ids"].shape[1]
        if self.model.config.model_type == "hat":
            options = {"max_new_bytes": bytes_each, "suppress_tokens": [DOCUMENT]}
        else:
            enough = Enough(self.writable, start, bytes_each)
            options = {
                "max_new_tokens": bytes_each, "stopping_criteria": StoppingCriteriaList([enough]),
                "logits_processor": LogitsProcessorList([Fitting(self.writable, enough)])}
        padding = self.tokenizer.pad_token_id
        output = self.model.generate(**self.inputs, do_sample=False, **options)[:, start:].tolist()
        return [[symbol for symbol in symbols if symbol != padding] for symbols in output]


class Enough(StoppingCriteria):
    def __init__(self, writable: Writable, start: int, bytes_each: int):
        self.writable, self.start, self.bytes_each = writable, start, bytes_each

    def left(self, input_ids: Tensor) -> Tensor:
        return self.bytes_each - self.writable.lengths[input_ids[:, self.start :]].sum(1)

    def __call__(self, input_ids: Tensor, scores: Tensor, **_: object) -> Tensor:
        return self.left(input_ids) <= 0


class Fitting(LogitsProcessor):
    """Only what keeps the text valid UTF-8, and within its bytes."""

    def __init__(self, writable: Writable, enough: Enough):
        self.writable, self.enough = writable, enough
        self.state: Tensor | None = None

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        last = input_ids[:, -1]
        self.state = torch.zeros_like(last) if self.state is None else self.writable.state[self.state, last]
        return scores.masked_fill(self.writable.needs[self.state] > self.enough.left(input_ids)[:, None], float("-inf"))
