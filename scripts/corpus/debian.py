"""Packages of Debian: found and downloaded by apt, which needs no root for that; unpacked, not installed."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from corpus.errors import ExitCode, Failure

_LISTED = re.compile(r"^'[^']+' (?P<file>\S+) (?P<bytes>\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Candidate:
    """What apt would download now."""

    name: str
    version: str
    file: str
    bytes: int


def candidate(name: str) -> Candidate:
    """Asks apt's lists, not the network.

    - Raises: `Failure` for a package that this system's lists do not have.
    """
    if shutil.which("apt-get") is None:
        raise Failure(
            ExitCode.INPUT_MISSING,
            "apt-get is not on this system",
            "Packages are taken from Debian 12: run this on Debian, or in a container of it.",
        )
    outcome = _run(["apt-get", "download", "--print-uris", name], Path.cwd())
    listed = _LISTED.search(outcome.stdout)
    if outcome.returncode != 0 or listed is None:
        raise Failure(
            ExitCode.INPUT_MISSING,
            f"apt knows no package {name}",
            "Run apt-get update; the table is made for Debian 12, other releases may lack some packages.",
        )
    version = unquote(listed["file"].split("_")[1])
    return Candidate(name, version, listed["file"], int(listed["bytes"]))


def download(wanted: Candidate, folder: Path) -> Path:
    """The package's file, from `folder` where it is already there; apt checks what it downloads."""
    finished = folder / wanted.file
    if finished.is_file() and finished.stat().st_size == wanted.bytes:
        return finished
    partial = folder / (wanted.file + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    outcome = _run(["apt-get", "download", "--quiet", f"{wanted.name}={wanted.version}"], partial)
    arrived = sorted(partial.glob("*.deb"))
    if outcome.returncode != 0 or len(arrived) != 1:
        raise _explain(wanted.name, outcome.stderr)
    arrived[0].replace(finished)
    partial.rmdir()
    return finished


def unpack(archive: Path, folder: Path) -> None:
    outcome = _run(["dpkg-deb", "--extract", str(archive), str(folder)], archive.parent)
    if outcome.returncode == 0:
        return
    if "No space left" in outcome.stderr:
        raise _disk_full(archive.name)
    archive.unlink(missing_ok=True)
    raise Failure(
        ExitCode.INVALID_DATA,
        f"{archive.name} cannot be unpacked ({outcome.stderr.strip()})",
        "It was removed from the cache; run the same command again.",
    )


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    # apt's messages are read, so they must not be translated.
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )


def _explain(name: str, output: str) -> Failure:
    if "No space left" in output:
        return _disk_full(name)
    errors = [line for line in output.splitlines() if line.startswith("E: ")]
    return Failure(
        ExitCode.STOPPED_EARLY,
        f"{name} cannot be downloaded ({errors[0][3:] if errors else 'no message'})",
        "Run the same command again when the network is back, or apt-get update where the file is no longer "
        "there: finished packages are kept.",
    )


def _disk_full(name: str) -> Failure:
    return Failure(
        ExitCode.CANNOT_WRITE, f"{name}: the disk is full", "Make room and run the same command again."
    )
