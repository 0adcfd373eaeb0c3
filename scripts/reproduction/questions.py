"""Stage: questions made from held-out text: the last word of a passage, and how a passage continues.

A context ends with white space, where a word ends for one model and a token for the other.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import ExitCode, Failure
from corpus.manifest import whole_or_absent
from reproduction.hat import HeldOutDocument
from reproduction.laboratory import Laboratory
from reproduction.staging import Result

KINDS = ("cloze", "choice")
CHOICES = 4

# Sizes in bytes. A passage has several sentences, as in LAMBADA; a continuation is one sentence.
_PASSAGE = (200, 700)
_CONTINUATION = (40, 200)
# The lengths of a question's continuations differ from the right one's by at most this share.
_TOLERANCE = 0.15

_SENTENCE_END = re.compile(r"[.!?][\"'’”)\]]*\s+")
# A word of letters only, right before the end of the sentence.
_LAST_WORD = re.compile(r"(?P<word>[^\W\d_]{3,})[.!?][\"'’”)\]]*\s+$")

Question = dict[str, Any]


def make_questions(laboratory: Laboratory) -> Result:
    """Writes a file of questions of each kind, made from held-out English."""
    documents = laboratory.hat.held_out_documents(laboratory.corpus("english"))
    found = passages(documents)
    most = laboratory.settings.questions
    files = {"cloze": cloze(found, most), "choice": choice(found, most)}
    for kind, made in files.items():
        if not made:
            raise Failure(
                ExitCode.INVALID_DATA,
                f"no passage of the held-out English is suitable for a {kind} question",
                "Give --corpora with more running text.",
            )
    written = {kind: _write(question_file(laboratory, kind), made) for kind, made in files.items()}
    return {"documents": len(documents), "passages": len(found), **written}


def question_file(laboratory: Laboratory, kind: str) -> Path:
    return laboratory.folder / "questions" / f"{kind}.jsonl"


def _write(path: Path, made: list[Question]) -> Result:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(json.dumps(question, ensure_ascii=False) + "\n" for question in made).encode("utf-8")
    with whole_or_absent(path) as file:
        file.write(content)
    return {"questions": len(made), "sha256": hashlib.sha256(content).hexdigest(), "example": made[0]}


@dataclass(frozen=True)
class Passage:
    """Sentences of one document, and the sentence that follows them."""

    document: HeldOutDocument
    number: int
    context: str
    next: str

    @property
    def continuation(self) -> str:
        """Without trailing white space, which would reveal the kind of text it is from."""
        return self.next.rstrip()

    @property
    def order(self) -> bytes:
        """As good as random, and the same on every machine."""
        return _order(self.document.key, self.number)


def passages(documents: Iterable[HeldOutDocument]) -> list[Passage]:
    """All passages of the documents, without overlaps, in an order that mixes the documents."""
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
    """Passages and four continuations, three from other documents: {"context", "choices", "answer"}."""
    questions: list[Question] = []
    for passage in found:
        if len(questions) == most:
            break
        others = _distractors(passage, found)
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
    """The sentences, each with the white space after it. Text after the last sentence's end is left out."""
    found: list[str] = []
    start = 0
    for end in _SENTENCE_END.finditer(text):
        found.append(text[start : end.end()])
        start = end.end()
    return found


def _distractors(passage: Passage, among: list[Passage]) -> list[str]:
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
