"""Stages: each is done once, and its result kept, so that a run that was stopped goes on where it was."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from corpus.manifest import write_durably
from reproduction.laboratory import Laboratory, Result
from reproduction.progress import duration


@dataclass(frozen=True)
class Stage:
    """`work` gets the laboratory, with the results of the stages that are named in `rests_on`."""

    name: str
    title: str
    work: Callable[[Laboratory], Result]
    rests_on: tuple[str, ...] = ()


class Record:
    """The results on disk, a file for each stage."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, stage: Stage) -> Path:
        return self._folder / f"{stage.name}.json"

    def finished(self, stage: Stage, basis: str) -> Result | None:
        """What the stage found, unless something it rests on is another now."""
        try:
            content: Result = json.loads(self.path(stage).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return content if content.get("basis") == basis else None

    def keep(self, stage: Stage, basis: str, seconds: float, result: Result) -> Result:
        content = {"stage": stage.name, "basis": basis, "seconds": seconds, "result": result}
        self._folder.mkdir(parents=True, exist_ok=True)
        write_durably(
            self.path(stage), (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode("utf-8")
        )
        return content


def run_all(stages: list[Stage], laboratory: Laboratory, record: Record) -> None:
    """Does what is still to do, in order.

    - Raises: `StageFailure` of the first stage that cannot go on.
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
    """Changes whenever a result that the stage rests on does."""
    content = json.dumps([laboratory.results[name] for name in stage.rests_on], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8")).hexdigest()[:16]
