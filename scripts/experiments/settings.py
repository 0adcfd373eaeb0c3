"""A TOML file with configurations and settings of hat. What is wrong with it is said with the key's name."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NoReturn

from corpus.errors import ExitCode, Failure
from reproduction.machine import ROOT

# A setting such as `training.steps`, and its value as `--set` takes it.
Values = dict[str, str]


class SettingsFile:
    """- Raises: `Failure` from every method, if the file does not say what it should."""

    # The page that explains the file.
    page: ClassVar[str]
    # Settings that the file gives as keys of its own (None: that the command chooses).
    own: ClassVar[dict[str, str | None]] = {
        "training.steps": "steps",
        "output.evaluate_every": "evaluations",
        "output.checkpoint_every": None,
        "output.keep": None,
    }

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content = self._read()

    def _read(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self.path.read_text("utf-8"))
        except OSError as error:
            known = ", ".join(sorted(other.stem for other in self.path.parent.glob("*.toml")))
            raise Failure(
                ExitCode.INPUT_MISSING,
                f"{self.path.name} cannot be read ({error.strerror})",
                f"There are: {known}." if known else f"Put it into {self.path.parent.name}.",
            ) from error
        except ValueError as error:
            raise Failure(
                ExitCode.BAD_CONFIGURATION,
                f"{self.path.name} is not TOML: {error}",
                "https://toml.io defines it.",
            ) from error

    def settings(self, key: str, given: object) -> Values:
        return {setting: self.value(f"{key}.{setting}", value) for setting, value in self.leaves(key, given)}

    def leaves(self, key: str, given: object, section: str = "") -> Iterator[tuple[str, object]]:
        """To TOML, `training.clip` is a key in a table, whichever way it is written."""
        if not isinstance(given, dict):
            self.fail(key, "must be a table")
        for name, value in given.items():
            setting = f"{section}{name}"
            if isinstance(value, dict):
                yield from self.leaves(key, value, f"{setting}.")
                continue
            if "." not in setting:
                self.fail(f"{key}.{setting}", "names no section: write it as training.steps")
            if setting in self.own:
                own = self.own[setting]
                instead = f"give {own} instead" if own else "the command chooses it"
                self.fail(f"{key}.{setting}", f"cannot be set here: {instead}")
            yield setting, value

    def value(self, key: str, value: object) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str | int | float):
            return f"{value:.12g}" if isinstance(value, float) else str(value)
        self.fail(key, "must be a number, a text, or true or false")

    def configuration(self, key: str, name: object) -> str:
        """The name of a file, relative to the repository."""
        if not isinstance(name, str):
            self.fail(key, "is missing" if name is None else "must be a text")
        if not (ROOT / name).is_file():
            self.fail(key, f"names {name}, which is no file of the repository")
        return name

    def number(self, key: str, otherwise: int | None = None) -> int:
        return self.at_least_one(key, self.get(key, int, otherwise))

    def at_least_one(self, key: str, number: object) -> int:
        if type(number) is not int or number < 1:
            self.fail(key, "must be a whole number, at least 1")
        return number

    def get(self, key: str, kind: type, otherwise: Any = None) -> Any:
        value = self.content.get(key, otherwise)
        if value is None:
            self.fail(key, "is missing")
        if not isinstance(value, kind):
            names = {str: "a text", int: "a whole number", list: "a list"}
            self.fail(key, f"must be {names[kind]}")
        return value

    def refuse_unknown(self, table: Mapping[str, object], known: set[str], place: str) -> None:
        for key in table:
            if key not in known:
                self.fail(f"{place}{key}", f"is no key: there are {', '.join(sorted(known))}")

    def fail(self, key: str, fault: str) -> NoReturn:
        raise Failure(
            ExitCode.BAD_CONFIGURATION,
            f"{self.path.name}: {key} {fault}",
            f"{self.page} explains the file.",
        )
