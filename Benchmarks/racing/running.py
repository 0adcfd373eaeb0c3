"""Trains the entries of a race, each to its end, and reads their curves."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from corpus.errors import ExitCode, Failure
from experiments.planning import Planner, Run
from experiments.search import Search, Trial
from racing.race import PYTORCH, Entry, Race
from reproduction.hat import Hat, Point
from reproduction.machine import ROOT

# Of the order of documents and of the first weights.
_SEED = 1


@dataclass(frozen=True)
class Finish:
    """An entry that has trained to its end. Seconds and FLOPs of its curve are those of its steps alone."""

    entry: Entry
    run: Run
    curve: list[Point]
    evaluated_bytes: int
    bytes: int
    flops: float
    seconds: float

    def json(self) -> dict[str, Any]:
        run = self.run
        return {
            **{"name": self.entry.name, "trainer": self.entry.trainer, "config": self.entry.config},
            **{"key": run.key, "values": dict(sorted(run.values.items())), "parameters": run.parameters},
            **{"evaluated_bytes": self.evaluated_bytes, "steps": run.steps, "bytes": self.bytes},
            **{"flops": self.flops, "seconds": self.seconds},
            "curve": [asdict(point) for point in self.curve],
        }


# Trains the run into the folder, with the configuration, and continues where it was stopped.
Trainer = Callable[[Run, Path, Path], None]


class Course:
    """What all entries have in common: corpus, folder, ranks."""

    def __init__(self, race: Race, hat: Hat, corpus: Path, folder: Path, ranks: int) -> None:
        self.race, self.hat, self.corpus, self.folder, self.ranks = race, hat, corpus, folder, ranks

    def plan(self, entry: Entry) -> Run:
        """- Raises: `Failure` if hat refuses a setting."""
        base = Trial("", entry.name, {})
        own = Trial("", entry.name, entry.settings, may_change_flops=True, steps=entry.steps)
        search = Search(
            name=self.race.name,
            title=self.race.title,
            base=entry.config,
            match=entry.match,
            steps=self.race.steps,
            seeds=(_SEED,),
            evaluations=self.race.evaluations,
            settings={},
            trials=(base, own),
        )
        [run] = Planner(self.hat, search, self.corpus, self.folder).runs([own])
        # An entry may take hours: a stop costs the steps since the last evaluation.
        often = {"output.checkpoint_every": run.values["output.evaluate_every"]}
        return replace(run, values={**run.values, **often})

    def run_folder(self, entry: Entry, run: Run) -> Path:
        trainer = f"{entry.trainer}-" if entry.trainer == PYTORCH else ""
        return self.folder / "runs" / f"{trainer}{run.key}"

    def train_by_hat(self, run: Run, config: Path, folder: Path) -> None:
        values: dict[str, object] = dict(run.values)
        self.hat.train(config, self.corpus, folder, self.ranks, values, tokenizer=run.tokenizer)

    def finish(self, entry: Entry, run: Run, train: Trainer) -> Finish:
        """Trains, unless that is done."""
        folder = self.run_folder(entry, run)
        if not self._is_finished(folder, run):
            train(run, ROOT / entry.config, folder)
        if not self._is_finished(folder, run):
            raise Failure(
                ExitCode.OUR_FAULT,
                f"{folder} has no evaluation of its last step",
                "Remove it and start again.",
            )
        training = self.hat.training(folder)
        return Finish(
            *(entry, run, training.curve, training.evaluated_bytes),
            *(training.bytes, training.flops, training.seconds),
        )

    def _is_finished(self, folder: Path, run: Run) -> bool:
        if not (folder / "config.yaml").exists():
            return False
        training = self.hat.training(folder)
        return training.steps == run.steps and bool(training.curve) and training.curve[-1].step == run.steps


def check_same_text(entry: Entry, evaluated_bytes: int, first: Finish) -> None:
    """- Raises: `Failure` if an entry is measured on other held-out text than the first.

    hat measures at most eight steps' worth of it during training, which depends on the batch; PyTorch all of it.
    """
    if evaluated_bytes != first.evaluated_bytes:
        raise Failure(
            ExitCode.BAD_CONFIGURATION,
            f"{entry.name} is measured on {evaluated_bytes:,} bytes of held-out text, "
            f"{first.entry.name} on {first.evaluated_bytes:,}",
            "Give both the same batch and sequences, or make the corpus with a smaller --holdout.",
        )


def levels(race: Race, curve: list[Point]) -> list[float]:
    """The race's, or where the curve is after a quarter, a half, three quarters and all of its steps."""
    if race.levels:
        return list(race.levels)
    found = []
    for part in (0.25, 0.5, 0.75, 1.0):
        passed = [point.bits_per_byte for point in curve if point.step <= part * curve[-1].step]
        if passed:
            # Two digits, and still reached.
            found.append(math.ceil(100 * min(passed)) / 100)
    return list(dict.fromkeys(found))
