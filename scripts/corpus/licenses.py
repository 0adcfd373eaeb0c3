"""Licences: the words of each package's own, kept beside its text."""

from pathlib import Path

from corpus.errors import ExitCode, Failure
from corpus.extract import files
from corpus.manifest import write_durably
from corpus.packages import Package

# Where packages of PyPI keep them; the first that is there is taken.
_PYPI = ("*.dist-info/licenses/*", "*/COPYING*", "*/LICENSE*")


def owner(package: Package, root: Path) -> str | None:
    """The Debian package that keeps this one's licence, where its folder is a link to that of another."""
    folder = root / "usr/share/doc" / package.name
    return folder.readlink().name if folder.is_symlink() else None


def keep_license(package: Package, root: Path, output: Path) -> str:
    """Writes licenses/NAME and gives that path; no suffix, so that `preprocess` does not take it for text.

    `root` is where the package, or the owner of its licence, is unpacked.

    - Raises: `Failure` for a package without a licence: nobody could say what its text may be used for.
    """
    found = files(root, "usr/share/doc/*/copyright") if package.registry == "debian" else []
    for pattern in _PYPI if package.registry == "pypi" else ():
        found = found or files(root, pattern)
    if not found:
        raise Failure(
            ExitCode.INVALID_DATA,
            f"{package.name} has no licence where it is looked for",
            "Find it in the package and add its place to scripts/corpus/licenses.py.",
        )
    folder = output / "licenses"
    folder.mkdir(exist_ok=True)
    write_durably(folder / package.name, b"\n".join(path.read_bytes() for path in found))
    return f"licenses/{package.name}"
