"""What a program or library wants of the system that runs it, as `readelf` tells."""

import re
from dataclasses import dataclass
from pathlib import Path

from installation.errors import run

_HINT = "Install binutils"


@dataclass(frozen=True)
class Wants:
    libraries: frozenset[str]
    """Names of shared objects, such as `libmpi.so.40`."""
    run_path: tuple[str, ...]
    versions: dict[str, tuple[int, ...]]
    """The latest version of each family of symbols: `GLIBC` 2.34."""


def wants(file: Path) -> Wants:
    """- Throws: `PackagingError` if it is not an ELF file."""
    return parsed(run(["readelf", "--wide", "--dynamic", "--version-info", file], _HINT))


def parsed(text: str) -> Wants:
    """Of what readelf prints."""
    paths = re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", text)
    return Wants(
        libraries=frozenset(re.findall(r"\(NEEDED\).*\[(.*)\]", text)),
        run_path=tuple(part for path in paths for part in path.split(":")),
        versions=_latest(text),
    )


def _latest(text: str) -> dict[str, tuple[int, ...]]:
    """A library also defines versions: only what stands below "needs" counts."""
    _, _, needs = text.partition("Version needs section")
    latest: dict[str, tuple[int, ...]] = {}
    for family, number in re.findall(r"Name: (\w+?)_(\d+(?:\.\d+)*)\b", needs):
        version = tuple(map(int, number.split(".")))
        latest[family] = max(version, latest.get(family, version))
    return latest


def dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
