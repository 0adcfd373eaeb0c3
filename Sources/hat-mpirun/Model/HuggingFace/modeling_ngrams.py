"""Llama, or Qwen3, with tables of n-grams of tokens: the subword model that hat trains, where it has such tables.

The row of a token is its embedding, plus a row of a table for the bigram that ends with it, the trigram, and so on. Rows are
found by a hash of the tokens, from the last to the first.
"""

import torch.nn.functional as F
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

GAMMA = 0x9E3779B97F4A7C15 - (1 << 64)


class LlamaWithNgramsConfig(LlamaConfig):
    model_type = "llama_with_ngrams"
    token_ngrams: int = 2
    token_ngram_rows: int = 16384


class Qwen3WithNgramsConfig(Qwen3Config):
    model_type = "qwen3_with_ngrams"
    token_ngrams: int = 2
    token_ngram_rows: int = 16384


class Ngrams:
    """For a model of transformers: adds the tables' rows to what the model reads."""

    def __init__(self, config):
        super().__init__(config)
        self.token_ngrams = nn.ModuleDict({
            str(length): nn.Embedding(config.token_ngram_rows, config.hidden_size)
            for length in range(2, config.token_ngrams + 1)
        })
        self.post_init()

    def forward(
        self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None, previous_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None, **kwargs,
    ):
        """`previous_ids` [B, R] are the tokens before these, of which a cache has only keys and values; the longest n-gram
        needs one less than its own length. `generate` gives them."""
        if inputs_embeds is None:
            inputs_embeds = self.embedded(input_ids, previous_ids)
        return super().forward(attention_mask=attention_mask, inputs_embeds=inputs_embeds, **kwargs)

    def embedded(self, input_ids: Tensor, previous_ids: Tensor | None) -> Tensor:
        tokens = input_ids if previous_ids is None else F.pad(input_ids, (previous_ids.shape[1], 0))
        if previous_ids is not None:
            tokens[:, : previous_ids.shape[1]] = previous_ids
        x = self.model.embed_tokens(tokens)
        value = hash_step(tokens * 0, tokens)
        # Nothing goes across the mark that begins a document, nor over padding, which is the same.
        inside = tokens != self.config.bos_token_id
        whole = inside
        for name, table in self.token_ngrams.items():
            length = int(name)
            if length > tokens.shape[1]:
                break
            value = hash_step(value[:, 1:], tokens[:, : tokens.shape[1] - length + 1])
            rows = table(upper_half(value) * table.num_embeddings >> 32)
            x = x + F.pad(rows * whole[:, 1:, None], (0, 0, length - 1, 0))
            whole = whole[:, 1:] & inside[:, : tokens.shape[1] - length + 1]
        return x[:, tokens.shape[1] - input_ids.shape[1] :]

    def prepare_inputs_for_generation(self, input_ids: Tensor, *arguments, **kwargs) -> dict:
        inputs = super().prepare_inputs_for_generation(input_ids, *arguments, **kwargs)
        before = input_ids[:, : input_ids.shape[1] - inputs["input_ids"].shape[1]]
        inputs["previous_ids"] = before[:, max(0, before.shape[1] + 1 - self.config.token_ngrams) :]
        return inputs


class LlamaWithNgramsForCausalLM(Ngrams, LlamaForCausalLM):
    config_class = LlamaWithNgramsConfig


class Qwen3WithNgramsForCausalLM(Ngrams, Qwen3ForCausalLM):
    config_class = Qwen3WithNgramsConfig


def hash_step(value: Tensor, symbols: Tensor) -> Tensor:
    """Integers of 64 bits wrap around, which is meant here."""
    value = (value + symbols + 1) * GAMMA
    return value ^ upper_half(value)


def upper_half(value: Tensor) -> Tensor:
    return value >> 32 & 0xFFFFFFFF
