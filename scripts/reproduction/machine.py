"""Stage: what it all ran on, and from which code."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from reproduction.laboratory import Laboratory, Result
from reproduction.material import ROOT


def describe(laboratory: Laboratory) -> Result:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "command": laboratory.typed,
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
    }


def _git(*arguments: str) -> str:
    """Empty outside a checkout."""
    outcome = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return outcome.stdout.strip() if outcome.returncode == 0 else ""


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
