"""What is wrong with the way in which a command line ended."""

import json
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass

from endurance.codes import documented_codes
from endurance.fuzz.lines import Line

# What no user should read: names of the language and its libraries, and traces of a crash.
_FOREIGN = (
    *(
        "Fatal error",
        "Optional(",
        "DecodingError",
        "CodingKeys",
        "Swift/",
        "Swift.",
        "Foundation.",
        "libswift",
    ),
    *("Stack dump", "Backtrace", "crashed:", "keyNotFound", "valueNotFound", "typeMismatch", "dataCorrupted"),
    *("Error Domain", "NSCocoaErrorDomain", "YamlError", "Traceback", "core dumped", "rawValue"),
    *("ORTE", "PMIX", "orte_", "MPI_ABORT"),
)


@dataclass(frozen=True)
class Ending:
    """`code` is the exit code, the negative number of a signal, or None at the time limit. `left` are command
    lines of processes that outlived the line, `changed` files that it made or changed where it should not.
    """

    code: int | None
    output: str
    errors: str
    left: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def faults(line: Line, ending: Ending) -> list[str]:
    """Nothing, if all is well. Each fault ends with the first line of the message, for whoever reads it."""
    return [
        f"{fault}: {said}" if (said := _first_words(ending.errors)) else fault
        for fault in _faults(line, ending)
    ]


def _says_why(line: Line, ending: Ending) -> bool:
    # What doctor finds wrong is its result, with exit code 78, and no error of its own; a closed output hides it.
    is_hidden = line.output == "closed" and ending.code == 78
    if line.command == ("doctor",) and (
        is_hidden or re.search(r"\bwrong\b", ending.output, flags=re.IGNORECASE)
    ):
        return True
    return bool(re.search(r"\berror:", ending.errors, flags=re.IGNORECASE))


def _faults(line: Line, ending: Ending) -> Iterator[str]:
    if ending.code is None:
        if not line.is_long:
            yield "no end within the time limit"
    elif ending.code < 0:
        yield f"ended by {signal.Signals(-ending.code).name}"
    elif ending.code not in documented_codes():
        yield f"undocumented exit code <{ending.code}>"
    elif ending.code != 0 and not _says_why(line, ending):
        yield f"exit code <{ending.code}> without a message"
    for word in _FOREIGN if ending.code is None or ending.code >= 0 else ():
        if word in ending.errors or word in ending.output:
            yield f'says "{word}"'
            break
    said = re.findall(r"^error: .*", ending.errors, flags=re.MULTILINE)
    if len(set(said)) < len(said):
        yield "says its error twice"
    if ending.code == 0 and line.output == "kept" and "--json" in line.words and not _asks_for_text(line):
        yield from _json_faults(ending.output)
    if ending.code is None:
        # It was killed, and could not clear up.
        return
    if ending.left:
        yield f"left processes behind ({ending.left[0][:80]})"
    if ending.changed:
        yield f"wrote outside of its folder ({', '.join(ending.changed[:3])})"


def _asks_for_text(line: Line) -> bool:
    """For help, or a configuration as YAML, whatever else it asks for."""
    return not {"--help", "-h", "help", "--print-config"}.isdisjoint(line.words)


def _json_faults(output: str) -> Iterator[str]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    for line in output.splitlines():
        try:
            json.loads(line, parse_constant=refuse)
        except ValueError:
            yield "with --json it printed what is no JSON"
            return


def _first_words(errors: str) -> str:
    """The line that reports the error, or else the first one, without progress and paths of the machine."""
    lines = [line.strip() for line in errors.replace("\r", "\n").splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"(error|fatal|.*Fatal error)", line, flags=re.IGNORECASE)]
    return (telling or lines or [""])[0][:200]
