"""Text as the symbols of the Hierarchical Autoregressive Transformer: its bytes, and marks between its words.

A splitting rule cuts the text into words. It is the only step between text and model that is not learned; hat's page on
splitting rules defines all three.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from transformers import PreTrainedTokenizer

DOCUMENT, WORD, PADDING = 0xFE, 0xFF, 0xC0
TURNS = {"system": 0xF5, "user": 0xF6, "assistant": 0xF7, "turn_end": 0xF8}
"""Marks of dialogues, in which they are words of their own."""
MARKS = {DOCUMENT: "[S]", WORD: "[W]", PADDING: "[PAD]"}
MARKS |= {number: f"<{name.replace('_', '-')}>" for name, number in TURNS.items()}
IN_TEXT = {chr(0xDC00 + number): number for number in (DOCUMENT, *TURNS.values())}
"""What stands for marks in a string: surrogates, as Python's `surrogateescape` has them for bytes. No text has them."""

# The Unicode property White_Space, which is not what \s means in Python.
SPACE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
WHITESPACE_WORD = re.compile(f"[^{SPACE}]+[{SPACE}]*|[{SPACE}]+")


class HATTokenizer(PreTrainedTokenizer):
    """A token is a byte, and its number is the byte's. [S] begins every text, [W] ends every word but the last, which may
    go on. Texts come back byte for byte; what looks like a mark in a text is text, also within messages of a dialogue."""

    vocab_files_names = {"unicode_words_file": "unicode_words.json"}
    model_input_names = ["input_ids", "attention_mask"]

    def __init__(
        self, splitting_rule="whitespace-v1", max_word_bytes=64, unicode_words_file=None, bos_token="[S]",
        eos_token="[S]", pad_token="[PAD]", **others,
    ):
        self.splitting_rule, self.max_word_bytes = splitting_rule, max_word_bytes
        self.unicode_words_file = unicode_words_file
        rule = splitting_rule.rsplit("-v", 1)[0]
        if rule.startswith("unicode"):
            if unicode_words_file is None:
                raise ValueError("the rule unicode needs its tables: unicode_words.json is missing beside the tokenizer")
            self._words = UnicodeWords(Path(unicode_words_file)).split
        elif rule.startswith("fixed:"):
            self._length = int(rule.removeprefix("fixed:"))
            self._words = self._fixed_words
        else:
            self._words = WHITESPACE_WORD.findall
        others = {
            "padding_side": "left", "clean_up_tokenization_spaces": False, "split_special_tokens": True,
            "additional_special_tokens": ["[W]", *(MARKS[number] for number in TURNS.values())], **others,
        }
        super().__init__(
            bos_token=bos_token, eos_token=eos_token, pad_token=pad_token, splitting_rule=splitting_rule,
            max_word_bytes=max_word_bytes, **others)

    @property
    def vocab_size(self) -> int:
        return 256

    def get_vocab(self) -> dict[str, int]:
        return {name_of(number): number for number in range(256)}

    def words(self, text: str) -> list[bytes]:
        """The words of a text, whose concatenation it is."""
        return [part for word in self._words(text) for part in self._parts(word.encode())]

    def _parts(self, word: bytes) -> Iterator[bytes]:
        """Each as many whole characters as the limit allows."""
        while len(word) > self.max_word_bytes:
            end = self.max_word_bytes
            while is_inside_character(word[end]):
                end -= 1
            yield word[:end]
            word = word[end:]
        yield word

    def _fixed_words(self, text: str) -> Iterator[str]:
        data, start = text.encode(), 0
        while start < len(data):
            end = min(start + self._length, len(data))
            while end < len(data) and is_inside_character(data[end]):
                end += 1
            yield data[start:end].decode()
            start = end

    def apply_chat_template(self, conversation, *arguments, tokenize: bool = True, **kwargs):
        """As in transformers. The ids are those that hat's own server reads, whatever the messages contain."""
        if tokenize:
            marks = {f"{name}_mark": chr(0xDC00 + number) for name, number in TURNS.items()}
            kwargs = {"bos_token": chr(0xDC00 + DOCUMENT), **marks, **kwargs}
        return super().apply_chat_template(conversation, *arguments, tokenize=tokenize, **kwargs)

    def tokenize(self, text: str, **_) -> list[str]:
        tokens: list[str] = []
        for part in re.split(f"([{''.join(IN_TEXT)}])", text):
            if part in IN_TEXT:
                if tokens and tokens[-1] not in MARKS.values():
                    tokens.append(MARKS[WORD])
                tokens.append(MARKS[IN_TEXT[part]])
                continue
            for index, word in enumerate(self.words(part)):
                tokens += [MARKS[WORD]] * (index > 0)
                tokens += map(chr, word)
        return tokens

    def _tokenize(self, text: str, **_) -> list[str]:
        return self.tokenize(text)

    def _convert_token_to_id(self, token: str) -> int:
        return next((number for number, mark in MARKS.items() if mark == token), None) or ord(token)

    def _convert_id_to_token(self, index: int) -> str:
        return name_of(index)

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        data = b"".join(token.encode() if token in MARKS.values() else bytes([ord(token)]) for token in tokens)
        return data.decode(errors="replace")

    def _decode(self, token_ids, skip_special_tokens: bool = False, **_) -> str:
        numbers = [token_ids] if isinstance(token_ids, int) else list(map(int, token_ids))
        tokens = [name_of(number) for number in numbers if not (skip_special_tokens and number in MARKS)]
        return self.convert_tokens_to_string(tokens)

    def build_inputs_with_special_tokens(self, token_ids_0: list[int], token_ids_1: list[int] | None = None) -> list[int]:
        texts = [token_ids_0] if token_ids_1 is None else [token_ids_0, token_ids_1]
        return [number for text in texts for number in (DOCUMENT, *text)]

    def get_special_tokens_mask(self, token_ids_0, token_ids_1=None, already_has_special_tokens=False) -> list[int]:
        if not already_has_special_tokens:
            token_ids_0 = self.build_inputs_with_special_tokens(token_ids_0, token_ids_1)
        return [int(number in MARKS) for number in token_ids_0]

    def create_token_type_ids_from_sequences(self, token_ids_0, token_ids_1=None) -> list[int]:
        return [0] * len(self.build_inputs_with_special_tokens(token_ids_0, token_ids_1))

    def save_vocabulary(self, save_directory: str, filename_prefix: str | None = None) -> tuple[str, ...]:
        if self.unicode_words_file is None:
            return ()
        prefix = f"{filename_prefix}-" if filename_prefix else ""
        path = Path(save_directory) / f"{prefix}unicode_words.json"
        path.write_text(Path(self.unicode_words_file).read_text())
        return (str(path),)


def name_of(number: int) -> str:
    return MARKS.get(number) or chr(number)


def is_inside_character(byte: int) -> bool:
    return byte & 0xC0 == 0x80


class UnicodeWords:
    """The rule unicode as hat's own automaton: for each state and class of characters the next state, and whether words
    begin. Bits of a decision: 1 a word begins here; 2 one began at the mark; 4 here is the mark."""

    def __init__(self, path: Path):
        tables = json.loads(path.read_text())
        self.transitions: list[list[int]] = tables["transitions"]
        self.decisions: list[list[int]] = tables["decisions"]
        self.is_in_doubt: list[bool] = tables["is_in_doubt"]
        self.classes = bytearray()
        for letter, count in re.findall(r"([A-Za-z])(\d*)", tables["classes"]):
            number = ord(letter) - (ord("A") if letter < "a" else ord("a") - 26)
            self.classes += bytes([number]) * int(count or 1)

    def split(self, text: str) -> Iterator[str]:
        state = start = mark = 0
        for position, character in enumerate(text):
            group = self.classes[ord(character)]
            decision, state = self.decisions[state][group], self.transitions[state][group]
            if decision & 2:
                yield text[start:mark]
                start = mark
            if decision & 4:
                mark = position
            if decision & 1:
                yield text[start:position]
                start = position
        if text and self.is_in_doubt[state]:
            yield text[start:mark]
            start = mark
        if text:
            yield text[start:]
