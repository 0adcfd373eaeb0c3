"""The words that dialogues are about, taken from a plain text, and which of them are held out."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import ExitCode
from reproduction.commands import StageFailure

# Of small letters, between white space: names and what stands beside punctuation are left out.
_WORD = re.compile(r"(?<!\S)[a-z]{3,8}(?!\S)")
# The most frequent of them.
_MOST = 3000
_FEWEST = 100
# One word in so many is held out.
_HELD_OUT = 8


@dataclass(frozen=True)
class Vocabulary:
    """No word is in both lists. Each is in the order of the alphabet, which depends on nothing else."""

    training: list[str]
    held_out: list[str]


def vocabulary(texts: Path, without: Iterable[str]) -> Vocabulary:
    """The most frequent words of the JSON Lines files in a folder, but for `without`.

    Whether a word is held out depends on its letters alone.
    - Raises: `StageFailure` if there are too few words.
    """
    counts = Counter(word for text in _texts(texts) for word in _WORD.findall(text))
    for word in without:
        del counts[word]
    # Of equally frequent ones, the first in the alphabet.
    ordered = sorted(counts, key=lambda word: (-counts[word], word))[:_MOST]
    if len(ordered) < _FEWEST:
        raise StageFailure(
            ExitCode.INVALID_DATA,
            f"the files *.jsonl of {texts} have {len(ordered)} different words of 3 to 8 small letters",
            f"At least {_FEWEST} are needed: give --texts a folder that scripts/fetch-corpus english made.",
        )
    held_out = {word for word in ordered if _is_held_out(word)}
    return Vocabulary(sorted(set(ordered) - held_out), sorted(held_out))


def _is_held_out(word: str) -> bool:
    return hashlib.sha256(word.encode("utf-8")).digest()[0] % _HELD_OUT == 0


def _texts(folder: Path) -> Iterator[str]:
    for file in sorted(folder.glob("*.jsonl")):
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)["text"]
