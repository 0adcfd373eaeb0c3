"""What a measurement was made with: the commit of this checkout, and the machine."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def description(command: str) -> dict[str, object]:
    """Of this machine, commit and day, and of the command line that was typed."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "command": command,
        "commit": commit(),
        "changed": has_changes(),
        "processor": processor(),
        "cores": cores(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
    }


def commit() -> str:
    """Empty outside a checkout."""
    return _git("rev-parse", "HEAD")


def has_changes(besides: str | None = None) -> bool:
    """Whether files differ from the commit. Those in the folder `besides` do not count."""
    places = [":/", f":(top,exclude){besides}"] if besides else []
    return bool(_git("status", "--porcelain", "--untracked-files=no", "--", *places))


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0))


def _git(*arguments: str) -> str:
    outcome = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return outcome.stdout.strip() if outcome.returncode == 0 else ""
