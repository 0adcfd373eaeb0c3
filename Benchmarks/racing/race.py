"""A race, as its file describes it (Benchmarks/README.md)."""

from dataclasses import dataclass
from pathlib import Path

from experiments.settings import SettingsFile, Values

HAT, PYTORCH = "hat", "pytorch"
_KEYS = {"title", "steps", "evaluations", "levels", "entries"}
_ENTRY_KEYS = {"name", "trainer", "config", "match", "settings", "steps"}


@dataclass(frozen=True)
class Entry:
    """A training. `match` names the configuration whose cost a subword model is to have.

    `steps` are its own; None: the race's.
    """

    name: str
    trainer: str
    config: str
    match: str | None
    settings: Values
    steps: int | None = None


@dataclass(frozen=True)
class Race:
    """The others are compared with the first entry. Without levels they are some that it reaches."""

    name: str
    title: str
    steps: int
    evaluations: int
    levels: tuple[float, ...]
    entries: tuple[Entry, ...]


def read(path: Path) -> Race:
    """- Raises: `Failure` that names the key, if the file describes no race."""
    return _Reader(path).race()


class _Reader(SettingsFile):
    page = "Benchmarks/README.md"
    own = {**SettingsFile.own, "data.seed": None}

    def race(self) -> Race:
        self.refuse_unknown(self.content, _KEYS, "")
        return Race(
            name=self.path.stem,
            title=self.get("title", str),
            steps=self.number("steps"),
            evaluations=self.number("evaluations", 30),
            levels=tuple(self._levels()),
            entries=tuple(self._entries()),
        )

    def _levels(self) -> list[float]:
        levels: list[float] = self.get("levels", list, [])
        if not all(isinstance(level, int | float) and level > 0 for level in levels):
            self.fail("levels", "must be bits per byte, such as [2.6, 2.4]")
        return sorted(levels, reverse=True)

    def _entries(self) -> list[Entry]:
        found: list[Entry] = []
        for number, given in enumerate(self.get("entries", list), start=1):
            key = f"entries[{number}]"
            if not isinstance(given, dict):
                self.fail(key, "is not a table: begin it with [[entries]]")
            self.refuse_unknown(given, _ENTRY_KEYS, f"{key}.")
            name, trainer = given.get("name"), given.get("trainer", HAT)
            if not isinstance(name, str) or not name or name in {entry.name for entry in found}:
                self.fail(f"{key}.name", "must be a text that no other entry has")
            if trainer not in (HAT, PYTORCH):
                self.fail(f"{key}.trainer", f"must be {HAT} or {PYTORCH}")
            config = self.configuration(f"{key}.config", given.get("config"))
            match = self.configuration(f"{key}.match", given["match"]) if "match" in given else None
            settings = self.settings(f"{key}.settings", given.get("settings", {}))
            steps = self.at_least_one(f"{key}.steps", given["steps"]) if "steps" in given else None
            found.append(Entry(name, trainer, config, match, settings, steps))
        if not found:
            self.fail("entries", "is empty")
        return found
