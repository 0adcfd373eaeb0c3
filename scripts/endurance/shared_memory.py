"""Files in shared memory that nobody uses any more."""

import os
from pathlib import Path

_FOLDER = Path("/dev/shm")


def unused_files() -> set[str]:
    """Those of this user that no process has mapped or holds open."""
    try:
        names = {
            entry.name
            for entry in os.scandir(_FOLDER)
            if entry.stat(follow_symlinks=False).st_uid == os.getuid()
        }
    except OSError:
        return set()
    return names - _used_names() if names else names


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
