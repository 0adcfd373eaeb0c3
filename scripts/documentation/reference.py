"""The parts of docs/cli.md that the program says itself, as Markdown."""

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

Command = dict[str, Any]
Argument = dict[str, Any]

_DUMP_VERSION = 0


class Program:
    """`hat-mpirun`, asked about itself."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def run(self, *arguments: object) -> str:
        """Its standard output; another exit code than 0 is an error."""
        # Defaults must not depend on where temporary files lie here.
        environment = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
        return subprocess.run(
            [self._path, *map(str, arguments)], check=True, env=environment, stdout=subprocess.PIPE, text=True
        ).stdout

    def root_command(self) -> Command:
        dump = json.loads(self.run("--experimental-dump-help"))
        assert dump["serializationVersion"] == _DUMP_VERSION, "swift-argument-parser has changed its dump"
        command: Command = dump["command"]
        return command

    def configuration(self, kind: str) -> str:
        """All settings of a kind of model, with defaults and comments."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(f"model: {{ kind: {kind} }}\n")
            file.flush()
            return self.run("plan", "--config", file.name, "--print-config")


def updated(page: str, program: Program) -> str:
    """The page with its generated parts as the program has them now."""
    configurations = {kind: program.configuration(kind) for kind in ("hierarchical", "subword")}
    page = _replaced(page, "configuration", configuration_tables(configurations))
    return _replaced(page, "commands", command_sections(program.root_command()))


def _replaced(page: str, part: str, text: str) -> str:
    start = f"<!-- {part}: written by scripts/generate-reference -->\n"
    end = f"<!-- end of {part} -->\n"
    before, rest = page.split(start)
    _, after = rest.split(end)
    return f"{before}{start}\n{text}\n{end}{after}"


def configuration_tables(configurations: dict[str, str]) -> str:
    """A table for each section of the configuration.

    Args:
        configurations: of each kind of model, as `plan --print-config` writes it.
    """
    sections: dict[str, dict[str, list[str]]] = {}
    kinds: dict[tuple[str, str], list[str]] = {}
    for kind, text in configurations.items():
        for section, key, default, meaning in _settings(text):
            # What says which kind it is has the default of the first.
            sections.setdefault(section, {}).setdefault(key, [_code(key), _code(default), _text(meaning)])
            kinds.setdefault((section, key), []).append(kind)
    for (section, key), those in kinds.items():
        if len(those) < len(configurations):
            sections[section][key][2] += f" (kind `{those[0]}`)"
    return "\n".join(
        f"**{section}**\n\n" + _table(["key", "default", "meaning"], list(rows.values()))
        for section, rows in sections.items()
    )


def _settings(text: str) -> list[tuple[str, str, str, str]]:
    """Section, key, value and comment of each setting."""
    section = ""
    settings: list[tuple[str, str, str, str]] = []
    for line in text.splitlines():
        if heading := re.fullmatch(r"(\w+):", line):
            section = heading[1]
        elif setting := re.fullmatch(r"  (\w+): (\S+) +# (.*)", line):
            settings.append((section, setting[1], setting[2], setting[3]))
        else:
            assert not line, f"a line of the configuration that is no setting: {line}"
    return settings


def command_sections(root: Command) -> str:
    """A list of all commands, then a section for each."""
    leaves = _leaves(root, [root["commandName"]])
    commands = [
        (path, command)
        for path, command in leaves
        if command["commandName"] != "help" and command["shouldDisplay"]
    ]
    index = [
        [f"[`{' '.join(path[1:])}`](#{'-'.join(path)})", _text(command["abstract"])]
        for path, command in commands
    ]
    sections = [_section(path, command) for path, command in commands]
    return _table(["command", "what it does"], index) + "\n" + "\n".join(sections)


def _leaves(command: Command, path: list[str]) -> list[tuple[list[str], Command]]:
    """The commands that do something, each with the names it is called by."""
    below = command.get("subcommands", [])
    if not below:
        return [(path, command)]
    return [leaf for sub in below for leaf in _leaves(sub, [*path, sub["commandName"]])]


def _section(path: list[str], command: Command) -> str:
    arguments = [
        argument
        for argument in command.get("arguments", [])
        if argument["shouldDisplay"] and argument["valueName"] not in ("help", "version")
    ]
    parts = [f"### {' '.join(path)}", _text(command["abstract"]), _usage(path, arguments)]
    if discussion := command.get("discussion"):
        parts.extend(map(_text, discussion.split("\n\n")))
    for title, group in _groups(arguments):
        if title:
            parts.append(f"**{title}**")
        rows = [_row(argument) for argument in group]
        parts.append(_table(["argument", "default", "meaning"], rows).rstrip())
    return "\n\n".join(parts) + "\n"


def _groups(arguments: list[Argument]) -> list[tuple[str, list[Argument]]]:
    """Arguments by the title of their section; those without one first."""
    groups: dict[str, list[Argument]] = {}
    for argument in sorted(arguments, key=lambda argument: "sectionTitle" in argument):
        groups.setdefault(argument.get("sectionTitle", ""), []).append(argument)
    return list(groups.items())


def _usage(path: list[str], arguments: list[Argument]) -> str:
    """The command with what it cannot do without."""
    required = [_name(argument) for argument in arguments if not argument["isOptional"]]
    options = ["[options]"] if len(required) < len(arguments) else []
    return "    " + " ".join([*path, *required, *options])


def _row(argument: Argument) -> list[str]:
    default = argument.get("defaultValue")
    if not argument["isOptional"]:
        default = "required"
    elif default is not None:
        default = _code(default)
    meaning = _text(argument.get("abstract", ""))
    if values := argument.get("allValues"):
        meaning += f" One of {', '.join(map(_code, values))}."
    return [_code(_name(argument)), default or "", meaning]


def _name(argument: Argument) -> str:
    value = f"<{argument['valueName']}>" + (" ..." if argument["isRepeating"] else "")
    if argument["kind"] == "positional":
        return value
    name = "--" + argument["preferredName"]["name"]
    return f"{name} {value}" if argument["kind"] == "option" else name


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |\n" for cells in (head, *rows)]
    return lines[0] + f"|{'---|' * len(head)}\n" + "".join(lines[1:])


def _code(text: str) -> str:
    return f"`{text.replace('|', chr(92) + '|')}`"


def _text(text: str) -> str:
    """Plain text as Markdown, with options as code; what is in backquotes already stays as it is."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(part if part.startswith("`") else _escaped(part) for part in parts)


def _escaped(text: str) -> str:
    return re.sub(r"(?<![\w-])(--[a-z][a-z-]*)", r"`\1`", re.sub(r"([\\*<|])", r"\\\1", text))
