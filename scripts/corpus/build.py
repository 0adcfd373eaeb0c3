"""One package from registry to JSON Lines: found, downloaded, unpacked, read, written, recorded."""

import gzip
import hashlib
import shutil
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from corpus import debian, libraries, pypi
from corpus.document import LONGEST_SOURCE, Document, json_line, tidy
from corpus.errors import ExitCode, Failure
from corpus.folders import locked
from corpus.licenses import keep_license, owner
from corpus.manifest import Entry, Manifest, whole_or_absent
from corpus.packages import Package
from corpus.progress import Progress, megabytes

# Hidden, so that `preprocess` does not read it, and in the folder that this run has to itself.
_UNPACKED = ".unpacked-"

# What readers raise on content that is not as they expect it.
UNREADABLE = (
    ValueError,
    LookupError,
    EOFError,
    # Not OSError: a full disk and a missing permission are no fault of the package.
    FileNotFoundError,
    NotADirectoryError,
    gzip.BadGzipFile,
    struct.error,
    subprocess.SubprocessError,
    zlib.error,
)


@dataclass
class Counts:
    """`bytes` are bytes of text."""

    documents: int = 0
    bytes: int = 0
    duplicates: int = 0
    empty: int = 0


class Builder:
    """Works on one corpus folder. Downloads and libraries lie in `cache`, which corpora share."""

    def __init__(self, output: Path, cache: Path, packages: list[Package], progress: Progress) -> None:
        self._output = output
        self._cache = cache
        self._order = [package.key for package in packages]
        self._progress = progress
        self.manifest = Manifest(output)

    def build(self, package: Package) -> None:
        """Does nothing for a finished package of the version that the registry has now.

        - Raises: `Failure`, or `OSError` where a file cannot be written.
        """
        self._progress.enter(package.key)
        available = debian.candidate(package.name) if package.version is None else None
        version = available.version if available else str(package.version)
        if self.manifest.is_finished(package.key, version, package.recipe):
            self._progress.note(f"{version}: already done")
            return
        self._say_why_again(package, version)
        with locked(self._cache):
            archive = self._download(package, available)
            for library in package.extractor.libraries:
                self._progress.activity(f"{version}: preparing {library}")
                libraries.provide(library, self._cache)
        entry = self._extract(package, version, archive)
        self.manifest.record(entry, self._order)
        self._progress.note(
            f"{version}: {entry.documents:,} documents, {megabytes(entry.bytes)}"
            + (f", {entry.duplicates:,} duplicates left out" if entry.duplicates else "")
        )

    def _say_why_again(self, package: Package, version: str) -> None:
        before = self.manifest.entries.get(package.key)
        if before is None:
            return
        if before.version != version:
            self._progress.note(f"was version {before.version}, is now {version}: done again")
        elif before.recipe != package.recipe:
            self._progress.note("is read differently by this version of the script: done again")
        else:
            self._progress.note(f"{before.file} is missing or was changed: done again")

    def _download(self, package: Package, available: debian.Candidate | None) -> Path:
        folder = self._cache / package.registry
        folder.mkdir(parents=True, exist_ok=True)
        if available:
            self._progress.activity(f"{available.version}: downloading {megabytes(available.bytes)}")
            return debian.download(available, folder)
        self._progress.activity(f"{package.version}: downloading")
        return pypi.download(package.name, str(package.version), str(package.sha256), folder)

    def _extract(self, package: Package, version: str, archive: Path) -> Entry:
        with tempfile.TemporaryDirectory(prefix=_UNPACKED, dir=self._output) as folder:
            root = Path(folder)
            self._progress.activity(f"{version}: unpacking")
            (debian if package.registry == "debian" else pypi).unpack(archive, root)
            return self._write(package, version, root, self._keep_license(package, root))

    def _keep_license(self, package: Package, root: Path) -> str:
        owning = owner(package, root)
        if owning is None:
            return keep_license(package, root, self._output)
        available = debian.candidate(owning)
        with locked(self._cache):
            archive = debian.download(available, self._cache / "debian")
        with tempfile.TemporaryDirectory(prefix=_UNPACKED, dir=self._output) as folder:
            debian.unpack(archive, Path(folder))
            return keep_license(package, Path(folder), self._output)

    def _write(self, package: Package, version: str, root: Path, license_file: str) -> Entry:
        path = self._output / f"{package.key}.jsonl"
        counts = Counts()
        checksum = hashlib.sha256()
        with whole_or_absent(path) as file:
            for line in self._lines(package, root, counts):
                checksum.update(line)
                file.write(line)
            if counts.documents == 0:
                raise Failure(
                    ExitCode.INVALID_DATA,
                    f"{package.name} {version} has no text where it is looked for",
                    "The package was arranged anew: change its line in scripts/corpus/packages.py.",
                )
        return Entry(
            key=package.key,
            name=package.name,
            registry=package.registry,
            version=version,
            language=package.language,
            license=package.license,
            license_file=license_file,
            recipe=package.recipe,
            file=path.name,
            file_bytes=path.stat().st_size,
            sha256=checksum.hexdigest(),
            documents=counts.documents,
            bytes=counts.bytes,
            duplicates=counts.duplicates,
            empty=counts.empty,
        )

    def _lines(self, package: Package, root: Path, counts: Counts) -> Iterator[bytes]:
        for document, text in distinct(_read(package, root), counts):
            source = f"{package.name}/{document.item}"[:LONGEST_SOURCE]
            yield json_line(text, source, document.license or package.license, package.language)
            if counts.documents % 100 == 0:
                self._progress.activity(f"{counts.documents:,} documents, {megabytes(counts.bytes)}")


def _read(package: Package, root: Path) -> Iterator[Document]:
    try:
        yield from package.extractor.documents(root)
    except UNREADABLE as error:
        raise Failure(
            ExitCode.INVALID_DATA,
            f"{package.name} cannot be read ({type(error).__name__}: {error})",
            "The package was arranged anew or is damaged: look into it, and change its reader.",
        ) from error


def distinct(documents: Iterator[Document], counts: Counts) -> Iterator[tuple[Document, str]]:
    """Tidied texts, without the empty ones and those the package has had before."""
    seen: set[bytes] = set()
    for document in documents:
        text = tidy(document.text)
        content = text.encode("utf-8", errors="replace")
        digest = hashlib.sha256(content).digest()
        if not text.strip():
            counts.empty += 1
        elif digest in seen:
            counts.duplicates += 1
        else:
            seen.add(digest)
            counts.documents += 1
            counts.bytes += len(content)
            yield document, content.decode("utf-8")


def remove_leftovers(output: Path) -> None:
    """What a run that was killed left behind in a folder that nobody else works on."""
    for pattern in ("*.jsonl.partial", "manifest.json.partial", "licenses/*.partial"):
        for partial in output.glob(pattern):
            partial.unlink()
    for folder in output.glob(_UNPACKED + "*"):
        shutil.rmtree(folder, ignore_errors=True)
