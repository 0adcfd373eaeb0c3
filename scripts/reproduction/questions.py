"""Questions made of held-out text: the last word of a passage, and how a passage goes on.

A context ends with white space, where a word ends for the one model and a token for the other.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from reproduction.heldout import HeldOutDocument

# Bytes. A passage is some sentences, as LAMBADA's are; a continuation is one.
_PASSAGE = (200, 700)
_CONTINUATION = (40, 200)
# A continuation competes with others whose length differs by this much at most.
_TOLERANCE = 0.15
CHOICES = 4

Question = dict[str, Any]

_SENTENCE_END = re.compile(r"[.!?][\"'’”)\]]*\s+")
# A word of letters alone, in front of the sentence's end.
_LAST_WORD = re.compile(r"(?P<word>[^\W\d_]{3,})[.!?][\"'’”)\]]*\s+$")


@dataclass(frozen=True)
class Passage:
    """Sentences of one document, and the sentence that follows them."""

    document: HeldOutDocument
    number: int
    context: str
    next: str

    @property
    def continuation(self) -> str:
        """Without the white space behind it, which would tell in what kind of text it stood."""
        return self.next.rstrip()

    @property
    def order(self) -> bytes:
        """As good as random, and the same everywhere."""
        return _order(self.document.key, self.number)


def passages(documents: Iterable[HeldOutDocument]) -> list[Passage]:
    """All that the documents have, none overlapping another, in an order that mixes the documents."""
    found: list[Passage] = []
    for document in documents:
        found += _passages_of(document)
    return sorted(found, key=lambda passage: passage.order)


def cloze(found: list[Passage], most: int) -> list[Question]:
    """Passages without their last word: {"context", "target"}."""
    questions: list[Question] = []
    for passage in found:
        last = _LAST_WORD.search(passage.next)
        if last and len(questions) < most:
            context = passage.context + passage.next[: last.start("word")]
            questions.append({"context": context, "target": last["word"]})
    return questions


def choice(found: list[Passage], most: int) -> list[Question]:
    """Passages and four ways to go on, three from other documents: {"context", "choices", "answer"}."""
    questions: list[Question] = []
    for passage in found:
        if len(questions) == most:
            break
        others = _rivals(passage, found)
        if len(others) == CHOICES - 1:
            answer = passage.order[0] % CHOICES
            choices = [*others[:answer], passage.continuation, *others[answer:]]
            questions.append({"context": passage.context, "choices": choices, "answer": answer})
    return questions


def _passages_of(document: HeldOutDocument) -> list[Passage]:
    found: list[Passage] = []
    context = ""
    for sentence in sentences(document.text):
        long_enough = _bytes(context) >= _PASSAGE[0]
        if long_enough and _CONTINUATION[0] <= _bytes(sentence) <= _CONTINUATION[1]:
            found.append(Passage(document, len(found), context, sentence))
            context = ""
        elif _bytes(context) + _bytes(sentence) > _PASSAGE[1]:
            context = ""
        else:
            context += sentence
    return found


def sentences(text: str) -> list[str]:
    """Pieces that join to the text, each with the white space behind it; what has no end is left out."""
    found: list[str] = []
    start = 0
    for end in _SENTENCE_END.finditer(text):
        found.append(text[start : end.end()])
        start = end.end()
    return found


def _rivals(passage: Passage, among: list[Passage]) -> list[str]:
    size = _bytes(passage.continuation)
    fitting = [
        other
        for other in among
        if other.document.key != passage.document.key
        and abs(_bytes(other.continuation) - size) <= _TOLERANCE * size
        and other.continuation != passage.continuation
    ]
    fitting.sort(key=lambda other: _order(passage.order, other.order))
    distinct = dict.fromkeys(other.continuation for other in fitting)
    return list(distinct)[: CHOICES - 1]


def _order(*key: object) -> bytes:
    return hashlib.sha256(repr(key).encode("utf-8")).digest()


def _bytes(text: str) -> int:
    return len(text.encode("utf-8"))
