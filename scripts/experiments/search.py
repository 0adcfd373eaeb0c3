"""A search, as its file describes it (docs/experiments/README.md): a base, and trials that differ from it."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from experiments.settings import SettingsFile, Values

_KEYS = {
    *("title", "base", "match", "kind", "steps", "seeds", "evaluations"),
    *("flops_may_change", "settings", "axes", "trials"),
}
_TRIAL_KEYS = {"name", "settings", "steps", "match_settings", "flops_may_change"}


@dataclass(frozen=True)
class Trial:
    """`changes` are those to the base. `axis` is the table it belongs to.

    `steps` are its own, at the base's batch; None: the base's. `match_settings` are changes to the
    configuration that this trial of a baseline is to match.
    """

    axis: str
    name: str
    changes: Values = field(hash=False)
    may_change_flops: bool = False
    steps: int | None = None
    match_settings: Values = field(default_factory=dict, hash=False)


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
    # Of a trial that has none of its own, at the base's batch: with another it takes as many steps as read
    # the same text.
    steps: int
    seeds: tuple[int, ...]
    evaluations: int
    settings: Values
    trials: tuple[Trial, ...]


def read(path: Path) -> Search:
    """- Raises: `Failure` that names the key, if the file describes no search."""
    return _Reader(path).search()


class _Reader(SettingsFile):
    page = "docs/experiments/README.md"
    own = {**SettingsFile.own, "data.seed": "seeds"}

    def search(self) -> Search:
        self.refuse_unknown(self.content, _KEYS, "")
        settings = self.settings("settings", self.content.get("settings", {}))
        trials = tuple(self._trials(settings))
        if len(trials) == 1:
            self.fail("axes", "is missing, and so is trials: there is nothing to try")
        return Search(
            name=self.path.stem,
            title=self.get("title", str),
            base=self.configuration("base", self.content.get("base")),
            match=self.configuration("match", self.content["match"]) if "match" in self.content else None,
            steps=self.number("steps"),
            seeds=tuple(self._seeds()),
            evaluations=self.number("evaluations", 6),
            settings=settings,
            trials=trials,
        )

    def _trials(self, settings: Values) -> Iterator[Trial]:
        axes = self._axes()
        free = self._free(axes)
        if both := sorted(axes.keys() & settings.keys()):
            self.fail(f"axes.{both[0]}", "is fixed in settings, too")
        yield Trial("", "base", {})
        kind = self.get("kind", str, "star")
        if kind == "star":
            for setting, values in axes.items():
                yield from (Trial(setting, value, {setting: value}, setting in free) for value in values)
        elif kind == "grid":
            for point in itertools.product(*axes.values()) if axes else ():
                changes = dict(zip(axes, point, strict=True))
                name = ", ".join(f"{_last(setting)} {value}" for setting, value in changes.items())
                yield Trial("grid", name, changes, not free.isdisjoint(changes))
        else:
            self.fail("kind", f'is "{kind}", not star (one change at a time) or grid (all together)')
        yield from self._named()

    def _named(self) -> Iterator[Trial]:
        given = self.get("trials", list, [])
        names = set()
        for number, trial in enumerate(given, start=1):
            key = f"trials[{number}]"
            if not isinstance(trial, dict):
                self.fail(key, "is not a table: begin it with [[trials]]")
            self.refuse_unknown(trial, _TRIAL_KEYS, f"{key}.")
            name, may = trial.get("name"), trial.get("flops_may_change", False)
            if not isinstance(name, str) or not name or name in names or name == "base":
                self.fail(f"{key}.name", "must be a text that no other trial has")
            if not isinstance(may, bool):
                self.fail(f"{key}.flops_may_change", "must be true or false")
            names.add(name)
            changes = self.settings(f"{key}.settings", trial.get("settings", {}))
            matched = self.settings(f"{key}.match_settings", trial.get("match_settings", {}))
            if matched and "match" not in self.content:
                self.fail(
                    f"{key}.match_settings", "needs match, which names the configuration that they change"
                )
            steps = self.at_least_one(f"{key}.steps", trial["steps"]) if "steps" in trial else None
            if not changes and not matched and steps is None:
                self.fail(f"{key}.settings", "is missing: a trial changes something")
            yield Trial("trials", name, changes, may, steps, matched)

    def _axes(self) -> dict[str, list[str]]:
        found = {}
        for setting, values in self.leaves("axes", self.content.get("axes", {})):
            if not isinstance(values, list) or not values:
                self.fail(f"axes.{setting}", "must be a list of values")
            found[setting] = [self.value(f"axes.{setting}", value) for value in values]
            if len(set(found[setting])) < len(values):
                self.fail(f"axes.{setting}", "has a value twice")
        return found

    def _free(self, axes: Mapping[str, object]) -> set[str]:
        free = self.get("flops_may_change", list, [])
        for setting in free:
            if setting not in axes:
                self.fail("flops_may_change", f"names {setting}, which is no axis")
        return set(free)

    def _seeds(self) -> list[int]:
        seeds: list[int] = self.get("seeds", list, [1])
        if (
            not seeds
            or not all(type(seed) is int and seed >= 0 for seed in seeds)
            or len(set(seeds)) < len(seeds)
        ):
            self.fail("seeds", "must be a list of different whole numbers")
        return seeds


def _last(setting: str) -> str:
    return setting.rpartition(".")[2]
