"""Draws command lines: a whole one for a command, of which some values are then replaced by hostile ones."""

import random
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from endurance.fuzz import values
from endurance.fuzz.zoo import WHOLE

Command = dict[str, Any]
Argument = dict[str, Any]

# Where a line finds the zoo, from the folder it runs in.
ZOO = "../zoo"

_ROLES = {
    **dict.fromkeys(("config", "predict"), "configuration"),
    **dict.fromkeys(("data", "directory"), "corpus"),
    **dict.fromkeys(("checkpoint", "against", "baseline", "initialize-from", "RUN[@step]", "RUN"), "run"),
    **dict.fromkeys(("text", "list"), "text"),
    **dict.fromkeys(("output", "write", "chart", "svg"), "output"),
    **{"file": "shard", "input": "input"},
    **{name: name for name in ("tokenizer", "weights", "cloze", "choice", "typos", "hostfile")},
}

# How often a command is drawn, where it is not once. Those that are slow, or start ranks, are drawn less.
_WEIGHTS = {
    ("train",): 0.5,
    ("benchmark", "scaling"): 0.05,
    ("benchmark", "generate"): 0.2,
    ("benchmark", "train"): 0.2,
    ("preprocess",): 1.5,
}
_SOURCES = (
    *("text.txt", "documents.jsonl", "base64.jsonl", "noise", "huge-line.txt", "huge-word.jsonl"),
    "utf-16.txt",
)
_RANKS_SHARE = 0.05
_TINY = {("train",): ("--set", "training.steps=2"), ("benchmark", "train"): ("--steps", "1")}


@dataclass(frozen=True)
class Line:
    """`source` is a file of the zoo, `output` is `kept`, `full` (a device with no room) or `closed` (a pipe
    that nobody reads). `is_long` says that it may ask for more work than there is time for.
    """

    command: tuple[str, ...]
    arguments: tuple[str, ...]
    source: str
    output: str
    is_long: bool
    # What it was told to write.
    outputs: tuple[str, ...] = ()

    @property
    def is_endless(self) -> bool:
        """Whether it goes on until it is told to stop."""
        return self.command == ("serve",)

    @property
    def words(self) -> tuple[str, ...]:
        return (*self.command, *self.arguments)


def shown(line: Line) -> str:
    """As one would type it in the folder of a job."""
    text = shlex.join(("hat-mpirun", *line.words))
    if line.source:
        text += f" < {shlex.quote(line.source)}"
    return text + {"kept": "", "full": f" > {ZOO}/full", "closed": " | true"}[line.output]


class Drawer:
    """Draws from the options of the program (its `--experimental-dump-help`), its settings with their
    defaults, and the names in the zoo.
    """

    def __init__(self, root: Command, settings: Mapping[str, str], zoo: Sequence[str]) -> None:
        self._commands = dict(_leaves(root, ()))
        self._settings = dict(settings)
        self._zoo = list(zoo)

    def line(self, seed: int, number: int) -> Line:
        """The same for the same seed and number, for one program."""
        draw = random.Random(f"{seed}/{number}")
        names = list(self._commands)
        command = draw.choices(names, [_WEIGHTS.get(name, 1) for name in names])[0]
        return _LineDrawing(self, draw, command).line()

    def arguments(self, command: tuple[str, ...]) -> list[Argument]:
        return [each for each in self._commands[command] if each["valueName"] not in ("help", "version")]

    def plausible(self, draw: random.Random, argument: Argument) -> str:
        name = _name(argument)
        role = _ROLES.get(name) or _ROLES.get(argument["valueName"])
        if role == "output":
            return draw.choice(("out", "new/out", "out.yaml"))
        if role:
            return f"{ZOO}/{draw.choice(WHOLE[role])}"
        if name == "set":
            return "=".join(draw.choice(list(self._settings.items())))
        found: list[str] = [*values.PLAUSIBLE.get(name, ()), *argument.get("allValues", ())]
        if "defaultValue" in argument and name not in ("bytes", "words", "documents"):
            found.append(str(argument["defaultValue"]).partition(", ")[0])
        return draw.choice(found or ["1"])

    def hostile(self, draw: random.Random, command: tuple[str, ...], argument: Argument) -> str:
        name = _name(argument)
        # `plan` starts none.
        if name == "ranks" and command != ("plan",):
            return draw.choice(values.RANKS)
        if name == "mpirun-arguments":
            return draw.choice(values.LAUNCHER)
        numbers = draw.choice((values.EDGES, values.NUMBERS))
        if name == "set" and draw.random() < 0.9:
            return f"{draw.choice(list(self._settings))}={draw.choice(numbers)}"
        if role := _ROLES.get(name) or _ROLES.get(argument["valueName"]):
            return self._hostile_place(draw, role)
        return draw.choice(numbers if draw.random() < 0.7 else values.TEXTS)

    def _hostile_place(self, draw: random.Random, role: str) -> str:
        """Mostly something that was fit once, or else anything; sometimes with a weight or step behind it."""
        if draw.random() < 0.15:
            return draw.choice(values.TEXTS)
        fit = [name for whole in WHOLE.get(role, ()) for name in self._zoo if _is_damaged(name, whole)]
        place = draw.choice(fit if fit and draw.random() < 0.6 else self._zoo)
        return f"{ZOO}/{place}" + (draw.choice(values.TAILS) if draw.random() < 0.1 else "")

    def source(self, draw: random.Random) -> str:
        """What stands on standard input; empty: nothing."""
        return draw.choice(("", f"{ZOO}/{draw.choice(_SOURCES)}"))


class _LineDrawing:
    def __init__(self, drawer: Drawer, draw: random.Random, command: tuple[str, ...]) -> None:
        self._drawer, self._draw, self._command = drawer, draw, command

    def line(self) -> Line:
        draw = self._draw
        chosen = self._chosen()
        hostile = set(
            draw.sample(range(len(chosen)), min(len(chosen), draw.choices((0, 1, 2, 3), (1, 6, 3, 1))[0]))
        )
        words: list[str] = []
        outputs: list[str] = []
        for place, argument in enumerate(chosen):
            given = self._words(argument, place in hostile)
            words += given
            if _ROLES.get(_name(argument)) == "output":
                outputs.append(given[-1].removeprefix(f"--{_name(argument)}="))
        if draw.random() < 0.02:
            words.insert(draw.randrange(len(words) + 1), draw.choice(values.TEXTS))
        names = {_name(chosen[place]) for place in hostile}
        return Line(
            self._command,
            (*words, *_TINY.get(self._command, ())),
            self._drawer.source(draw),
            draw.choices(("kept", "full", "closed"), (30, 1, 1))[0],
            is_long=self._may_be_long(chosen, names),
            outputs=tuple(outputs),
        )

    def _may_be_long(self, chosen: list[Argument], hostile: set[str]) -> bool:
        measures = self._command in (("benchmark", "scaling"), ("benchmark", "train"))
        plans_long = self._command == ("train",) and any(_name(argument) == "hours" for argument in chosen)
        return measures or plans_long or not values.WORK.isdisjoint(hostile)

    def _chosen(self) -> list[Argument]:
        """The required arguments, but rarely one less, and some of the others."""
        draw, share = self._draw, self._draw.choice((0.1, 0.3))
        chosen = []
        for argument in self._drawer.arguments(self._command):
            wanted = share if argument["isOptional"] else 0.97
            if _name(argument) in ("ranks", "hostfile", "mpirun-arguments") and self._command != ("plan",):
                wanted = _RANKS_SHARE
            # Without a configuration little happens; of settings there are many.
            wanted = {"config": 0.9, "set": 0.4}.get(_name(argument), wanted)
            if draw.random() < wanted:
                chosen += [argument] * (draw.choice((1, 1, 2)) if argument["isRepeating"] else 1)
        return chosen

    def _words(self, argument: Argument, is_hostile: bool) -> list[str]:
        if argument["kind"] == "flag":
            return [f"--{_name(argument)}"]
        if is_hostile:
            value = self._drawer.hostile(self._draw, self._command, argument)
        else:
            value = self._drawer.plausible(self._draw, argument)
        if argument["kind"] == "positional":
            return [value]
        name = f"--{_name(argument)}"
        return [f"{name}={value}"] if value.startswith("-") or self._draw.random() < 0.2 else [name, value]


def _is_damaged(name: str, whole: str) -> bool:
    return name.startswith(f"{whole}-") or name.endswith(f"-{whole}")


def _leaves(command: Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Argument]]]:
    """The commands that do something, with their arguments."""
    below = command.get("subcommands", [])
    if not below and command["shouldDisplay"]:
        yield path, command.get("arguments", [])
    for each in below:
        yield from _leaves(each, (*path, each["commandName"]))


def _name(argument: Argument) -> str:
    if argument["kind"] == "positional":
        return str(argument["valueName"])
    return str(argument["preferredName"]["name"])
