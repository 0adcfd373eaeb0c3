"""The harness in a process of its own: takes what to do as JSON, and writes the figures to a file.

It is what `lm_eval --model local-completions --model_args … --tasks … --include_path … --use_cache …` does, but without
the harness's own tasks, and without intervals of perplexities, for which it draws a hundred thousand samples.
"""

import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

# By task.
Figures = dict[str, dict[str, float]]

# More than any context of the tasks has.
_ALL_TOKENS = 16384


@dataclass(frozen=True)
class Group:
    """Tasks that are run alike."""

    tasks: list[str]
    # Where answers are kept: a second start asks only what is missing. They do not say what window they are of.
    answers: str
    # Tokens of a window; None for more than any text has.
    window: int | None
    # Requests at once.
    concurrency: int


@dataclass(frozen=True)
class Order:
    url: str
    model: str
    # Of the tasks' descriptions.
    folder: str
    groups: list[Group]
    result: str

    def encode(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> Self:
        found = json.loads(text)
        return cls(**{**found, "groups": [Group(**group) for group in found["groups"]]})


def _run(order: Order) -> Figures:
    # Everything is here: nothing is to be asked of the network.
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        os.environ[name] = "1"
    os.environ["HF_HOME"] = str(Path(order.folder) / "cache")
    import lm_eval
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=order.folder, include_defaults=False)
    figures: Figures = {}
    for group in order.groups:
        # It keeps a token for what it lets be written, and one for what stands before a window.
        tokens = _ALL_TOKENS if group.window is None else group.window + 2
        found: dict[str, Any] | None = lm_eval.simple_evaluate(
            model="local-completions",
            model_args={
                "model": order.model,
                "base_url": order.url + "/v1/completions",
                "max_length": tokens,
                "num_concurrent": group.concurrency,
            },
            tasks=list(group.tasks),
            task_manager=manager,
            use_cache=group.answers,
            bootstrap_iters=0,
            log_samples=False,
        )
        assert found
        figures |= {name: _figures(found["results"][name]) for name in group.tasks}
    return figures


def _figures(found: dict[str, Any]) -> dict[str, float]:
    """Without the names of filters, and without what is no number."""
    return {
        name.partition(",")[0]: float(value)
        for name, value in found.items()
        if "," in name and "_stderr" not in name and isinstance(value, int | float)
    }


if __name__ == "__main__":
    given = Order.decode(sys.argv[1])
    Path(given.result).write_text(json.dumps(_run(given)), "utf-8")
