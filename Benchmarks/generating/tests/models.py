"""Small models with random weights, as transformers loads them, and their tokenizers."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from transformers import LlamaConfig, PreTrainedModel

sys.path.append(str(Path(__file__).resolve().parents[3] / "Sources/hat-mpirun/Model/HuggingFace"))
import modeling_hat  # noqa: E402
import modeling_ngrams  # noqa: E402
import tokenization_hat  # noqa: E402

MARK, MERGED = 256, [b"th", b"he ", b"\xc3\xa9", b"\xe2\x82", b" a", b"\xacx"]


class Tokenizer:
    """Of the subword models: bytes, the document mark, and some tokens that no text is cut into."""

    pad_token_id, all_special_ids = MARK, [MARK]

    def __call__(self, text: str) -> dict:
        return {"input_ids": [MARK, *text.encode()]}

    def convert_ids_to_tokens(self, numbers: range) -> list[str]:
        printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
        others = (byte for byte in range(256) if byte not in printable)
        letters = {byte: chr(byte) for byte in printable} | {byte: chr(256 + n) for n, byte in enumerate(others)}
        texts = [*(bytes([byte]) for byte in range(256)), b"", *MERGED]
        return ["".join(letters[byte] for byte in texts[number]) for number in numbers]

    def pad(self, inputs: dict, **_: object) -> dict:
        rows = inputs["input_ids"]
        most = max(map(len, rows))
        return {
            "input_ids": torch.tensor([[MARK] * (most - len(row)) + row for row in rows]),
            "attention_mask": torch.tensor([[0] * (most - len(row)) + [1] * len(row) for row in rows])}


def hierarchical(**sizes: int) -> tuple[PreTrainedModel, tokenization_hat.HATTokenizer]:
    config = modeling_hat.HATConfig(
        byte_width=32, byte_head_size=16, byte_mlp_hidden=48, byte_ngram_rows=300, prefix_ngram_rows=500, width=48,
        head_size=12, layers=2, mlp_hidden=64, context_words=40, **sizes)
    tokenizer = tokenization_hat.HATTokenizer(max_word_bytes=config.max_word_bytes)
    return randomized(modeling_hat.HATForCausalLM(config)), tokenizer


def subword(has_ngrams: bool) -> tuple[PreTrainedModel, Tokenizer]:
    sizes = {
        "vocab_size": MARK + 1 + len(MERGED), "hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "bos_token_id": MARK,
        "eos_token_id": MARK, "pad_token_id": MARK, "tie_word_embeddings": False}
    if has_ngrams:
        config = modeling_ngrams.Qwen3WithNgramsConfig(**sizes, head_dim=12, token_ngrams=3, token_ngram_rows=500)
        return randomized(modeling_ngrams.Qwen3WithNgramsForCausalLM(config)), Tokenizer()
    return randomized(modeling_ngrams.LlamaForCausalLM(LlamaConfig(**sizes))), Tokenizer()


def randomized(model: PreTrainedModel) -> PreTrainedModel:
    """Large enough that the logits differ much."""
    torch.manual_seed(5)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 1.0, 0.2) if parameter.ndim == 1 else torch.nn.init.normal_(parameter, 0.0, 0.2)
    return model.eval().requires_grad_(False)
