"""The stages: a pretrained model, dialogues, tuning by them, and tuning by preferences, each measured."""

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from corpus.errors import ExitCode, Failure
from corpus.manifest import whole_or_absent, write_durably
from reproduction.commands import shown
from reproduction.machine import ROOT, description
from reproduction.staging import Result, Stage
from tuning import answers, figures, recipe
from tuning.dialogues import Author, Json
from tuning.laboratory import NEW_QUESTIONS, NEW_WORDS, PREFERRED, PRETRAINED, SETS, TUNED, Laboratory
from tuning.tasks import words_of_questions
from tuning.words import Vocabulary, vocabulary

# Beside the two sets: the files of dialogues and pairs. Their corpora have their names.
TRAINING, PAIRS, MEASURED_PAIRS = "training", "pairs", "measured-pairs"
_TEXT = "text"

# The share of text that is held out from pretraining.
_HELD_OUT_TEXT = 0.01


def stages() -> list[Stage[Laboratory]]:
    return [
        Stage("machine", "Recording machine and commit", _describe_machine),
        Stage("texts", "Fetching English text", _fetch),
        Stage("dialogues", "Writing dialogues", _write_dialogues, ("texts",)),
        Stage("corpora", "Preprocessing text and dialogues", _preprocess, ("dialogues",)),
        Stage("train-pretrained", "Pretraining on text", _pretrain, ("corpora",)),
        _measurement(PRETRAINED),
        Stage("train-tuned", "Tuning by dialogues", _tune, ("train-pretrained",)),
        _measurement(TUNED),
        Stage("pairs", "Letting the tuned model answer, for pairs", _make_pairs, ("train-tuned",)),
        Stage("train-preferred", "Tuning by preference pairs", _prefer, ("pairs",)),
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
        raise Failure(
            ExitCode.INPUT_MISSING,
            f"{folder} has no files *.jsonl",
            "--texts names a folder that scripts/fetch-corpus made.",
        )
    return {"folder": str(folder), "bytes": {file.name: file.stat().st_size for file in files}}


def _write_dialogues(laboratory: Laboratory) -> Result:
    words = _words(laboratory)
    # No two files have the same seed.
    sets = {
        name: list(Author(known, seed).measuring(recipe.MEASURED_DIALOGUES))
        for name, known, seed in ((NEW_QUESTIONS, words.training, 1), (NEW_WORDS, words.held_out, 2))
    }
    asked = {question for dialogue in sets[NEW_QUESTIONS] for question in dialogue.questions}
    training = Author(words.training, 3).training(recipe.TRAINING_DIALOGUES, without=asked)
    written = {**sets, TRAINING: training}
    return {
        "words": {name: len(part) for name, part in asdict(words).items()},
        "lines": {
            name: _write_lines(laboratory.dialogues(name), (dialogue.encode() for dialogue in dialogues))
            for name, dialogues in written.items()
        },
    }


def _words(laboratory: Laboratory) -> Vocabulary:
    return vocabulary(laboratory.texts, words_of_questions())


def _write_lines(path: Path, lines: Iterable[Json]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with whole_or_absent(path) as file:
        for line in lines:
            file.write((json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8"))
            count += 1
    return count


def _preprocess(laboratory: Laboratory) -> Result:
    text = laboratory.hat.preprocess(laboratory.texts, laboratory.corpus(_TEXT), "whitespace", _HELD_OUT_TEXT)
    dialogues = {name: _corpus(laboratory, name, "dialogues") for name in (TRAINING, *SETS)}
    return {_TEXT: text, **dialogues}


def _corpus(laboratory: Laboratory, name: str, documents: str) -> Result:
    holdout = recipe.HOLDOUT if name in (TRAINING, PAIRS) else 0
    files = laboratory.dialogues(name), laboratory.corpus(name)
    return laboratory.hat.preprocess(*files, "whitespace", holdout, documents)


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


def _make_pairs(laboratory: Laboratory) -> Result:
    """Of what the tuned model answers to questions about words that are new to it."""
    words, run = _words(laboratory), laboratory.run(TUNED)
    found: Result = {}
    for name, known, seed, count in (
        (PAIRS, words.preferences, 4, recipe.TRAINING_PAIRS),
        (MEASURED_PAIRS, words.held_out, 5, recipe.MEASURED_PAIRS),
    ):
        author = Author(known, seed)
        dialogues = list(author.measuring(count))
        given = answers.ask(run, [dialogue.prompt for dialogue in dialogues], laboratory.program)
        pairs = [author.pair(*each) for each in zip(dialogues, given, strict=True)]
        wrong = sum(dialogue.answer != answer for dialogue, answer in zip(dialogues, given, strict=True))
        _write_lines(laboratory.dialogues(name), pairs)
        corpus = _corpus(laboratory, name, "preferences")
        found[name] = {"pairs": len(pairs), "wrong_answers": wrong, "corpus": corpus}
    return found


def _prefer(laboratory: Laboratory) -> Result:
    _train(laboratory, PREFERRED, laboratory.configuration, laboratory.corpus(PAIRS), start=TUNED)
    return _cost(laboratory, PREFERRED)


def _train(
    laboratory: Laboratory, model: str, config: Path, data: Path | list[str], start: str | None = None
) -> None:
    values = recipe.SETTINGS[model]
    laboratory.hat.train(
        *(config, data, laboratory.run(model), laboratory.settings.ranks, values),
        start=laboratory.run(start) if start else None,
    )


def _cost(laboratory: Laboratory, model: str) -> Result:
    training = laboratory.hat.training(laboratory.run(model))
    return {"steps": training.steps, "bytes": training.bytes, "seconds": training.seconds}


def _measurement(model: str) -> Stage[Laboratory]:
    rests_on = (f"train-{model}", *(("pairs",) if model == PREFERRED else ()))
    return Stage(f"measure-{model}", f"Asking the model: {model}", _measure(model), rests_on)


def _measure(model: str) -> Callable[[Laboratory], Result]:
    """The stage that asks the model both sets, and evaluates it on their answers, on text and on pairs."""

    def work(laboratory: Laboratory) -> Result:
        run, hat = laboratory.run(model), laboratory.hat
        found: Result = {"answers": {}, "dialogues": {}}
        for name in SETS:
            dialogues = answers.read(laboratory.dialogues(name))
            given = answers.ask(run, [each["messages"][:-1] for each in dialogues], laboratory.program)
            found["answers"][name] = answers.judged(dialogues, given)
            evaluated = hat.evaluate(run, "data", laboratory.corpus(name), part="train")
            found["dialogues"][name] = figures.of_text(evaluated)
        found["text"] = figures.of_text(hat.evaluate(run, "data", laboratory.corpus(_TEXT)))
        if model == PREFERRED:
            pairs, before = laboratory.corpus(MEASURED_PAIRS), laboratory.run(TUNED)
            compared = hat.evaluate(run, "data", pairs, against=before, part="train")
            found["pairs"] = {
                TUNED: figures.of_pairs(compared["against"]),
                PREFERRED: figures.of_pairs(compared),
            }
        return found

    return work
