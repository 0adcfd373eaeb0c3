"""Dialogues made of the tasks, and pairs of a right answer and a wrong one. The same seed makes the same."""

import random
from bisect import bisect_left
from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tuning.tasks import FORMS, TASKS, Form, Task, Words

Json = dict[str, Any]
# How often a question is about one word, two words, and so on.
Lengths = tuple[int, ...]

# Kinds of dialogues besides the tasks, each asked alone.
SYSTEM, TURNS = "system", "turns"
KINDS = (*(task.name for task in TASKS), SYSTEM, TURNS)

_MOST_TURNS = 3
# Of training dialogues, and of their later turns.
_WITH_SYSTEM = 0.25
_FOLLOW_UPS = 0.5
# Of training questions. A model finds out within some hundred steps how to say a single word again, and goes on
# from there. One that sees lists for the most part does not find out in thousands.
_LENGTHS: Lengths = (8, 4, 2, 2)


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

    @property
    def questions(self) -> set[str]:
        """Those that name their words."""
        return {turn.question for turn in self.turns if turn.question not in turn.task.follow_ups}

    def encode(self) -> Json:
        return {"kind": self.kind, "messages": [*self.prompt, _answered(self.answer)]}


class Author:
    """Writes dialogues about the words it is given, which are in the order of the alphabet."""

    def __init__(self, words: list[str], seed: int) -> None:
        self._words = words
        self._draw = random.Random(seed)

    def training(self, count: int, without: Container[str] = ()) -> Iterator[Dialogue]:
        """Of every task, with one to three turns, and with none of the questions `without`."""
        written = 0
        while written < count:
            form = self._draw.choice(FORMS) if self._draw.random() < _WITH_SYSTEM else None
            turns = self._draw.randint(1, _MOST_TURNS)
            dialogue = self._dialogue("training", form, turns, _FOLLOW_UPS, _LENGTHS)
            if not any(question in without for question in dialogue.questions):
                written += 1
                yield dialogue

    def measuring(self, count: int) -> Iterator[Dialogue]:
        """So many of each kind."""
        for kind in KINDS:
            for _ in range(count):
                yield self._of_kind(kind)

    def pair(self, dialogue: Dialogue, answer: str) -> Json:
        """The right answer, and `answer` where that is wrong, or else a plausible wrong one."""
        wrong = answer if answer.strip() and answer != dialogue.answer else None
        return {
            "kind": dialogue.kind,
            "prompt": dialogue.prompt,
            "chosen": [_answered(dialogue.answer)],
            "rejected": [_answered(wrong or self._draw.choice(self.wrong_answers(dialogue)))],
        }

    def wrong_answers(self, dialogue: Dialogue) -> list[str]:
        """Plausible ones: in the wrong case, with something missing, with a similar word in the place of one,
        to another task, without the form that is wanted."""
        right, turn = dialogue.answer, dialogue.turns[-1]
        apply = dialogue.form.apply if dialogue.form else str
        plain = turn.task.answer(turn.words)
        words = plain.split(" ")
        place = self._draw.randrange(len(turn.words))
        mistaken = (*turn.words[:place], self._similar(turn.words[place]), *turn.words[place + 1 :])
        found = [
            right.lower() if right.isupper() else right.upper(),
            apply(" ".join(words[:-1]) if len(words) > 1 else plain[:-1]),
            apply(turn.task.answer(mistaken)),
            *(apply(task.answer(turn.words)) for task in TASKS if _suits(task, turn.words)),
            plain,
        ]
        return [answer for answer in dict.fromkeys(found) if answer != right]

    def _of_kind(self, kind: str) -> Dialogue:
        if kind == SYSTEM:
            return self._dialogue(kind, self._draw.choice(FORMS), 1)
        if kind == TURNS:
            return self._dialogue(kind, None, self._draw.randint(2, _MOST_TURNS), 1)
        (task,) = (task for task in TASKS if task.name == kind)
        return Dialogue(kind, None, [self._question(task)])

    def _dialogue(
        self, kind: str, form: Form | None, turns: int, follow_ups: float = 0, lengths: Lengths | None = None
    ) -> Dialogue:
        made: list[Turn] = []
        for _ in range(turns):
            if made and self._draw.random() < follow_ups:
                made.append(self._follow_up(made[-1]))
            else:
                made.append(self._question(self._draw.choice(TASKS), lengths))
        if form:
            made = [replace(turn, answer=form.apply(turn.answer)) for turn in made]
        return Dialogue(kind, form, made)

    def _question(self, task: Task, lengths: Lengths | None = None) -> Turn:
        """About as many words as `lengths` says, or, without it, as many as the task is measured with."""
        if lengths:
            (count,) = self._draw.choices(range(1, len(lengths) + 1), lengths)
        else:
            count = self._draw.randint(task.fewest, task.most)
        words = tuple(self._draw.sample(self._words, min(count, task.most)))
        question = self._draw.choice(task.phrasings).replace("{}", " ".join(words))
        return Turn(task, words, question, task.answer(words))

    def _follow_up(self, turn: Turn) -> Turn:
        others = [task for task in TASKS if task is not turn.task and _suits(task, turn.words)]
        task = self._draw.choice(others)
        return Turn(task, turn.words, self._draw.choice(task.follow_ups), task.answer(turn.words))

    def _similar(self, word: str) -> str:
        """One of the words beside it in the alphabet."""
        place = bisect_left(self._words, word)
        near = self._words[max(0, place - 2) : place + 3]
        return self._draw.choice([other for other in near if other != word])


def _suits(task: Task, words: Words) -> bool:
    return len(words) <= task.most


def _answered(content: str) -> Json:
    return {"role": "assistant", "content": content}
