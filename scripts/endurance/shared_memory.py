"""Files in shared memory that no process uses any more."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_FOLDER = Path("/dev/shm")
# Seconds: more than the minute in which a file may belong to a job that is just starting.
_OLD = 600.0


def unused() -> list[Path]:
    """Those that no process has mapped or holds open."""
    names = {entry.name for entry in os.scandir(_FOLDER)}
    return [_FOLDER / name for name in sorted(names - _used_names())] if names else []


def make_old(files: list[Path]) -> None:
    """As if they had been left a while ago: then the next start of ranks may remove them."""
    for file in files:
        before = file.stat().st_mtime - _OLD
        os.utime(file, (before, before))


def remove(files: list[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _used_names() -> set[str]:
    prefix = f"{_FOLDER}/"
    places = [
        place for name in os.listdir("/proc") if name.isdigit() for place in _used_places(Path("/proc", name))
    ]
    return {place.removeprefix(prefix) for place in places if place.startswith(prefix)}


def _used_places(process: Path) -> Iterator[str]:
    """What a process has mapped or holds open, unless it ends meanwhile."""
    with suppress(OSError):
        for line in (process / "maps").read_text("utf-8", errors="replace").splitlines():
            yield line.split(maxsplit=5)[-1]
    with suppress(OSError):
        for entry in os.listdir(process / "fd"):
            # It may have been closed since it was listed.
            with suppress(OSError):
                yield os.readlink(process / "fd" / entry)
