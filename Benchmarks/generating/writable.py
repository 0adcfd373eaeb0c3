"""What may come next in a text that stays valid UTF-8, as tables: a model looks up a row for each of its documents."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

START = 0
"""The state between characters. The others: what a character still needs, and where its next byte is restricted, between what."""
_NEEDS = [
    (0, 0x00, 0x00), (1, 0x80, 0xBF), (2, 0x80, 0xBF), (3, 0x80, 0xBF), (2, 0xA0, 0xBF), (2, 0x80, 0x9F), (3, 0x90, 0xBF),
    (3, 0x80, 0x8F)]
_RESTRICTED = {0xE0: 4, 0xED: 5, 0xF0: 6, 0xF4: 7}
NEVER = 1 << 14
"""Bytes needed by a symbol that may not come."""


def following(state: int, byte: int) -> int | None:
    """The state behind a byte; None where it may not come (Unicode, table 3-7)."""
    missing, first, last = _NEEDS[state]
    if missing:
        return missing - 1 if first <= byte <= last else None
    if byte < 0x80:
        return START
    if byte in _RESTRICTED:
        return _RESTRICTED[byte]
    return next((n for n, least, most in ((1, 0xC2, 0xDF), (2, 0xE1, 0xEF), (3, 0xF1, 0xF3)) if least <= byte <= most), None)


def behind(state: int, text: bytes | None) -> int | None:
    if text is None or (not text and state != START):
        return None
    for byte in text:
        state = following(state, byte)
        if state is None:
            return None
    return state


@dataclass(frozen=True)
class Writable:
    """Legend: Q states, V symbols."""

    needs: Tensor
    """[Q, V], int16: bytes of text that a symbol takes, with those that its last character then still needs; or `NEVER`."""
    state: Tensor
    """[Q, V]: behind a symbol."""
    lengths: Tensor
    """[V]: bytes of text."""

    @staticmethod
    def of(texts: list[bytes | None]) -> Writable:
        """Of symbols with these texts. None never comes; a mark, which has no bytes, may stand between characters."""
        needs = torch.full((len(_NEEDS), len(texts)), NEVER, dtype=torch.int16)
        states = torch.zeros(needs.shape, dtype=torch.long)
        for symbol, text in enumerate(texts):
            for first in range(len(_NEEDS)):
                last = behind(first, text)
                if last is not None:
                    needs[first, symbol], states[first, symbol] = len(text) + _NEEDS[last][0], last
        return Writable(needs, states, torch.tensor([len(text or b"") for text in texts]))

    def likeliest(self, logits: Tensor, state: Tensor, room: Tensor) -> Tensor:
        """[B], of logits [B, V]: the likeliest of the symbols that fit into `room` [B] bytes. Of equal ones the first, as hat
        takes it."""
        return logits.masked_fill(self.needs[state] > room[:, None], float("-inf")).argmax(1)
