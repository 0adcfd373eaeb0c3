"""The stages and their order. Each is done once: its result is kept, so that a stopped run can continue."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from corpus.manifest import write_durably
from reproduction import material, measuring, questions, training
from reproduction.commands import duration
from reproduction.laboratory import COMPARED, HIERARCHICAL, MODELS, Laboratory, Result


@dataclass(frozen=True)
class Stage:
    """`work` may use the results of the stages named in `rests_on`."""

    name: str
    title: str
    work: Callable[[Laboratory], Result]
    rests_on: tuple[str, ...] = ()


def stages() -> list[Stage]:
    compared = tuple(f"train-{model.name}" for model in COMPARED)
    hierarchical = tuple(f"train-{model.name}" for model in HIERARCHICAL)
    trained = tuple(f"train-{model.name}" for model in MODELS)
    adapted = tuple(f"adapt-{model.name}" for model in COMPARED)
    return [
        Stage("machine", "Recording machine and commit", material.describe_machine),
        Stage("texts", "Fetching English and German text", material.fetch),
        Stage("corpora", "Preprocessing: words, and patches of 8 bytes", material.prepare, ("texts",)),
        Stage("tokenizer", "Learning the baseline's vocabulary", material.learn_vocabulary, ("corpora",)),
        Stage(
            "match",
            "Matching the baseline's compute, applying recipes",
            material.match,
            ("corpora", "tokenizer"),
        ),
        Stage("questions", "Making questions from held-out text", questions.make_questions, ("corpora",)),
        Stage("speed", "Measuring training speed", training.measure_speed, ("match",)),
        *(
            Stage(
                *(f"train-{model.name}", f"Training on English: {model.title}"),
                *(training.train(model), ("match", "speed")),
            )
            for model in MODELS
        ),
        *(
            Stage(
                *(f"measure-{model.name}", f"Evaluating against the baseline: {model.title}"),
                *(measuring.measure(model), ("questions", f"train-{model.name}", "train-subword")),
            )
            for model in HIERARCHICAL
        ),
        Stage(
            *("measure-recipes", "Evaluating the robustness of both recipes"),
            *(measuring.measure_recipes, hierarchical),
        ),
        Stage(
            *("measure-fixed", "Evaluating the model of fixed patches"),
            *(measuring.measure_fixed, ("questions", "train-recommended", "train-fixed")),
        ),
        *(
            Stage(
                *(f"adapt-{model.name}", f"Training on German: {model.title}"),
                *(training.adapt(model), ("speed", f"train-{model.name}")),
            )
            for model in COMPARED
        ),
        Stage("adaptation", "Evaluating both languages", measuring.measure_adaptation, adapted),
        Stage("words", "Finding the nearest words", measuring.find_neighbours, hierarchical),
        Stage("inference", "Measuring generation speed", measuring.measure_inference, compared),
        Stage("samples", "Generating samples", measuring.write_samples, trained),
    ]


class Record:
    """The results on disk, one file per stage."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, stage: Stage) -> Path:
        return self._folder / f"{stage.name}.json"

    def finished(self, stage: Stage, basis: str) -> Result | None:
        """The stage's result. None if it has none, or if a result that it rests on has changed since."""
        try:
            content: Result = json.loads(self.path(stage).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return content if content.get("basis") == basis else None

    def keep(self, stage: Stage, basis: str, seconds: float, result: Result) -> Result:
        content = {"stage": stage.name, "basis": basis, "seconds": seconds, "result": result}
        self._folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        write_durably(self.path(stage), text.encode("utf-8"))
        return content


def run_all(stages: list[Stage], laboratory: Laboratory, record: Record) -> None:
    """Does the stages that are not done yet, in order.

    - Raises: `StageFailure` of the first stage that fails.
    """
    for stage in stages:
        laboratory.progress.begin(stage.title)
        basis = _basis(stage, laboratory)
        content = record.finished(stage, basis)
        if content is None:
            laboratory.commands.begin(stage.name)
            started = time.monotonic()
            result = stage.work(laboratory)
            content = record.keep(stage, basis, time.monotonic() - started, result)
            laboratory.progress.note(f"done in {duration(content['seconds'])}")
        else:
            laboratory.progress.note("already done")
        laboratory.results[stage.name] = content["result"]
        laboratory.seconds[stage.name] = content["seconds"]


def _basis(stage: Stage, laboratory: Laboratory) -> str:
    """Changes whenever a result that the stage rests on changes."""
    content = json.dumps([laboratory.results[name] for name in stage.rests_on], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8")).hexdigest()[:16]
