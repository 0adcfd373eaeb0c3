"""A stand-in for hat-mpirun: it takes the same commands, does nothing, and answers as a run would."""

import json
from collections.abc import Callable
from pathlib import Path

from reproduction.tests.example import (
    Results,
    comparison,
    configuration,
    generation_ratios,
    plan,
    results,
    training,
)

_EXAMPLE = results()
_SENTENCE = "This is sentence {} of document {}, long enough to be asked about in a question, and it ends. "


def output(arguments: list[str]) -> str:
    """What the command prints."""
    answered = _answer(arguments)
    return answered if isinstance(answered, str) else "\n".join(map(json.dumps, answered))


def _answer(arguments: list[str]) -> list[Results] | str:
    words = [word for word in arguments if not word.startswith("-")]
    commands: dict[str, Callable[[list[str]], list[Results] | str]] = {
        "preprocess": _preprocess,
        "inspect corpus": lambda _: [_EXAMPLE["corpora"]["english"]],
        "inspect shard": _shard,
        "tokenizer learn": _learn,
        "plan": _plan,
        "train": _train,
        "inspect run": lambda given: (Path(given[-1]) / "report.json").read_text(),
        "evaluate": _evaluate,
        "inspect words": _words,
        "generate": lambda given: f"{option(given, '--prompt')}and so on",
        "benchmark generate": _benchmark,
    }
    name = next(name for name in (" ".join(words[:2]), words[0]) if name in commands)
    return commands[name](arguments)


def option(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1]


def _preprocess(arguments: list[str]) -> list[Results]:
    folder = Path(option(arguments, "--output"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "holdout-000000-000000.shard").touch()
    return [{}]


def _shard(arguments: list[str]) -> list[Results]:
    if "--document" not in arguments:
        return [{"counts": {"documents": 6}}]
    number = option(arguments, "--document")
    words = [_SENTENCE.format(sentence, number) for sentence in range(30)]
    return [{"checksum": number, "metadata": {"source": "a/b"}, "words": words}]


def _plan(arguments: list[str]) -> list[Results] | str:
    if "--print-config" in arguments:
        return configuration(Path(option(arguments, "--config")).stem, changes(arguments).items())
    if "--match" in arguments:
        return [{"flops_ratio": 1.01, "configuration": configuration("subword")}]
    return [plan()]


def _learn(arguments: list[str]) -> list[Results]:
    Path(option(arguments, "--output")).write_text("{}")
    return [_EXAMPLE["tokenizer"]]


def _train(arguments: list[str]) -> str:
    run = Path(option(arguments, "--output"))
    run.mkdir(parents=True)
    values = changes(arguments)
    steps = int(values["training.steps"])
    size = int(values["training.sequences_per_step"]) * int(values["data.sequence_bytes"])
    # A byte of German costs the baseline twice as much.
    flops = size * (2e6 if "subword" in run.name and "german" in run.name else 1e6)
    totals = {
        **{"logged_steps": steps, "bytes": steps * size, "flops": steps * flops, "seconds": 0.5 * steps},
        "peak_learning_rate": 0.001,
    }
    curve = training(2.0, size)["curve"]
    report = {
        "totals": totals,
        "curve": [{"step_seconds": 0.5}] * steps,
        # Of the first, the figure is not finite.
        "evaluations": [
            {**point, "text_bytes": 9}
            for point in [{**curve[0], "bits_per_byte": None}, *(each for each in curve if each["step"] <= steps)]
        ],
        "configuration": Path(option(arguments, "--config")).read_text(),
    }
    (run / "report.json").write_text(json.dumps(report))
    return ""


def changes(arguments: list[str]) -> dict[str, str]:
    """What `--set` changes."""
    return dict(arguments[place + 1].split("=") for place, word in enumerate(arguments) if word == "--set")


def _evaluate(arguments: list[str]) -> list[Results]:
    kind = next((kind for kind in ("cloze", "choice") if f"--{kind}" in arguments), "text")
    return [comparison("plain", kind, perturbed="--perturb" in arguments)]


def _words(arguments: list[str]) -> list[Results]:
    found = _EXAMPLE["words"]
    if "--near" not in arguments:
        return [found["recognized"]["plain"]["all-caps"]]
    near = arguments[arguments.index("--near") + 1 :]
    return [{"word": word, "neighbours": found["neighbours"]["plain"][word]} for word in near]


def _benchmark(arguments: list[str]) -> list[Results]:
    runs = {"plain": option(arguments, "--checkpoint"), "subword": option(arguments, "--baseline")}
    measurements = [
        {**each, "checkpoint": runs[each["model"]]}
        for each in _EXAMPLE["inference"]["measurements"]
        if each["model"] in runs
    ]
    return [{"measurements": measurements, "ratios": generation_ratios()}]
