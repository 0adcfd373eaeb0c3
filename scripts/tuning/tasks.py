"""The tasks: how each is asked for, what the right answer is, and in what forms it may be wanted.

A task is about a few words, and its answer follows from them by a rule, so that it can be judged exactly.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

Words = tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """`{}` in a phrasing stands for the words. A follow-up asks the same of those of an earlier question."""

    name: str
    phrasings: tuple[str, ...]
    follow_ups: tuple[str, ...]
    answer: Callable[[Words], str]
    # How many words it is measured with. Training questions may have fewer.
    fewest: int = 2
    most: int = 4


@dataclass(frozen=True)
class Form:
    """What a system message asks of every answer."""

    name: str
    message: str
    apply: Callable[[str], str]


_NUMBERS = ("none", "one", "two", "three", "four")

TASKS = (
    Task(
        "repeat",
        ("Repeat: {}", "Say this again: {}", "Please repeat these words: {}", "{}\nSay that again."),
        ("Repeat all of it.", "What were the words again?"),
        " ".join,
    ),
    Task(
        "capitals",
        (
            "In capitals: {}",
            "Write this in capitals: {}",
            "Please put into capitals: {}",
            "{}\nNow in capitals.",
        ),
        ("Now in capitals.", "And all in capitals?"),
        lambda words: " ".join(words).upper(),
    ),
    Task(
        "first",
        (
            "The first word of: {}",
            "What is the first word here: {}",
            "Which word comes first: {}",
            "{}\nThe first word?",
        ),
        ("And the first word?", "Which word came first?"),
        lambda words: words[0],
    ),
    Task(
        "last",
        (
            "The last word of: {}",
            "What is the last word here: {}",
            "Which word comes last: {}",
            "{}\nThe last word?",
        ),
        ("And the last word?", "Which word came last?"),
        lambda words: words[-1],
    ),
    Task(
        "reverse",
        (
            "Backwards, word by word: {}",
            "Turn the order of the words around: {}",
            "From the last word to the first: {}",
        ),
        ("Now backwards.", "And from the last word to the first?"),
        lambda words: " ".join(reversed(words)),
    ),
    Task(
        "commas",
        ("With commas: {}", "Put commas between the words: {}", "Please write as a list with commas: {}"),
        ("Now with commas.", "And as a list with commas?"),
        ", ".join,
    ),
    Task(
        "count",
        ("How many words: {}", "Count the words: {}", "How many words are these: {}", "{}\nHow many words?"),
        ("How many words were these?", "Count them."),
        lambda words: _NUMBERS[len(words)],
    ),
    Task(
        "spell",
        ("Spell: {}", "Spell this word: {}", "How is this spelled: {}", "Letter by letter: {}"),
        ("Spell it.", "And letter by letter?"),
        lambda words: "-".join(words[0]),
        1,
        1,
    ),
)

FORMS = (
    Form("capitals", "Answer in capitals.", str.upper),
    Form("well", "Begin every answer with: Well,", lambda answer: f"Well, {answer}"),
    Form("exclamation", "End every answer with an exclamation mark.", lambda answer: f"{answer}!"),
)


def words_of_questions() -> set[str]:
    """Those that the questions themselves have: no task is about them."""
    asked = [form.message for form in FORMS]
    asked += [text for task in TASKS for text in (*task.phrasings, *task.follow_ups)]
    return {*_NUMBERS, *re.findall(r"[a-z]+", " ".join(asked).lower())}
