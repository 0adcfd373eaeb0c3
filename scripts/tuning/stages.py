"""The stages: a pretrained model, dialogues, tuning by them, and tuning by preferences, each measured."""

import json
import math
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from corpus.errors import ExitCode
from corpus.manifest import whole_or_absent, write_durably
from reproduction.commands import StageFailure, shown
from reproduction.machine import ROOT, description
from reproduction.staging import Result, Stage
from tuning import answers, figures, recipe
from tuning.dialogues import Author, Json
from tuning.laboratory import PREFERRED, PRETRAINED, TUNED, Laboratory
from tuning.tasks import words_of_questions
from tuning.words import vocabulary

# The files of dialogues and pairs, which are also the names of their corpora, and what each line is.
TRAINING, HELD_OUT, PAIRS, HELD_OUT_PAIRS = "training", "held-out", "pairs", "held-out-pairs"
_DOCUMENTS = {
    **{TRAINING: "dialogues", HELD_OUT: "dialogues"},
    **{PAIRS: "preferences", HELD_OUT_PAIRS: "preferences"},
}
_TEXT = "text"
# The files do not depend on each other.
_SEEDS = {TRAINING: 1, HELD_OUT: 2, PAIRS: 3, HELD_OUT_PAIRS: 4}

# The share of text that is held out from pretraining.
_HELD_OUT_TEXT = 0.01
_EVALUATIONS = 8


def stages() -> list[Stage[Laboratory]]:
    return [
        Stage("machine", "Recording machine and commit", _describe_machine),
        Stage("texts", "Fetching English text", _fetch),
        Stage("dialogues", "Writing dialogues and preference pairs", _write, ("texts",)),
        Stage("corpora", "Preprocessing text, dialogues and pairs", _preprocess, ("dialogues",)),
        Stage("train-pretrained", "Pretraining on text", _pretrain, ("corpora",)),
        _measurement(PRETRAINED),
        Stage("train-tuned", "Tuning by dialogues", _tune, ("train-pretrained",)),
        _measurement(TUNED),
        Stage("train-preferred", "Tuning by preference pairs", _prefer, ("train-tuned",)),
        _measurement(PREFERRED),
    ]


def _describe_machine(laboratory: Laboratory) -> Result:
    return description(laboratory.typed)


def _fetch(laboratory: Laboratory) -> Result:
    folder = laboratory.texts
    if laboratory.settings.texts is None:
        arguments = ["english", "--output", str(folder)]
        command = [sys.executable, str(ROOT / "scripts/fetch-corpus"), *arguments]
        laboratory.commands.run(command, shown("scripts/fetch-corpus", *arguments))
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise StageFailure(
            ExitCode.INPUT_MISSING,
            f"{folder} has no files *.jsonl",
            "--texts names a folder that scripts/fetch-corpus made.",
        )
    return {"folder": str(folder), "bytes": {file.name: file.stat().st_size for file in files}}


def _write(laboratory: Laboratory) -> Result:
    words = vocabulary(laboratory.texts, words_of_questions())
    known, unknown = words.training, words.held_out
    written: dict[str, Iterable[Json]] = {
        TRAINING: (
            dialogue.encode()
            for dialogue in Author(known, _SEEDS[TRAINING]).training(recipe.TRAINING_DIALOGUES)
        ),
        HELD_OUT: (
            dialogue.encode()
            for dialogue in Author(unknown, _SEEDS[HELD_OUT]).held_out(recipe.HELD_OUT_DIALOGUES)
        ),
        PAIRS: Author(known, _SEEDS[PAIRS]).pairs(recipe.TRAINING_PAIRS),
        HELD_OUT_PAIRS: Author(unknown, _SEEDS[HELD_OUT_PAIRS]).pairs(recipe.HELD_OUT_PAIRS),
    }
    counts = {name: _write_lines(laboratory.dialogues(name), lines) for name, lines in written.items()}
    return {"words": {"training": len(known), "held_out": len(unknown)}, "lines": counts}


def _write_lines(path: Path, lines: Iterable[Json]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with whole_or_absent(path) as file:
        for line in lines:
            file.write((json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8"))
            count += 1
    return count


def _preprocess(laboratory: Laboratory) -> Result:
    hat = laboratory.hat
    found = {_TEXT: hat.preprocess(laboratory.texts, laboratory.corpus(_TEXT), "whitespace", _HELD_OUT_TEXT)}
    for name, documents in _DOCUMENTS.items():
        share = recipe.HOLDOUT if name in (TRAINING, PAIRS) else 0
        found[name] = hat.preprocess(
            *(laboratory.dialogues(name), laboratory.corpus(name), "whitespace", share), documents
        )
    return found


def _pretrain(laboratory: Laboratory) -> Result:
    if laboratory.settings.checkpoint is None:
        given = laboratory.folder / "given.yaml"
        write_durably(given, laboratory.settings.config.encode("utf-8"))
        _train(laboratory, PRETRAINED, given, laboratory.corpus(_TEXT))
    training = laboratory.hat.training(laboratory.run(PRETRAINED))
    write_durably(laboratory.configuration, training.configuration.encode("utf-8"))
    return _cost(laboratory, PRETRAINED)


def _tune(laboratory: Laboratory) -> Result:
    dialogues, text = (laboratory.corpus(name) for name in (TRAINING, _TEXT))
    data = [f"{dialogues}:{1 - recipe.TEXT_SHARE:g}", f"{text}:{recipe.TEXT_SHARE:g}"]
    _train(laboratory, TUNED, laboratory.configuration, data, start=PRETRAINED)
    return _cost(laboratory, TUNED)


def _prefer(laboratory: Laboratory) -> Result:
    _train(laboratory, PREFERRED, laboratory.configuration, laboratory.corpus(PAIRS), start=TUNED)
    return _cost(laboratory, PREFERRED)


def _train(
    laboratory: Laboratory, model: str, config: Path, data: Path | list[str], start: str | None = None
) -> None:
    values = recipe.SETTINGS[model]
    every = math.ceil(int(str(values["training.steps"])) / _EVALUATIONS)
    output = {"output.evaluate_every": every, "output.checkpoint_every": every, "output.keep": 1}
    laboratory.hat.train(
        *(config, data, laboratory.run(model), laboratory.settings.ranks, {**values, **output}),
        start=laboratory.run(start) if start else None,
    )


def _cost(laboratory: Laboratory, model: str) -> Result:
    training = laboratory.hat.training(laboratory.run(model))
    return {"steps": training.steps, "bytes": training.bytes, "seconds": training.seconds}


def _measurement(model: str) -> Stage[Laboratory]:
    return Stage(f"measure-{model}", f"Asking the model: {model}", _measure(model), (f"train-{model}",))


def _measure(model: str) -> Callable[[Laboratory], Result]:
    """The stage that asks the model the held-out dialogues, and evaluates it on their answers and on text."""

    def work(laboratory: Laboratory) -> Result:
        run, hat = laboratory.run(model), laboratory.hat
        asked = answers.read(laboratory.dialogues(HELD_OUT))
        found = answers.judged(asked, answers.ask(run, asked, laboratory.program))
        evaluated = hat.evaluate(run, "data", laboratory.corpus(HELD_OUT), part="train")
        text = hat.evaluate(run, "data", laboratory.corpus(_TEXT))
        pairs = hat.evaluate(run, "data", laboratory.corpus(HELD_OUT_PAIRS), part="train")
        return {
            "answers": found,
            "dialogues": figures.of_text(evaluated),
            "text": figures.of_text(text),
            "pairs": figures.of_pairs(pairs),
        }

    return work
