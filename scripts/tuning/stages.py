"""The stages: a pretrained model, dialogues, tuning by them, and tuning by preferences, each measured."""

import json
import sys
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from corpus.errors import ExitCode
from corpus.manifest import whole_or_absent, write_durably
from reproduction.commands import StageFailure, shown
from reproduction.machine import ROOT, description
from reproduction.staging import Result, Stage
from tuning import answers, figures, recipe
from tuning.dialogues import Author, Json
from tuning.laboratory import NEW_QUESTIONS, NEW_WORDS, PREFERRED, PRETRAINED, SETS, TUNED, Laboratory
from tuning.tasks import words_of_questions
from tuning.words import vocabulary

# The files of dialogues and pairs beside the two sets, and what each line is. Their corpora have their names.
TRAINING, PAIRS, MEASURED_PAIRS = "training", "pairs", "measured-pairs"
_DOCUMENTS = {
    **dict.fromkeys((TRAINING, *SETS), "dialogues"),
    **dict.fromkeys((PAIRS, MEASURED_PAIRS), "preferences"),
}
_TEXT = "text"

# The share of text that is held out from pretraining.
_HELD_OUT_TEXT = 0.01


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
    # No two files have the same seed.
    measuring = {
        name: list(Author(known, seed).measuring(recipe.MEASURED_DIALOGUES))
        for name, known, seed in ((NEW_QUESTIONS, words.training, 1), (NEW_WORDS, words.held_out, 2))
    }
    pairs = list(Author(words.training, 3).pairs(recipe.MEASURED_PAIRS))
    asked = {question for dialogue in measuring[NEW_QUESTIONS] for question in dialogue.questions}
    asked |= {message["content"] for pair in pairs for message in pair["prompt"]}
    written: dict[str, Iterable[Json]] = {
        **{name: (dialogue.encode() for dialogue in dialogues) for name, dialogues in measuring.items()},
        MEASURED_PAIRS: pairs,
        TRAINING: (
            dialogue.encode()
            for dialogue in Author(words.training, 4).training(recipe.TRAINING_DIALOGUES, without=asked)
        ),
        PAIRS: Author(words.training, 5).pairs(recipe.TRAINING_PAIRS, without=asked),
    }
    counts = {name: _write_lines(laboratory.dialogues(name), lines) for name, lines in written.items()}
    return {"words": {"training": len(words.training), "held_out": len(words.held_out)}, "lines": counts}


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
    laboratory.hat.train(
        *(config, data, laboratory.run(model), laboratory.settings.ranks, values),
        start=laboratory.run(start) if start else None,
    )


def _cost(laboratory: Laboratory, model: str) -> Result:
    training = laboratory.hat.training(laboratory.run(model))
    return {"steps": training.steps, "bytes": training.bytes, "seconds": training.seconds}


def _measurement(model: str) -> Stage[Laboratory]:
    return Stage(f"measure-{model}", f"Asking the model: {model}", _measure(model), (f"train-{model}",))


def _measure(model: str) -> Callable[[Laboratory], Result]:
    """The stage that asks the model both sets, and evaluates it on their answers, on pairs and on text."""

    def work(laboratory: Laboratory) -> Result:
        run, hat = laboratory.run(model), laboratory.hat
        asked = {name: answers.read(laboratory.dialogues(name)) for name in SETS}
        given = iter(
            answers.ask(
                run, [dialogue for dialogues in asked.values() for dialogue in dialogues], laboratory.program
            )
        )
        judged = {
            name: answers.judged(dialogues, list(islice(given, len(dialogues))))
            for name, dialogues in asked.items()
        }
        evaluated = {
            name: hat.evaluate(run, "data", laboratory.corpus(name), part="train")
            for name in (*SETS, MEASURED_PAIRS)
        }
        return {
            "answers": judged,
            "dialogues": {name: figures.of_text(evaluated[name]) for name in SETS},
            "pairs": figures.of_pairs(evaluated[MEASURED_PAIRS]),
            "text": figures.of_text(hat.evaluate(run, "data", laboratory.corpus(_TEXT))),
        }

    return work
