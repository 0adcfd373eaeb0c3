"""The hierarchical model, writing by PyTorch: weights and tables of the exported model, and a loop that keeps all it can.

As in hat, words are encoded once, the decoder spells a byte of every document at a time, and complete words wait until as many
wait as are being spelled. Legend: B documents, d byte width, D backbone width, O longest n-gram.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from peer.packing import pack
from torch import Tensor, nn
from transformers import PreTrainedModel

from .stack import Compiler, Layer, Stack, norm
from .writable import START, Writable

DOCUMENT, WORD = 0xFE, 0xFF
BYTES = [None if symbol in (0xC0, 0xC1, *range(0xF5, 0xFF)) else bytes([symbol]) for symbol in range(0xFF)] + [b""]
"""The texts of its symbols; None of those that are never written, within a document: UTF-8 has no use for them."""
PACKED_ROWS = 32


class Spelling(NamedTuple):
    """How far each document's word has come, [B] each."""

    place: Tensor
    """Rows of the decoder before the next one."""
    recent: Tensor
    """[B, O]: the word's last bytes, the last first, with upper case as lower case."""
    alone: Tensor
    """The hash of the word so far."""
    behind: Tensor
    """The hash of the word before it and of the word so far."""
    state: Tensor
    """Of the UTF-8."""
    room: Tensor
    """Bytes that may still come."""


class Hierarchical:
    def __init__(
        self, model: PreTrainedModel, tokenizer: Any, writable: Writable, documents: int, compiler: Compiler
    ):
        config = model.config
        self.model, self.words_of, self.writable = model, tokenizer.words, writable
        self.hashing = sys.modules[type(model).__module__]
        byte_rows, context = config.max_word_bytes + 2, config.context_words
        self.encoder = stack_of(model.encoder.layers, config.byte_head_size, config.rope_theta, 1, byte_rows)
        self.backbone = stack_of(model.backbone.layers, config.head_size, config.rope_theta, documents, context)
        self.decoder = stack_of(model.decoder.layers, config.byte_head_size, config.rope_theta, documents, byte_rows)
        self.embed, self.read_words, self.read_bytes, self.go_on = (
            compiler(function, dynamic=True)
            for function in (self.encoded, self.backbone.read, self.decoder.read, self.answered))
        self.spell = compiler(self.spelled)
        self.forget()

    def forget(self) -> None:
        """The words it has encoded, as a new process has none."""
        self.known: dict[bytes, int] = {}
        self.vectors = torch.empty(0, self.model.config.width, dtype=self.model.dtype)

    def symbols(self, prompt: bytes) -> list[int]:
        words = self.words_of(prompt.decode())
        return [DOCUMENT, *(symbol for index, word in enumerate(words) for symbol in (*[WORD][: index > 0], *word))]

    # Reading

    def read(self, texts: list[list[int]]) -> Tensor:
        """Begins documents with symbols; the logits of the next ones, [B, 256]."""
        contexts, spelled = zip(*map(split, texts), strict=True)
        self.words = [bytearray(word) for word in spelled]
        self.context = [len(words) for words in contexts]
        self.check_room(max(self.context))
        self.learn(list(dict.fromkeys(word for words in contexts for word in words)))
        numbers = [torch.tensor([self.known[word] for word in words]) for words in contexts]
        x = F.embedding(torch.nn.utils.rnn.pad_sequence(numbers, batch_first=True), self.vectors)
        self.opening = self.opened(self.read_words(x, torch.tensor(self.context)))
        previous = [words[-1] for words in contexts]
        rows = self.model.decoder.inputs(self.opening, list(spelled), previous, self.model.byte_embedding)
        self.spelling = self.begun(list(spelled), previous)
        return self.head(self.read_bytes(rows, self.spelling.place + 1))

    def begun(self, words: list[bytes], previous: list[bytes]) -> Spelling:
        hashing, count = self.hashing, len(words)
        lengths = torch.tensor([len(word) for word in words])
        spelled = hashing.padded(words, torch.device("cpu"))
        rows = torch.arange(count)
        alone, behind = (
            hashing.prefix_hashes(value, spelled)[rows, lengths]
            for value in (torch.zeros(count, dtype=torch.long), hashing.hashes(previous, torch.device("cpu"))))
        longest = max(1, self.model.config.byte_ngrams)
        backward = [word[::-1].lower()[:longest].ljust(longest, b"\0") for word in words]
        return Spelling(
            lengths, hashing.padded(backward, torch.device("cpu")), alone, behind, torch.zeros_like(lengths),
            torch.zeros_like(lengths))

    def learn(self, words: list[bytes]) -> None:
        """Encodes words that are new."""
        new = [word for word in words if word not in self.known]
        if not new:
            return
        lengths = torch.tensor([len(word) for word in new])
        segments = pack([len(word) + 1 for word in new], PACKED_ROWS, is_causal=False)
        starts = torch.tensor(segments.starts)
        opening = self.model.byte_embedding.weight[WORD].expand(len(new), -1)
        rows = self.model.encoder.rows(opening, self.hashing.padded(new, torch.device("cpu")), self.model.byte_embedding)
        columns = torch.arange(rows.shape[1])
        is_row = columns <= lengths[:, None]
        packed = rows.new_zeros(segments.rows, rows.shape[2])
        packed[(starts[:, None] + columns)[is_row]] = rows[is_row]
        vectors = self.embed(
            packed.view(*segments.position.shape, -1), segments.position, segments.mask.to(rows.dtype), starts)
        self.known |= {word: index for index, word in enumerate(new, len(self.known))}
        self.vectors = torch.cat([self.vectors, vectors])

    def encoded(self, x: Tensor, position: Tensor, mask: Tensor, starts: Tensor) -> Tensor:
        encoder = self.model.encoder
        marks = self.encoder.inside(x, position, mask).flatten(0, 1)[starts]
        return F.linear(norm(marks, encoder.norm.weight), encoder.output_proj.weight)

    def opened(self, x: Tensor) -> Tensor:
        """x [w, D] behind the backbone; the result [w, d]."""
        return F.linear(norm(x, self.model.backbone.norm.weight), self.model.decoder.input_proj.weight)

    def head(self, x: Tensor) -> Tensor:
        return F.linear(norm(x, self.model.decoder.norm.weight), self.model.decoder.head.weight)

    # Writing

    def write(self, logits: Tensor, bytes_each: int) -> list[list[int]]:
        """Continues what `read` has begun, by so many bytes each; the symbols."""
        count = len(logits)
        written: list[list[int]] = [[] for _ in range(count)]
        spelling, waiting = set(range(count)), set()
        room = torch.full((count,), bytes_each)
        symbols, is_done, self.spelling = self.chosen(logits, self.spelling._replace(room=room))
        active = spelling
        while True:
            for document, symbol, is_whole in zip(range(count), symbols.tolist(), is_done.tolist(), strict=True):
                if document not in active:
                    continue
                written[document].append(symbol)
                if is_whole:
                    spelling.discard(document)
                elif symbol == WORD:
                    spelling.discard(document)
                    waiting.add(document)
                else:
                    self.words[document].append(symbol)
            if not spelling and not waiting:
                return written
            is_opened = torch.zeros(count, dtype=torch.bool)
            if len(waiting) >= len(spelling):
                opened = sorted(waiting)
                self.open(opened)
                is_opened[opened] = True
                spelling |= waiting
                waiting = set()
            active = frozenset(spelling)
            goes_on = torch.tensor([document in active for document in range(count)])
            symbols, is_done, self.spelling = self.spell(symbols, self.opening, is_opened, goes_on, self.spelling)

    def open(self, documents: list[int]) -> None:
        """Lets the backbone read the words that are complete."""
        complete = [bytes(self.words[document]) for document in documents]
        self.learn(list(dict.fromkeys(complete)))
        x = F.embedding(torch.tensor([self.known[word] for word in complete]), self.vectors)
        for document in documents:
            self.words[document].clear()
        place = torch.tensor([self.context[document] for document in documents])
        for document in documents:
            self.context[document] += 1
        self.check_room(max(self.context))
        if len(documents) == len(self.context):
            self.opening = self.go_on(x, None, place, place, max(self.context))
            return
        indices, places = torch.tensor(documents), torch.tensor(self.context) - 1
        self.opening = self.opening.index_copy(0, indices, self.go_on(x, indices, place, places, max(self.context)))

    def check_room(self, words: int) -> None:
        if words > self.model.config.context_words:
            raise ValueError(
                f"a text has more than the {self.model.config.context_words} words of the context: give fewer --bytes "
                "or --prompt-bytes")

    def answered(self, x: Tensor, documents: Tensor | None, place: Tensor, places: Tensor, rows: int) -> Tensor:
        return self.opened(self.backbone.step(x, documents, place, places, rows))

    def spelled(
        self, symbol: Tensor, opening: Tensor, is_opened: Tensor, goes_on: Tensor, before: Spelling
    ) -> tuple[Tensor, Tensor, Spelling]:
        """The next symbols [B] of documents that go on, behind their last ones, or at the beginning of an opened word."""
        hashing, decoder = self.hashing, self.model.decoder
        last = hashing.folded(symbol)
        now = before._replace(
            place=torch.where(is_opened, 0, before.place + 1),
            recent=torch.where(is_opened[:, None], 0, torch.cat([last[:, None], before.recent[:, :-1]], 1)),
            alone=torch.where(is_opened, 0, hashing.hash_step(before.alone, last)),
            behind=hashing.hash_step(torch.where(is_opened, before.alone, before.behind), last))
        x = torch.where(is_opened[:, None], opening, self.model.byte_embedding(symbol))
        value = hashing.hash_step(torch.zeros_like(symbol), now.recent[:, 0])
        for name, table in decoder.byte_ngrams.items():
            value = hashing.hash_step(value, now.recent[:, int(name) - 1])
            x = x + table(hashing.table_row(value, table)) * (now.place >= int(name))[:, None]
        for name, table in decoder.prefix_ngrams.items():
            if name == "1":
                x = x + table(hashing.table_row(now.alone, table)) * (now.place > 0)[:, None]
            else:
                x = x + table(hashing.table_row(now.behind, table))
        symbols, is_done, now = self.chosen(self.head(self.decoder.step(x, None, now.place, now.place, None)), now)
        kept = (
            torch.where(goes_on if new.ndim == 1 else goes_on[:, None], new, old)
            for new, old in zip(now, before, strict=True))
        return torch.where(goes_on, symbols, symbol), is_done, Spelling(*kept)

    def chosen(self, logits: Tensor, spelling: Spelling) -> tuple[Tensor, Tensor, Spelling]:
        """The likeliest symbols, and whether the text is complete with them. A word has at least a byte."""
        state, room = spelling.state, spelling.room
        is_empty = (spelling.place == 0)[:, None] & (torch.arange(256) == WORD)
        fits = torch.minimum(room, self.model.config.max_word_bytes - spelling.place)
        symbols = self.writable.likeliest(logits.masked_fill(is_empty, float("-inf")), state, fits)
        state, room = self.writable.state[state, symbols], room - self.writable.lengths[symbols]
        return symbols, (room <= 0) & (state == START), spelling._replace(state=state, room=room)


def split(symbols: list[int]) -> tuple[list[bytes], bytes]:
    """The words that the backbone reads, and the beginning of the one that is spelled."""
    words = bytes(symbols[1:]).split(bytes([WORD]))
    return [bytes([DOCUMENT]), *words[:-1]], words[-1]


def stack_of(layers: Iterable[nn.Module], head_size: int, rope_theta: float, documents: int, rows: int) -> Stack:
    return Stack(
        [Layer(block.input_norm, block.attention, block.post_attention_norm, block.mlp) for block in layers], head_size,
        rope_theta, documents, rows)
