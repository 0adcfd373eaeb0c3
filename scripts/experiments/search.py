"""A search, as its file describes it (docs/experiments/README.md): a base, and trials that differ from it."""

import itertools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from corpus.errors import ExitCode
from reproduction.commands import StageFailure
from reproduction.machine import ROOT

# A setting such as `training.steps`, and its value as `--set` takes it.
Values = dict[str, str]

_KEYS = {
    *("title", "base", "match", "kind", "steps", "seeds", "evaluations"),
    *("flops_may_change", "settings", "axes", "trials"),
}
_TRIAL_KEYS = {"name", "settings", "flops_may_change"}
# What the search itself sets, and by which key.
_OWN = {
    "training.steps": "steps",
    "data.seed": "seeds",
    "output.evaluate_every": "evaluations",
    "output.checkpoint_every": None,
    "output.keep": None,
}


@dataclass(frozen=True)
class Trial:
    """`changes` are those to the base; none is the base itself. `axis` is the table it belongs to."""

    axis: str
    name: str
    changes: Values = field(hash=False)
    may_change_flops: bool = False


def label(trial: Trial) -> str:
    """As `scripts/search --list` shows it."""
    return f"{trial.axis}={trial.name}" if "." in trial.axis else trial.name


@dataclass(frozen=True)
class Search:
    name: str
    title: str
    # Configurations, relative to the repository. `match` is the model whose cost a baseline is to have.
    base: str
    match: str | None
    # At the base's batch: a trial with another batch takes as many steps as read the same text.
    steps: int
    seeds: tuple[int, ...]
    evaluations: int
    settings: Values
    trials: tuple[Trial, ...]


def read(path: Path) -> Search:
    """- Raises: `StageFailure` that names the key, if the file describes no search."""
    try:
        return _Reader(path, tomllib.loads(path.read_text("utf-8"))).search()
    except OSError as error:
        known = ", ".join(sorted(other.stem for other in path.parent.glob("*.toml")))
        raise StageFailure(
            ExitCode.INPUT_MISSING,
            f"{path.name} cannot be read ({error.strerror})",
            f"There are: {known}." if known else f"Put it into {path.parent.name}.",
        ) from error
    except ValueError as error:
        raise StageFailure(
            ExitCode.BAD_CONFIGURATION, f"{path.name} is not TOML: {error}", "https://toml.io defines it."
        ) from error


class _Reader:
    def __init__(self, path: Path, content: dict[str, Any]) -> None:
        self._path = path
        self._content = content

    def search(self) -> Search:
        self._refuse_unknown(self._content, _KEYS, "")
        settings = self._settings("settings", self._content.get("settings", {}))
        trials = tuple(self._trials(settings))
        if len(trials) == 1:
            self._fail("axes", "is missing, and so is trials: there is nothing to try")
        return Search(
            name=self._path.stem,
            title=self._get("title", str),
            base=self._configuration("base"),
            match=self._configuration("match") if "match" in self._content else None,
            steps=self._number("steps"),
            seeds=tuple(self._seeds()),
            evaluations=self._number("evaluations", 6),
            settings=settings,
            trials=trials,
        )

    def _trials(self, settings: Values) -> Iterator[Trial]:
        axes = self._axes()
        free = self._free(axes)
        if both := sorted(axes.keys() & settings.keys()):
            self._fail(f"axes.{both[0]}", "is fixed in settings, too")
        yield Trial("", "base", {})
        kind = self._get("kind", str, "star")
        if kind == "star":
            for setting, values in axes.items():
                yield from (Trial(setting, value, {setting: value}, setting in free) for value in values)
        elif kind == "grid":
            for point in itertools.product(*axes.values()) if axes else ():
                changes = dict(zip(axes, point, strict=True))
                name = ", ".join(f"{_last(setting)} {value}" for setting, value in changes.items())
                yield Trial("grid", name, changes, not free.isdisjoint(changes))
        else:
            self._fail("kind", f'is "{kind}", not star (one change at a time) or grid (all together)')
        yield from self._named()

    def _named(self) -> Iterator[Trial]:
        given = self._get("trials", list, [])
        names = set()
        for number, trial in enumerate(given, start=1):
            key = f"trials[{number}]"
            if not isinstance(trial, dict):
                self._fail(key, "is not a table: begin it with [[trials]]")
            self._refuse_unknown(trial, _TRIAL_KEYS, f"{key}.")
            name, may = trial.get("name"), trial.get("flops_may_change", False)
            if not isinstance(name, str) or not name or name in names or name == "base":
                self._fail(f"{key}.name", "must be a text that no other trial has")
            if not isinstance(may, bool):
                self._fail(f"{key}.flops_may_change", "must be true or false")
            names.add(name)
            changes = self._settings(f"{key}.settings", trial.get("settings", {}))
            if not changes:
                self._fail(f"{key}.settings", "is missing: a trial changes something")
            yield Trial("trials", name, changes, may)

    def _axes(self) -> dict[str, list[str]]:
        found = {}
        for setting, values in self._leaves("axes", self._content.get("axes", {})):
            if not isinstance(values, list) or not values:
                self._fail(f"axes.{setting}", "must be a list of values")
            found[setting] = [self._value(f"axes.{setting}", value) for value in values]
            if len(set(found[setting])) < len(values):
                self._fail(f"axes.{setting}", "has a value twice")
        return found

    def _free(self, axes: Mapping[str, object]) -> set[str]:
        free = self._get("flops_may_change", list, [])
        for setting in free:
            if setting not in axes:
                self._fail("flops_may_change", f"names {setting}, which is no axis")
        return set(free)

    def _settings(self, key: str, given: object) -> Values:
        return {
            setting: self._value(f"{key}.{setting}", value) for setting, value in self._leaves(key, given)
        }

    def _leaves(self, key: str, given: object, section: str = "") -> Iterator[tuple[str, object]]:
        """To TOML, `training.clip` is a key in a table, whichever way it is written."""
        if not isinstance(given, dict):
            self._fail(key, "must be a table")
        for name, value in given.items():
            setting = f"{section}{name}"
            if isinstance(value, dict):
                yield from self._leaves(key, value, f"{setting}.")
                continue
            if "." not in setting:
                self._fail(f"{key}.{setting}", "names no section: write it as training.steps")
            if setting in _OWN:
                instead = f"give {_OWN[setting]} instead" if _OWN[setting] else "the search sets it"
                self._fail(f"{key}.{setting}", f"cannot be set here: {instead}")
            yield setting, value

    def _value(self, key: str, value: object) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str | int | float):
            return f"{value:.12g}" if isinstance(value, float) else str(value)
        self._fail(key, "must be a number, a text, or true or false")

    def _configuration(self, key: str) -> str:
        name: str = self._get(key, str)
        if not (ROOT / name).is_file():
            self._fail(key, f"names {name}, which is no file of the repository")
        return name

    def _seeds(self) -> list[int]:
        seeds: list[int] = self._get("seeds", list, [1])
        if (
            not seeds
            or not all(type(seed) is int and seed >= 0 for seed in seeds)
            or len(set(seeds)) < len(seeds)
        ):
            self._fail("seeds", "must be a list of different whole numbers")
        return seeds

    def _number(self, key: str, otherwise: int | None = None) -> int:
        number: int = self._get(key, int, otherwise)
        if isinstance(number, bool) or number < 1:
            self._fail(key, "must be at least 1")
        return number

    def _get(self, key: str, kind: type, otherwise: Any = None) -> Any:
        value = self._content.get(key, otherwise)
        if value is None:
            self._fail(key, "is missing")
        if not isinstance(value, kind):
            names = {str: "a text", int: "a whole number", list: "a list"}
            self._fail(key, f"must be {names[kind]}")
        return value

    def _refuse_unknown(self, table: Mapping[str, object], known: set[str], place: str) -> None:
        for key in table:
            if key not in known:
                self._fail(f"{place}{key}", f"is no key: there are {', '.join(sorted(known))}")

    def _fail(self, key: str, fault: str) -> NoReturn:
        raise StageFailure(
            ExitCode.BAD_CONFIGURATION,
            f"{self._path.name}: {key} {fault}",
            "docs/experiments/README.md explains the file.",
        )


def _last(setting: str) -> str:
    return setting.rpartition(".")[2]
