"""What a model answers to dialogues, and how often it is right to the last byte."""

import json
import math
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from serving.server import served
from tuning.dialogues import KINDS

Json = dict[str, Any]

# Requests at once: the slots of the server.
_CONCURRENCY = 16
# No right answer has more bytes.
_LONGEST = 80
_PATIENCE = 600
# Wrong answers that are kept of each kind.
_EXAMPLES = 2


def ask(run: Path, prompts: list[list[Json]], program: Path) -> list[str]:
    """The greedy answer to the messages of each prompt. Chat has the template of the checkpoint.

    - Raises: `Failure` if the model cannot be served.
    """

    def answer(messages: list[Json]) -> str:
        found = server.ask(
            "/v1/chat/completions",
            {
                **{"model": server.name, "messages": messages},
                **{"temperature": 0, "max_completion_tokens": _LONGEST},
            },
        )
        return str(found["choices"][0]["message"]["content"])

    with served(run, program, _PATIENCE) as server, ThreadPoolExecutor(_CONCURRENCY) as pool:
        return list(pool.map(answer, prompts))


def judged(dialogues: list[Json], answers: list[str]) -> Json:
    """Of each kind and of all: how many were asked, how many answers are right, and some that are not."""
    kinds: dict[str, Json] = {kind: {"asked": 0, "right": 0, "wrong": []} for kind in KINDS}
    for dialogue, answer in zip(dialogues, answers, strict=True):
        kind, wanted = kinds[dialogue["kind"]], dialogue["messages"][-1]["content"]
        kind["asked"] += 1
        if answer == wanted:
            kind["right"] += 1
        elif len(kind["wrong"]) < _EXAMPLES:
            asked = dialogue["messages"][-2]["content"]
            kind["wrong"].append({"asked": asked, "wanted": wanted, "answer": answer})
    total = Counter[str]()
    for kind in kinds.values():
        total.update({key: kind[key] for key in ("asked", "right")})
    return {"kinds": kinds, **total, "interval": interval(total["right"], total["asked"])}


def interval(right: int, asked: int) -> tuple[float, float]:
    """Of a share, by Wilson's score: 95 % of such intervals contain what it would be for all dialogues."""
    z = 1.96
    share, spread = right / asked, z * z / asked
    middle = share + spread / 2
    reach = z * math.sqrt(share * (1 - share) / asked + spread / asked / 4)
    return (middle - reach) / (1 + spread), (middle + reach) / (1 + spread)


def read(path: Path) -> list[Json]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
