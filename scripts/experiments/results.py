"""The results of trials, one JSON line each, kept in the repository: docs/experiments."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpus.errors import ExitCode, Failure
from corpus.folders import locked
from corpus.manifest import write_durably
from experiments.planning import Run
from experiments.search import Search, Trial
from reproduction import machine
from reproduction.hat import Answer, Hat

Line = dict[str, Any]

# The training loss is the mean over this many last steps: hat's own number.
LAST_STEPS = 50


class Results:
    """Those of one search. A trial that another search has finished is taken from there."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.jsonl"
        self._lines = list(_read(self.path))
        others = [path for path in sorted(folder.glob("*.jsonl")) if path != self.path]
        self._others = [line for path in others for line in _read(path)]

    def of(self, search: Search, trial: Trial, seed: int) -> Line | None:
        """The newest result of what the search's file says, whichever program or corpus it was made with."""
        wanted = _identity(search, trial, seed)
        return next((line for line in reversed(self._lines) if line["trial"] == wanted), None)

    def finished(self, run: Run) -> Line | None:
        """The result of this run or of an equal one, under whatever name, of whatever search."""
        return next((line for line in self._lines + self._others if line["key"] == run.key), None)

    def keep_finished(self, search: Search, run: Run) -> bool:
        """Whether the run is finished. A result of another name is kept under this one, too."""
        found = self.finished(run)
        if found is None:
            return False
        line = self.of(search, run.trial, run.seed)
        if line is None or line["key"] != run.key:
            self.keep(
                {**found, "trial": _identity(search, run.trial, run.seed), "flops_ratio": run.flops_ratio}
            )
        return True

    def keep(self, line: Line) -> None:
        with locked(self.path.parent):
            # Another search may have added lines since.
            self._lines = [*_read(self.path), line]
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in self._lines)
            write_durably(self.path, text.encode("utf-8"))


def measured(hat: Hat, search: Search, run: Run, folder: Path, corpus: Path, ranks: int) -> Line:
    """The line of a run that has ended. All held-out text is measured. It has no path of this machine."""
    training = hat.training(folder)
    if training.steps != run.steps:
        raise Failure(
            ExitCode.OUR_FAULT,
            f"{folder / 'metrics.jsonl'} has {training.steps} steps instead of {run.steps}",
            "Remove the folder and start again.",
        )
    held_out = hat.evaluate(folder, "data", corpus)
    return {
        "key": run.key,
        "trial": _identity(search, run.trial, run.seed),
        "values": dict(sorted(run.values.items())),
        "held_out": held_out["bits_per_byte"],
        "held_out_interval": held_out["intervals"]["bits_per_byte"],
        "held_out_bytes": held_out["text_bytes"],
        "curve": [[point.step, point.bits_per_byte] for point in training.curve],
        "curve_bytes": training.evaluated_bytes,
        "training": training.last_bits_per_byte,
        "steps": training.steps,
        "bytes": training.bytes,
        "flops": training.flops,
        "seconds": round(training.seconds, 3),
        "flops_ratio": run.flops_ratio,
        "parameters": run.parameters,
        "ranks": ranks,
        "corpus": _text(hat.corpus(corpus)),
        **_maker(folder),
    }


def _identity(search: Search, trial: Trial, seed: int) -> Line:
    """All that the file says about a trial, so that its table can be written without hat."""
    matched = {"match_settings": dict(sorted(trial.match_settings.items()))} if trial.match_settings else {}
    return {
        "base": search.base,
        "match": search.match,
        **matched,
        "steps": trial.steps or search.steps,
        "settings": dict(sorted(search.settings.items())),
        "changes": dict(sorted(trial.changes.items())),
        "seed": seed,
    }


def _text(corpus: Answer) -> Line:
    return {
        "fingerprint": corpus["data_fingerprint"],
        "bytes": corpus["train"]["bytes"],
        "rule": corpus["rule"],
    }


def _maker(folder: Path) -> Line:
    description = json.loads((folder / "run.json").read_text("utf-8"))
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": machine.commit(),
        "changed": machine.has_changes(besides="docs/experiments"),
        "program": description["program_checksum"],
        "products": description["products"],
        "processor": machine.processor(),
        "cores": machine.cores(),
    }


def _read(path: Path) -> Iterator[Line]:
    if not path.exists():
        return
    for number, text in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            line = json.loads(text)
            line["key"], line["trial"]
        except (ValueError, KeyError, TypeError) as error:
            raise Failure(
                ExitCode.INVALID_DATA,
                f"{path}:{number} is no result of a trial ({error})",
                "Remove the line.",
            ) from error
        yield line
