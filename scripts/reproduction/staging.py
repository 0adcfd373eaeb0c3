"""Stages of a program. Each is done once: its result is kept, so that a stopped run can continue."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from corpus.manifest import write_durably
from corpus.progress import Progress
from reproduction.commands import Commands, duration

# The result of a stage, as JSON.
Result = dict[str, Any]


class Workplace(Protocol):
    """What stages work with. `results` and `seconds` are those of the stages finished so far, by name."""

    progress: Progress
    commands: Commands
    results: dict[str, Result]
    seconds: dict[str, float]


Place = TypeVar("Place", bound=Workplace)


@dataclass(frozen=True)
class Stage(Generic[Place]):
    """`work` may use the results of the stages named in `rests_on`."""

    name: str
    title: str
    work: Callable[[Place], Result]
    rests_on: tuple[str, ...] = ()


class Record:
    """The results on disk, one file per stage."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, stage: Stage[Any]) -> Path:
        return self._folder / f"{stage.name}.json"

    def finished(self, stage: Stage[Any], basis: str) -> Result | None:
        """The stage's result. None if it has none, or if a result that it rests on has changed since."""
        try:
            content: Result = json.loads(self.path(stage).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return content if content.get("basis") == basis else None

    def keep(self, stage: Stage[Any], basis: str, seconds: float, result: Result) -> Result:
        content = {"stage": stage.name, "basis": basis, "seconds": seconds, "result": result}
        self._folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        write_durably(self.path(stage), text.encode("utf-8"))
        return content


def run_all(stages: list[Stage[Place]], workplace: Place, record: Record) -> None:
    """Does the stages that are not done yet, in order.

    - Raises: `Failure` of the first stage that fails.
    """
    for stage in stages:
        workplace.progress.begin(stage.title)
        basis = _basis(stage, workplace)
        content = record.finished(stage, basis)
        if content is None:
            workplace.commands.begin(stage.name)
            started = time.monotonic()
            result = stage.work(workplace)
            content = record.keep(stage, basis, time.monotonic() - started, result)
            workplace.progress.note(f"done in {duration(content['seconds'])}")
        else:
            workplace.progress.note("already done")
        workplace.results[stage.name] = content["result"]
        workplace.seconds[stage.name] = content["seconds"]


def _basis(stage: Stage[Any], workplace: Workplace) -> str:
    """Changes whenever a result that the stage rests on changes."""
    content = json.dumps([workplace.results[name] for name in stage.rests_on], sort_keys=True)
    return hashlib.sha256(content.encode("utf-8")).hexdigest()[:16]
