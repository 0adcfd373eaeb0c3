"""What the loops write is what transformers' generate writes, byte for byte."""

from __future__ import annotations

import random
import unittest
from collections.abc import Callable
from typing import Any

import torch
from generating.hierarchical import BYTES, Hierarchical
from generating.library import Library
from generating.subword import Subword, token_texts
from generating.tests import models
from generating.writable import NEVER, Writable
from generating.writers import Writer, measure

PROMPTS = [b"To be, or not to be", b"x", "größer the the café ".encode(), b"AND THE th"]


def plain(function: Callable, **_: object) -> Callable:
    return function


class WritingTests(unittest.TestCase):
    def check(self, loop: Callable[[int], Writer], library: Library, texts: list[bytes | None], bytes_each: int = 24) -> None:
        speed, alone = measure(loop(1), 1, PROMPTS, 1, bytes_each)
        self.assertGreater(min(speed.prompt, speed.writing), 0)
        _, together = measure(loop(3), 1, PROMPTS, 3, bytes_each)
        _, expected = measure(library, 1, PROMPTS, 2, bytes_each)
        self.assertEqual(alone, expected)
        self.assertEqual(together, expected)
        for symbols in together:
            written = b"".join(texts[symbol] for symbol in symbols)
            self.assertEqual(len(written.decode().encode()), bytes_each)

    def test_the_hierarchical_model(self) -> None:
        for sizes in (
            {"byte_ngrams": 4, "prefix_ngrams": 2, "query_key_norm": True, "max_word_bytes": 7},
            {"byte_ngrams": 0, "prefix_ngrams": 1, "kv_heads": 2},
        ):
            with self.subTest(sizes):
                model, tokenizer = models.hierarchical(**sizes)
                writable = Writable.of(BYTES)
                self.check(
                    lambda count: Hierarchical(model, tokenizer, writable, count, plain),
                    Library(model, tokenizer, writable), BYTES)

    def test_a_full_context_is_refused(self) -> None:
        model, tokenizer = models.hierarchical()
        writer = Hierarchical(model, tokenizer, Writable.of(BYTES), 1, plain)
        with self.assertRaisesRegex(ValueError, "more than the 40 words of the context: give fewer --bytes"):
            measure(writer, 1, [b"a " * 60], 1, 1)

    def test_the_subword_model(self) -> None:
        for has_ngrams in (False, True):
            with self.subTest(has_ngrams):
                model, tokenizer = models.subword(has_ngrams)
                texts = token_texts(tokenizer, model.config.vocab_size)
                self.assertEqual(texts[ord("a")], b"a")
                self.assertEqual(texts[models.MARK :], [None, *models.MERGED])
                writable = Writable.of(texts)
                self.check(
                    lambda count: Subword(model, tokenizer, writable, count, plain, 80), Library(model, tokenizer, writable),
                    texts)

    def test_a_compiled_loop_writes_the_same(self) -> None:
        """Compiled in form only: `eager` runs what the compiler has recorded, and needs no C++ compiler."""

        def compiler(function: Callable, **options: Any) -> Callable:
            return torch.compile(function, backend="eager", **options)

        model, tokenizer = models.hierarchical(byte_ngrams=3, prefix_ngrams=2)
        writable = Writable.of(BYTES)
        _, expected = measure(Hierarchical(model, tokenizer, writable, 3, plain), 1, PROMPTS, 3, 12)
        _, compiled = measure(Hierarchical(model, tokenizer, writable, 3, compiler), 1, PROMPTS, 3, 12)
        self.assertEqual(compiled, expected)


class WritableTests(unittest.TestCase):
    def test_what_may_come_is_what_python_decodes(self) -> None:
        rng = random.Random(1)
        symbols = [bytes([byte]) for byte in range(256)]
        writable = Writable.of(symbols)
        needs, states = writable.needs.tolist(), writable.state.tolist()
        for _ in range(300):
            state, text, room = 0, b"", rng.randint(1, 9)
            while room > 0:
                fits = [symbol for symbol in range(256) if needs[state][symbol] <= room]
                # Few first bytes are of long characters.
                symbol = rng.choice([s for s in fits if s >= 0xE0] or fits)
                text, room, state = text + symbols[symbol], room - 1, states[state][symbol]
            self.assertEqual(state, 0)
            text.decode()

    def test_every_character_may_come(self) -> None:
        writable = Writable.of([bytes([byte]) for byte in range(256)])
        for code in [*range(0x80), 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x3FFFF, 0x40000, 0x10FFFF]:
            state = 0
            for byte in chr(code).encode():
                self.assertLess(writable.needs[state, byte], NEVER, hex(code))
                state = int(writable.state[state, byte])
            self.assertEqual(state, 0)
