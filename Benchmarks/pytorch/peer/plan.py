"""A batch as the index tensors that the model works with; made once, before its step is timed."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .batches import DOCUMENT_MARK, Batch
from .packing import Segments, pack

WORD_MARK = 0xFF
IGNORED = -100
WORD_BLOCK_ROWS = 32


@dataclass(frozen=True)
class Plan:
    """Legend: E words encoded, P pieces, T target words; row counts are those of the packed blocks."""

    encoder: Segments
    encoder_bytes: Tensor
    """[encoder rows]: the mark and the bytes of each word."""
    mark_rows: Tensor
    """[E]: the row of each word's mark."""
    encoded_word: Tensor
    """[backbone rows]: which encoded word a row of the backbone reads."""
    piece_lengths: list[int]
    """[P], in words; backbone rows are the pieces behind each other, equal lengths together."""
    word_position: Tensor
    """[backbone rows]: in the piece."""
    decoder: Segments
    decoder_inputs: Tensor
    """[decoder rows]: a byte, or 256 + the backbone row a word starts from."""
    targets: Tensor
    """[decoder rows]: the byte to predict, `IGNORED` at padding."""
    batch: Batch


def make_plan(batch: Batch, distinct_words: bool) -> Plan:
    """- distinct_words: encode equal words once (docs/model.md §9)."""
    pieces = sorted(batch.pieces, key=len, reverse=True)
    inputs = [word for piece in pieces for word in piece[:-1]]
    targets = [word for piece in pieces for word in piece[1:]]
    slots = {word: slot for slot, word in enumerate(dict.fromkeys(inputs))}
    encoded = list(slots) if distinct_words else inputs
    encoded_word = [slots[word] for word in inputs] if distinct_words else list(range(len(inputs)))

    encoder = pack([len(word) + 1 for word in encoded], WORD_BLOCK_ROWS, is_causal=False)
    encoder_bytes = torch.full((encoder.rows,), WORD_MARK)
    for start, word in zip(encoder.starts, encoded, strict=True):
        encoder_bytes[start + 1 : start + 1 + len(word)] = torch.tensor(list(word))

    decoder = pack([positions(word) for word in targets], WORD_BLOCK_ROWS, is_causal=True)
    decoder_inputs = torch.zeros(decoder.rows, dtype=torch.long)
    expected = torch.full((decoder.rows,), IGNORED)
    for row, (start, word) in enumerate(zip(decoder.starts, targets, strict=True)):
        end = start + positions(word)
        symbols = [*word, WORD_MARK]
        decoder_inputs[start] = 256 + row
        decoder_inputs[start + 1 : end] = torch.tensor(symbols[: end - start - 1], dtype=torch.long)
        expected[start:end] = torch.tensor(symbols[: end - start])

    lengths = [len(piece) - 1 for piece in pieces]
    return Plan(
        encoder=encoder, encoder_bytes=encoder_bytes, mark_rows=torch.tensor(encoder.starts),
        encoded_word=torch.tensor(encoded_word), piece_lengths=lengths,
        word_position=torch.cat([torch.arange(length) for length in lengths]),
        decoder=decoder, decoder_inputs=decoder_inputs, targets=expected, batch=batch)


def positions(word: bytes) -> int:
    """Target positions of a word: the document mark stands alone."""
    return 1 if word == DOCUMENT_MARK else len(word) + 1
