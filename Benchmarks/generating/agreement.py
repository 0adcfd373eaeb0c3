"""Both sides write the same text, or nothing is timed."""

from __future__ import annotations

from collections.abc import Callable

import torch
from comparison.failure import ModeFailure
from torch import Tensor

Logits = Callable[[list[list[int]]], Tensor]
"""Of the symbols behind texts, [B, V]."""


def check(
    beginnings: list[list[int]], ours: list[list[int]], theirs: list[bytes], texts: list[bytes | None], rounded: Logits,
    exact: Logits
) -> str:
    """Compares what PyTorch has written, `ours`, with what hat has, `theirs`, behind the same beginnings.

    Where they first differ, hat took another symbol for the likeliest. Both sides round: in exact arithmetic the logits of
    the two symbols may be apart by as much as rounding moves two logits. That is measured, over all documents: between
    `rounded`, in the precision that writes, and `exact`, the same in double precision. A mark has no bytes, so both a mark and
    the next byte may be what hat wrote at that place: either counts.

    - texts: of the symbols; None of those that are never written, and empty of a mark that is.
    - Raises: `ModeFailure` where they are further apart.
    """
    places = [difference(own, text, texts) for own, text in zip(ours, theirs, strict=True)]
    differing = [document for document, place in enumerate(places) if place is not None]
    if not differing:
        return f"all {len(ours)} texts are those of hat"
    with torch.inference_mode():
        # Documents that agree are cut before their last symbol: for them any place will do.
        cut = [begun + own[: len(own) - 1 if place is None else place] for begun, own, place in
               zip(beginnings, ours, places, strict=True)]
        found, reference = rounded(cut).double(), exact(cut)
    rounding = (found - reference).abs().max().item()
    for document in differing:
        place = places[document]
        own = ours[document][place]
        rest = theirs[document][sum(len(texts[symbol]) for symbol in ours[document][:place]) :]
        others = [symbol for symbol, text in enumerate(texts) if symbol != own and text is not None and rest.startswith(text)]
        gap = (reference[document, own] - reference[document, others]).min().item()
        if not abs(gap) <= 2 * rounding:
            raise ModeFailure(
                f"document {document + 1} is not hat's, so this is not timed: behind {place} symbols PyTorch writes "
                f"{texts[own]!r}, hat {rest[:8]!r}; the logits are apart by {gap:.1e}, and rounding moves one by "
                f"{rounding:.1e}")
    return (
        f"{len(ours) - len(differing)} of {len(ours)} texts are those of hat, the others up to two symbols that are "
        f"equally likely but for rounding (of {rounding:.1e})")


def difference(symbols: list[int], text: bytes, texts: list[bytes | None]) -> int | None:
    """The place of the first symbol whose bytes are not the text's; None where there is none."""
    start = 0
    for place, symbol in enumerate(symbols):
        if not text.startswith(texts[symbol], start):
            return place
        start += len(texts[symbol])
    return None if start == len(text) else len(symbols) - 1
