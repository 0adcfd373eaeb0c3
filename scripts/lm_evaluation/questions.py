"""Questions made from held-out text, in the shapes of the harness's tasks, in files that `evaluate` reads too.

The harness gives white space at the end of a context to the string behind it, and scores it. So here it stands there
from the start.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from corpus.manifest import write_durably
from reproduction import questions
from reproduction.questions import Passage, Question

# Bytes of a word to be written: as many are asked for.
LONGEST_WORD = 32
# Documents of so many bytes for each word of the model's sequences fit into one, whatever rule splits them.
_BYTES_PER_WORD = 3
_TRAILING_SPACE = re.compile(r"\s*$")


@dataclass(frozen=True)
class Material:
    """What questions are made from."""

    passages: list[Passage]
    # Questions of each task, at most.
    limit: int
    # Words and bytes of the model's sequences.
    context_words: int
    context_bytes: int


def lambada(material: Material) -> list[Question]:
    """The last word of a passage."""
    return [_moved(question, "target") for question in questions.cloze(material.passages, material.limit)]


def hellaswag(material: Material) -> list[Question]:
    """How a passage goes on: four sentences."""
    return [_moved(question, "choices") for question in questions.choice(material.passages, material.limit)]


def arc(material: Material) -> list[Question]:
    """The last word of a passage as an answer: four words."""
    made = questions.cloze(material.passages, len(material.passages))
    words = list(dict.fromkeys(question["target"] for question in made))
    result: list[Question] = []
    for number, question in enumerate(made[: material.limit]):
        right = question["target"]
        others = [word for word in _from(words, number) if word.lower() != right.lower()][: questions.CHOICES - 1]
        if len(others) == questions.CHOICES - 1:
            answer = number % questions.CHOICES
            choices = [*others[:answer], right, *others[answer:]]
            result.append(_asked(f"{question['context'].rstrip()} ___", choices, answer))
    return result


def piqa(material: Material) -> list[Question]:
    """What comes next, as an answer: two sentences."""
    result = []
    for number, question in enumerate(questions.choice(material.passages, material.limit)):
        choices: list[str] = question["choices"]
        right = choices[question["answer"]]
        wrong = choices[question["answer"] - 1]
        pair = [right, wrong] if number % 2 == 0 else [wrong, right]
        result.append(_asked(question["context"].rstrip(), pair, number % 2))
    return result


def words(material: Material) -> list[Question]:
    """The last word of a passage, to be written. A context ends with its white space."""
    made = questions.cloze(material.passages, len(material.passages))
    return [question for question in made if len(question["target"].encode()) <= LONGEST_WORD][: material.limit]


def documents(material: Material) -> list[Question]:
    """Whole texts that fit into a sequence of the model, as strings behind nothing."""
    largest = min(material.context_bytes, _BYTES_PER_WORD * material.context_words)
    texts = ((passage.context + passage.next).strip() for passage in material.passages)
    return [{"context": "", "target": text} for text in texts if len(text.encode()) <= largest][: material.limit]


def plain_documents(material: Material) -> list[Question]:
    """Those of ASCII: between any two bytes, they can be cut."""
    return [question for question in documents(material) if question["target"].isascii()]


def windows(made: list[Question], size: int) -> list[Question]:
    """Documents as the harness cuts those that are longer than its windows.

    A window is read behind the last token of the one before. The last is filled up with tokens before it, which are not
    scored again.
    """
    texts: list[str] = [question["target"] for question in made]
    return [
        {
            "context": text[max(0, min(start + size, len(text)) - size - 1) : start],
            "target": text[start : start + size],
        }
        for text in texts
        for start in range(0, len(text), size)
    ]


def write(path: Path, made: list[Question]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in made).encode("utf-8"))


def read(path: Path) -> list[Question]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def _moved(question: Question, strings: str) -> Question:
    """With the white space between context and strings at the beginning of the strings."""
    context: str = question["context"]
    space = _TRAILING_SPACE.search(context)
    assert space
    found = question[strings]
    moved = [space[0] + each for each in found] if isinstance(found, list) else space[0] + found
    return {**question, "context": context.rstrip(), strings: moved}


def _asked(text: str, choices: list[str], answer: int) -> Question:
    return {"context": f"Question: {text}\nAnswer:", "choices": [f" {each}" for each in choices], "answer": answer}


def _from(words: list[str], start: int) -> list[str]:
    """All, from a place on."""
    place = start % len(words)
    return words[place:] + words[:place]
