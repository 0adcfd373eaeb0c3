"""Files in shared memory that no process uses any more."""

import os
from pathlib import Path

_FOLDER = Path("/dev/shm")


def remove_unused() -> list[str]:
    """Removes those that no process has mapped or holds open, and returns what they were called."""
    names = {entry.name for entry in os.scandir(_FOLDER)}
    unused = sorted(names - _used_names()) if names else []
    for name in unused:
        (_FOLDER / name).unlink(missing_ok=True)
    return [f"{_FOLDER}/{name}" for name in unused]


def _used_names() -> set[str]:
    prefix, found = f"{_FOLDER}/", set()
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            maps = (process / "maps").read_text("utf-8", errors="replace")
            opened = [os.readlink(entry) for entry in (process / "fd").iterdir()]
        except OSError:
            continue
        places = [line.split(maxsplit=5)[-1] for line in maps.splitlines() if prefix in line]
        found |= {place.removeprefix(prefix) for place in [*places, *opened] if place.startswith(prefix)}
    return found
