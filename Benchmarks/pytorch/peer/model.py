"""The hierarchical transformer.

Legend: N blocks of R rows, d width of a stack, H heads, h head size, D backbone width, V = 256.
What lies between two attentions of the backbone, and the byte modules' blocks as a whole, are compiled.
Under autocast, products are in bfloat16; `float()` keeps the residual streams and the loss in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .configuration import Configuration, StackShape
from .plan import IGNORED, Plan
from .products import LINEAR, Linear

EPSILON = 1e-5
VOCABULARY = 256


def rms_norm(x: Tensor, gain: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPSILON) * gain


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """x [..., H, h]; cosine and sine [..., 1, h / 2]. Element j pairs with j + h / 2."""
    first, second = x.chunk(2, -1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)


def matrix(rows: int, columns: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(rows, columns))


def gain(width: int) -> nn.Parameter:
    return nn.Parameter(torch.empty(width))


class Block(nn.Module):
    """The parameters of a block, q/k/v and gate/up fused, and its arithmetic around attention."""

    def __init__(self, shape: StackShape, linear: Linear):
        super().__init__()
        self.shape, self.linear = shape, linear
        query, key = shape.heads * shape.head_size, shape.key_value_heads * shape.head_size
        self.splits = [query, key, key]
        self.input_norm = gain(shape.width)
        self.qkv = matrix(query + 2 * key, shape.width)
        self.o = matrix(shape.width, query)
        self.post_attention_norm = gain(shape.width)
        self.gate_up = matrix(2 * shape.hidden, shape.width)
        self.down = matrix(shape.width, shape.hidden)

    def queries_keys_values(self, x: Tensor, cosine: Tensor, sine: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x [rows, d]; each result [rows, H, h]."""
        q, k, v = self.linear(rms_norm(x, self.input_norm), self.qkv).split(self.splits, -1)
        q, k, v = (t.unflatten(-1, (-1, self.shape.head_size)) for t in (q, k, v))
        return rotate(q, cosine, sine), rotate(k, cosine, sine), v

    def after_attention(self, x: Tensor, attended: Tensor) -> Tensor:
        """x and attended [rows, d]."""
        x = x + self.linear(attended, self.o)
        gate, up = self.linear(rms_norm(x, self.post_attention_norm), self.gate_up).chunk(2, -1)
        return x + self.linear(F.silu(gate) * up, self.down)


class WordBlock(Block):
    """Attention inside words: masked products over packed blocks of rows."""

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor) -> Tensor:
        q, k, v = self.queries_keys_values(x, cosine, sine)
        count, _, rows, _ = mask.shape
        q, k, v = (t.unflatten(0, (count, rows)).transpose(1, 2) for t in (q, k, v))
        scores = q @ k.transpose(-1, -2) * self.shape.head_size**-0.5 + mask
        attended = scores.softmax(-1) @ v
        return self.after_attention(x, attended.transpose(1, 2).flatten(2).flatten(0, 1))


class PieceBlock(Block):
    """Causal attention inside pieces of documents, equal lengths as one dense batch."""

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, lengths: list[int]) -> Tensor:
        q, k, v = self.compiled_queries_keys_values(x, cosine, sine)
        attended, start = [], 0
        for length, group in groupby(lengths):
            count = len(list(group))
            rows = slice(start, start + count * length)
            start = rows.stop
            dense = (t[rows].unflatten(0, (count, length)).transpose(1, 2) for t in (q, k, v))
            output = F.scaled_dot_product_attention(
                *dense, is_causal=True, enable_gqa=self.shape.heads != self.shape.key_value_heads)
            attended.append(output.transpose(1, 2).flatten(2).flatten(0, 1))
        return self.compiled_after_attention(x, attended[0] if len(attended) == 1 else torch.cat(attended))

    def compile_parts(self, compiler: Callable) -> None:
        self.compiled_queries_keys_values = compiler(self.queries_keys_values)
        self.compiled_after_attention = compiler(self.after_attention)


class HierarchicalTransformer(nn.Module):
    def __init__(self, configuration: Configuration, products: str, is_compiled: bool = True):
        super().__init__()
        linear = LINEAR[products]
        byte_width, width = configuration.encoder.width, configuration.backbone.width
        self.configuration, self.linear = configuration, linear
        self.byte_embedding = matrix(VOCABULARY, byte_width)
        self.encoder = nn.ModuleList(
            WordBlock(configuration.encoder, linear) for _ in range(configuration.encoder.layers))
        self.encoder_norm = gain(byte_width)
        self.encoder_output = matrix(width, byte_width)
        self.backbone = nn.ModuleList(
            PieceBlock(configuration.backbone, linear) for _ in range(configuration.backbone.layers))
        self.backbone_norm = gain(width)
        self.decoder_input = matrix(byte_width, width)
        self.decoder = nn.ModuleList(
            WordBlock(configuration.decoder, linear) for _ in range(configuration.decoder.layers))
        self.decoder_norm = gain(byte_width)
        self.head = matrix(VOCABULARY, byte_width)

        compiler = torch.compile(dynamic=True) if is_compiled else lambda function: function
        for block in self.backbone:
            block.compile_parts(compiler)
        self.encode, self.decode = compiler(self.encode_words), compiler(self.spelling_loss)

    def forward(self, plan: Plan) -> Tensor:
        """The loss in nats, summed over the target positions of a batch."""
        x = self.encode(
            plan.encoder_bytes, *self.angles(plan.encoder.position, self.configuration.encoder),
            plan.encoder.mask, plan.mark_rows, plan.encoded_word)
        angles = self.angles(plan.word_position, self.configuration.backbone)
        for block in self.backbone:
            x = block(x, *angles, plan.piece_lengths)
        return self.decode(
            x, plan.decoder_inputs, *self.angles(plan.decoder.position, self.configuration.decoder),
            plan.decoder.mask, plan.targets)

    def encode_words(
        self, symbols: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor, mark_rows: Tensor, encoded_word: Tensor
    ) -> Tensor:
        """The embedding of each word the backbone reads, [backbone rows, D]."""
        x = F.embedding(symbols, self.byte_embedding)
        for block in self.encoder:
            x = block(x, cosine, sine, mask)
        marks = rms_norm(x[mark_rows], self.encoder_norm)
        return F.embedding(encoded_word, self.linear(marks, self.encoder_output).float())

    def spelling_loss(
        self, words: Tensor, inputs: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor, targets: Tensor
    ) -> Tensor:
        starts = self.linear(rms_norm(words, self.backbone_norm), self.decoder_input).float()
        x = F.embedding(inputs, torch.cat([self.byte_embedding, starts]))
        for block in self.decoder:
            x = block(x, cosine, sine, mask)
        logits = self.linear(rms_norm(x, self.decoder_norm), self.head)
        return F.cross_entropy(logits.float(), targets, ignore_index=IGNORED, reduction="sum")

    def angles(self, position: Tensor, shape: StackShape) -> tuple[Tensor, Tensor]:
        """Cosines and sines of the rotary embedding, each [rows, 1, h / 2]."""
        exponents = torch.arange(0, shape.head_size, 2, dtype=torch.float64) / shape.head_size
        frequencies = self.configuration.rope_theta**-exponents
        angles = position.reshape(-1, 1, 1).double() * frequencies
        return angles.cos().float(), angles.sin().float()
