"""The subword model, writing by PyTorch: weights of the exported Llama or Qwen3, and a loop that keeps all it can.

Legend: B documents, D width, V vocabulary, O longest n-gram of tokens.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel

from .stack import Compiler, Layer, Stack, norm
from .writable import Writable


class Subword:
    def __init__(
        self, model: PreTrainedModel, tokenizer: Any, writable: Writable, documents: int, compiler: Compiler, context: int
    ):
        """- context: tokens of a document, at most."""
        config = model.config
        self.model, self.tokenizer, self.writable = model, tokenizer, writable
        layers = [
            Layer(layer.input_layernorm, layer.self_attn, layer.post_attention_layernorm, layer.mlp)
            for layer in model.model.layers]
        theta = config.rope_parameters["rope_theta"]
        self.stack = Stack(layers, config.head_dim, theta, documents, context)
        self.read_tokens, self.continued = (
            compiler(function, dynamic=True) for function in (self.stack.read, self.next))
        # Of the bigrams and so on, which no model of transformers has.
        self.tables = getattr(model, "token_ngrams", {})
        self.ngrams = sys.modules[type(model).__module__]

    def forget(self) -> None:
        """It keeps nothing from one text to another."""

    def symbols(self, prompt: bytes) -> list[int]:
        return self.tokenizer(prompt.decode())["input_ids"]

    def read(self, texts: list[list[int]]) -> Tensor:
        """Begins documents with tokens; the logits of the next ones, [B, V]."""
        rows = torch.nn.utils.rnn.pad_sequence([torch.tensor(text) for text in texts], batch_first=True)
        lengths = torch.tensor([len(text) for text in texts])
        x = self.model.embedded(rows, None) if self.tables else self.model.model.embed_tokens(rows)
        longest = max(map(int, self.tables), default=1)
        # The last tokens, the last first, and the mark before the first: no n-gram goes across it.
        padded = F.pad(rows, (longest, 0), value=texts[0][0])
        self.recent = padded.gather(1, (lengths + longest - 1)[:, None] - torch.arange(longest))
        self.place = lengths
        return self.head(self.read_tokens(x, lengths))

    def head(self, x: Tensor) -> Tensor:
        return F.linear(norm(x, self.model.model.norm.weight), self.model.lm_head.weight)

    def write(self, logits: Tensor, bytes_each: int) -> list[list[int]]:
        """Continues what `read` has begun, by so many bytes each; the tokens."""
        count = len(logits)
        written: list[list[int]] = [[] for _ in range(count)]
        state, room = torch.zeros(count, dtype=torch.long), torch.full((count,), bytes_each)
        tokens, state, room = self.chosen(logits, state, room)
        # A document that is complete writes on beside the others, which costs less than leaving it out, and is cut off.
        left = [bytes_each] * count
        lengths = self.writable.lengths
        while True:
            for document, (token, length) in enumerate(zip(tokens.tolist(), lengths[tokens].tolist(), strict=True)):
                if left[document] > 0:
                    written[document].append(token)
                    left[document] -= length
            if max(left) <= 0:
                return written
            rows = int(self.place.max()) + 1
            tokens, state, room, self.recent = self.continued(tokens, state, room, self.recent, self.place, rows)
            self.place = self.place + 1

    def next(
        self, tokens: Tensor, state: Tensor, room: Tensor, recent: Tensor, place: Tensor, rows: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        recent = torch.cat([tokens[:, None], recent[:, :-1]], 1)
        x = self.model.model.embed_tokens(tokens)
        if self.tables:
            x = self.model.embedded(tokens[:, None], recent[:, 1:].flip(1))[:, 0]
        logits = self.head(self.stack.step(x, None, place, place, rows))
        return *self.chosen(logits, state, room), recent

    def chosen(self, logits: Tensor, state: Tensor, room: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        tokens = self.writable.likeliest(logits, state, room)
        return tokens, self.writable.state[state, tokens], room - self.writable.lengths[tokens]


def token_texts(tokenizer: Any, count: int) -> list[bytes | None]:
    """The bytes of each token; None of a mark."""
    # The byte-level alphabet: printable characters stand for themselves, the other bytes for characters from 256 on.
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    alphabet = {chr(byte): byte for byte in printable} | {chr(256 + index): byte for index, byte in enumerate(others)}
    special = set(tokenizer.all_special_ids)
    tokens = tokenizer.convert_ids_to_tokens(range(count))
    return [None if index in special else bytes(alphabet[letter] for letter in token) for index, token in enumerate(tokens)]
