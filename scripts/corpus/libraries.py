"""Libraries the extractors need, in pinned versions and a folder of their own: the system stays as it is."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from corpus.pypi import explain_pip_failure

PINNED = {
    "lxml": ["lxml==6.1.3"],
    "polib": ["polib==1.2.0"],
    "pysword": ["pysword==0.2.8"],
    "rdata": ["rdata==1.1.0", "numpy==2.4.6", "pandas==3.1.1", "xarray==2026.9.0"],
}


def provide(name: str, cache: Path) -> None:
    """Makes `import name` work, installing it the first time.

    - Raises: `Failure` where pip cannot.
    """
    folder = place(name, cache)
    if not folder.is_dir():
        _install(PINNED[name], folder)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def place(name: str, cache: Path) -> Path:
    """Where a library lies; another version of it, or of Python, has another place."""
    key = hashlib.sha256(repr((PINNED[name], sys.version_info[:2])).encode()).hexdigest()[:12]
    return cache / "libraries" / f"{name}-{key}"


def _install(requirements: list[str], folder: Path) -> None:
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    outcome = subprocess.run(
        [*command, "--target", str(partial), *requirements],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if outcome.returncode != 0:
        raise explain_pip_failure(" ".join(requirements), outcome.stderr)
    partial.replace(folder)
