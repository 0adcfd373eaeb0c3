"""The words that dialogues are about, taken from a plain text, and for what each of them is there."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import ExitCode, Failure

# Of small letters, between white space: names and what stands beside punctuation are left out.
_WORD = re.compile(r"(?<!\S)[a-z]{3,8}(?!\S)")
# The most frequent of them.
_MOST = 8000
_FEWEST = 100
# One word in so many is for preference pairs, and one is held out.
_PARTS = 8
_PREFERENCES, _HELD_OUT = 1, 0


@dataclass(frozen=True)
class Vocabulary:
    """No word is in two of the lists. Each is in the order of the alphabet."""

    training: list[str]
    preferences: list[str]
    held_out: list[str]


def vocabulary(texts: Path, without: Iterable[str]) -> Vocabulary:
    """The most frequent words of the JSON Lines files in a folder, but for `without`.

    What a word is for depends on its letters alone.
    - Raises: `Failure` if there are too few words.
    """
    counts = Counter(word for text in _texts(texts) for word in _WORD.findall(text))
    for word in without:
        del counts[word]
    # Of equally frequent ones, the first in the alphabet.
    ordered = sorted(counts, key=lambda word: (-counts[word], word))[:_MOST]
    if len(ordered) < _FEWEST:
        raise Failure(
            ExitCode.INVALID_DATA,
            f"the files *.jsonl of {texts} have {len(ordered)} different words of 3 to 8 small letters",
            f"At least {_FEWEST} are needed: give --texts a folder that scripts/fetch-corpus english made.",
        )
    parts: dict[int, list[str]] = {_PREFERENCES: [], _HELD_OUT: []}
    training: list[str] = []
    for word in sorted(ordered):
        parts.get(_part(word), training).append(word)
    return Vocabulary(training, parts[_PREFERENCES], parts[_HELD_OUT])


def _part(word: str) -> int:
    return hashlib.sha256(word.encode("utf-8")).digest()[0] % _PARTS


def _texts(folder: Path) -> Iterator[str]:
    for file in sorted(folder.glob("*.jsonl")):
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)["text"]
