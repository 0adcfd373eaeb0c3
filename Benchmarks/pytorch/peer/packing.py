"""Packing of words into blocks, so that attention inside words is a few large dense products."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Segments:
    """Where segments (words with their mark, or pieces of documents) lie in blocks of equal size.

    Legend: N blocks of R rows. A segment never straddles two blocks; the rows left over are padding.
    """

    starts: list[int]
    """The first row of each segment, in the order the segments were given."""
    position: Tensor
    """[N, R]: the row's place in its segment; 0 for padding."""
    mask: Tensor
    """[N, 1, R, R]: 0 where a row may look at another, -inf elsewhere."""

    @property
    def rows(self) -> int:
        return self.position.numel()


def pack(lengths: list[int], block_rows: int, is_causal: bool) -> Segments:
    """Puts every segment into a block, the longest that still fits first.

    Blocks have `block_rows` rows, or as many as the longest segment needs, to the next multiple of 8.
    """
    rows = max(block_rows, -(-max(lengths) // 8) * 8)
    starts, blocks = place(lengths, rows)
    owner = torch.full((blocks * rows,), -1)
    position = torch.zeros(blocks * rows, dtype=torch.long)
    for index, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        owner[start : start + length] = index
        position[start : start + length] = torch.arange(length)
    return Segments(starts, position.view(blocks, rows), mask_of(owner.view(blocks, rows), is_causal))


def place(lengths: list[int], rows: int) -> tuple[list[int], int]:
    """The first row of each segment, and the number of blocks."""
    waiting: dict[int, list[int]] = {}
    for index, length in enumerate(lengths):
        waiting.setdefault(length, []).append(index)
    starts = [0] * len(lengths)
    blocks = 0
    while waiting:
        free = rows
        while fitting := [length for length in waiting if length <= free]:
            length = max(fitting)
            starts[waiting[length].pop()] = blocks * rows + rows - free
            if not waiting[length]:
                del waiting[length]
            free -= length
        blocks += 1
    return starts, blocks


def mask_of(owner: Tensor, is_causal: bool) -> Tensor:
    """Padding sees only padding, so that no row of scores is empty."""
    allowed = owner[:, None, :, None] == owner[:, None, None, :]
    if is_causal:
        allowed = allowed.tril()
    return torch.zeros(allowed.shape).masked_fill_(~allowed, float("-inf"))
