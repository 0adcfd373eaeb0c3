"""Transformer blocks that keep keys and values, written to generate fast: no tensor is made anew that can be kept.

Legend: B documents, w of them that go on, R rows of a prompt, d width, H heads, s head size, C rows there is room for.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-5


class Layer:
    """The weights of a block, with q, k and v as one matrix, and gate and up."""

    def __init__(self, input_norm: nn.Module, attention: nn.Module, mlp_norm: nn.Module, mlp: nn.Module):
        projections = [attention.q_proj.weight, attention.k_proj.weight, attention.v_proj.weight]
        self.splits = [len(weight) for weight in projections]
        self.qkv, self.o = torch.cat(projections).detach(), attention.o_proj.weight.detach()
        self.gate_up = torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight]).detach()
        self.down = mlp.down_proj.weight.detach()
        self.norms = input_norm.weight.detach(), mlp_norm.weight.detach()
        # Of queries and keys; nn.Identity, or nothing at all, where a model has none.
        self.head_norms = [getattr(getattr(attention, name, None), "weight", None) for name in ("q_norm", "k_norm")]

    def queries_keys_values(self, x: Tensor, angles: tuple[Tensor, Tensor], head_size: int) -> tuple[Tensor, Tensor, Tensor]:
        """x [..., d]; each result [..., H, s]."""
        q, k, v = F.linear(norm(x, self.norms[0]), self.qkv).split(self.splits, -1)
        q, k, v = (t.unflatten(-1, (-1, head_size)) for t in (q, k, v))
        q, k = (t if gain is None else norm(t, gain) for t, gain in zip((q, k), self.head_norms, strict=True))
        return rotated(q, *angles), rotated(k, *angles), v

    def after_attention(self, x: Tensor, attended: Tensor) -> Tensor:
        x = x + F.linear(attended, self.o)
        gate, up = F.linear(norm(x, self.norms[1]), self.gate_up).chunk(2, -1)
        return x + F.linear(F.silu(gate) * up, self.down)


class Stack:
    def __init__(self, layers: list[Layer], head_size: int, rope_theta: float, documents: int, rows: int):
        self.layers, self.head_size, self.is_grouped = layers, head_size, layers[0].splits[0] != layers[0].splits[1]
        weight = layers[0].qkv
        frequencies = rope_theta ** -(torch.arange(0, head_size, 2, dtype=torch.float64) / head_size)
        angles = torch.arange(rows, dtype=torch.float64)[:, None] * frequencies
        self.cosines, self.sines = angles.cos().to(weight.dtype), angles.sin().to(weight.dtype)
        heads = layers[0].splits[1] // head_size
        self.keys, self.values = (
            [torch.zeros(documents, heads, rows, head_size, dtype=weight.dtype) for _ in layers] for _ in range(2))
        self.columns = torch.arange(rows)

    def read(self, x: Tensor, lengths: Tensor) -> Tensor:
        """x [B, R, d] from the first row on, of which `lengths` [B] count; the result [B, d] is of the last of these. What
        lies behind them is overwritten later. No block after the last reads its other rows, which are left out there."""
        count, rows, _ = x.shape
        angles = self.cosines[:rows, None], self.sines[:rows, None]
        for index, layer in enumerate(self.layers):
            q, k, v = (t.transpose(1, 2) for t in layer.queries_keys_values(x, angles, self.head_size))
            self.keys[index][:count, :, :rows], self.values[index][:count, :, :rows] = k, v
            if index < len(self.layers) - 1:
                attended = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.is_grouped)
                x = layer.after_attention(x, attended.transpose(1, 2).flatten(2))
                continue
            documents, last = torch.arange(count), lengths - 1
            mask = self.columns[:rows] < lengths[:, None]
            attended = F.scaled_dot_product_attention(
                q[documents, :, last][:, :, None], k, v, attn_mask=mask[:, None, None], enable_gqa=self.is_grouped)
            return layer.after_attention(x[documents, last], attended.flatten(1))

    def step(self, x: Tensor, documents: Tensor | None, place: Tensor, places: Tensor, rows: int | None) -> Tensor:
        """x [w, d], a further row of some `documents` [w], or of all, at `place` [w]; `places` [B] are where all documents are
        then, and `rows` are more than the largest of these. Keys and values are not gathered: attention runs for all documents."""
        angles = self.cosines[place][:, None], self.sines[place][:, None]
        mask = (self.columns[:rows] <= places[:, None])[:, None, None]
        owner = torch.arange(len(places)) if documents is None else documents
        for index, layer in enumerate(self.layers):
            q, k, v = layer.queries_keys_values(x, angles, self.head_size)
            keys, values = self.keys[index], self.values[index]
            keys[owner, :, place], values[owner, :, place] = k, v
            if documents is not None:
                q = q.new_zeros(len(places), *q.shape[1:]).index_copy(0, documents, q)
            attended = F.scaled_dot_product_attention(
                q[:, :, None], keys[: len(places), :, :rows], values[: len(places), :, :rows], attn_mask=mask,
                enable_gqa=self.is_grouped).flatten(1)
            x = layer.after_attention(x, attended if documents is None else attended[documents])
        return x

    def inside(self, x: Tensor, position: Tensor, mask: Tensor) -> Tensor:
        """Blocks of words packed beside each other: x [N, R, d], position [N, R], mask [N, 1, R, R]. Keeps nothing."""
        angles = self.cosines[position][:, :, None], self.sines[position][:, :, None]
        for layer in self.layers:
            q, k, v = (t.transpose(1, 2) for t in layer.queries_keys_values(x, angles, self.head_size))
            attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=self.is_grouped)
            x = layer.after_attention(x, attended.transpose(1, 2).flatten(2))
        return x


def norm(x: Tensor, gain: Tensor) -> Tensor:
    return F.rms_norm(x, gain.shape, gain, EPSILON)


def rotated(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """x [..., H, s]. Element j of a head pairs with j + s / 2."""
    first, second = x.chunk(2, -1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)


Compiler = Callable[[Callable], Callable]
