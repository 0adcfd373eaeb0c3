"""Dialogues made of the tasks, and pairs of a right answer and a wrong one. The same seed makes the same."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tuning.tasks import FORMS, TASKS, Form, Task, Words

Json = dict[str, Any]

# Kinds of dialogues besides the tasks, each asked alone.
SYSTEM, TURNS = "system", "turns"
KINDS = (*(task.name for task in TASKS), SYSTEM, TURNS)

_MOST_TURNS = 3
# Of training dialogues, and of their later turns.
_WITH_SYSTEM = 0.25
_FOLLOW_UPS = 0.75


@dataclass(frozen=True)
class Turn:
    task: Task
    words: Words
    question: str
    answer: str


@dataclass(frozen=True)
class Dialogue:
    """`kind` says what its last answer measures."""

    kind: str
    form: Form | None = None
    turns: list[Turn] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """The last one."""
        return self.turns[-1].answer

    @property
    def prompt(self) -> list[Json]:
        """All messages but the last answer."""
        messages = [{"role": "system", "content": self.form.message}] if self.form else []
        for turn in self.turns:
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer})
        return messages[:-1]

    def encode(self) -> Json:
        return {"kind": self.kind, "messages": [*self.prompt, _answered(self.answer)]}


class Author:
    """Writes dialogues about the words it is given."""

    def __init__(self, words: list[str], seed: int) -> None:
        self._words = words
        self._draw = random.Random(seed)

    def training(self, count: int) -> Iterator[Dialogue]:
        """Of every kind, with one to three turns."""
        for _ in range(count):
            form = self._draw.choice(FORMS) if self._draw.random() < _WITH_SYSTEM else None
            yield self._dialogue("training", form, self._draw.randint(1, _MOST_TURNS), _FOLLOW_UPS)

    def held_out(self, count: int) -> Iterator[Dialogue]:
        """So many of each kind."""
        for kind in KINDS:
            for _ in range(count):
                yield self._of_kind(kind)

    def pairs(self, count: int) -> Iterator[Json]:
        """Preference pairs, of every kind in turn."""
        for number in range(count):
            dialogue = self._of_kind(KINDS[number % len(KINDS)])
            yield {
                "kind": dialogue.kind,
                "prompt": dialogue.prompt,
                "chosen": [_answered(dialogue.answer)],
                "rejected": [_answered(self._draw.choice(wrong_answers(dialogue)))],
            }

    def _of_kind(self, kind: str) -> Dialogue:
        if kind == SYSTEM:
            return self._dialogue(kind, self._draw.choice(FORMS), 1)
        if kind == TURNS:
            return self._dialogue(kind, None, self._draw.randint(2, _MOST_TURNS), 1)
        (task,) = (task for task in TASKS if task.name == kind)
        return Dialogue(kind, None, [self._question(task)])

    def _dialogue(self, kind: str, form: Form | None, turns: int, follow_ups: float = 0) -> Dialogue:
        made: list[Turn] = []
        for _ in range(turns):
            if made and self._draw.random() < follow_ups:
                made.append(self._follow_up(made[-1]))
            else:
                made.append(self._question(self._draw.choice(TASKS)))
        if form:
            made = [replace(turn, answer=form.apply(turn.answer)) for turn in made]
        return Dialogue(kind, form, made)

    def _question(self, task: Task) -> Turn:
        words = tuple(self._draw.sample(self._words, self._draw.randint(task.fewest, task.most)))
        question = self._draw.choice(task.phrasings).replace("{}", " ".join(words))
        return Turn(task, words, question, task.answer(words))

    def _follow_up(self, turn: Turn) -> Turn:
        task = self._draw.choice([task for task in TASKS if task is not turn.task and _suits(task, turn.words)])
        return Turn(task, turn.words, self._draw.choice(task.follow_ups), task.answer(turn.words))


def wrong_answers(dialogue: Dialogue) -> list[str]:
    """Plausible ones: in the wrong case, with something missing, to another task, without the form wanted."""
    right, turn = dialogue.answer, dialogue.turns[-1]
    apply = dialogue.form.apply if dialogue.form else str
    plain = turn.task.answer(turn.words)
    words = plain.split(" ")
    found = [right.lower() if right.isupper() else right.upper()]
    found += [apply(" ".join(words[:-1]) if len(words) > 1 else plain[:-1])]
    found += [apply(task.answer(turn.words)) for task in TASKS if _suits(task, turn.words)]
    found += [plain]
    return [answer for answer in dict.fromkeys(found) if answer != right]


def _suits(task: Task, words: Words) -> bool:
    return task.fewest <= len(words) <= task.most


def _answered(content: str) -> Json:
    return {"role": "assistant", "content": content}
