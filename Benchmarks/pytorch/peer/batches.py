"""Micro-batches as `hat-mpirun inspect batches` writes them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

DOCUMENT_MARK = b"\xfe"


@dataclass(frozen=True)
class Batch:
    """Pieces of documents: the first word of a piece is only read, its last only predicted."""

    pieces: list[list[bytes]]
    text_bytes: int
    words: int
    training_flops: float

    @property
    def target_positions(self) -> int:
        """Every byte and the word mark of each target word; a document mark alone."""
        return sum(
            1 if word == DOCUMENT_MARK else len(word) + 1 for piece in self.pieces for word in piece[1:])

    @staticmethod
    def document(words: list[bytes]) -> Batch:
        """A whole document as one piece."""
        pieces = [[DOCUMENT_MARK, *words, DOCUMENT_MARK]]
        return Batch(pieces, sum(map(len, words)), len(words), 0.0)

    @staticmethod
    def merged(batches: list[Batch]) -> Batch:
        return Batch(
            [piece for batch in batches for piece in batch.pieces],
            sum(batch.text_bytes for batch in batches),
            sum(batch.words for batch in batches),
            sum(batch.training_flops for batch in batches))


def read_steps(path: Path) -> list[list[Batch]]:
    """The micro-batches of each step."""
    steps: dict[int, list[Batch]] = {}
    with path.open() as lines:
        for line in lines:
            record = json.loads(line)
            steps.setdefault(record["step"], []).append(parse_batch(record))
    return [steps[step] for step in sorted(steps)]


def parse_batch(record: dict) -> Batch:
    text = base64.b64decode(record["bytes_b64"])
    offsets, pieces = record["word_offsets"], record["piece_offsets"]
    words = [text[start:end] for start, end in pairwise(offsets)]
    return Batch(
        [words[start:end] for start, end in pairwise(pieces)],
        record["text_bytes"], record["words"], record["training_flops"])
