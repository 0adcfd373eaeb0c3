"""A registry without a network: packages are folders that a test writes."""

import importlib.util
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from corpus import debian, libraries
from corpus.build import Builder
from corpus.command import default_cache
from corpus.errors import ExitCode, Failure
from corpus.extract.plain import PlainText
from corpus.packages import Package
from corpus.progress import Progress


def package(name: str, license: str = "MIT") -> Package:
    return Package(name, "en", license, PlainText("texts/*.txt"))


class Registry:
    """Names, versions and texts of what `apt` would find."""

    def __init__(self) -> None:
        self.versions: dict[str, str] = {}
        self.texts: dict[str, dict[str, str]] = {}

    def add(self, name: str, version: str, **texts: str) -> None:
        self.versions[name] = version
        self.texts[name] = texts

    def candidate(self, name: str) -> debian.Candidate:
        if name not in self.versions:
            raise Failure(ExitCode.INPUT_MISSING, f"apt knows no package {name}", "Look again.")
        return debian.Candidate(name, self.versions[name], f"{name}.deb", 1)

    def download(self, wanted: debian.Candidate, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / wanted.file).write_text(wanted.name)
        return folder / wanted.file

    def unpack(self, archive: Path, folder: Path) -> None:
        name = archive.read_text()
        (folder / "texts").mkdir()
        for item, text in self.texts[name].items():
            (folder / "texts" / f"{item}.txt").write_text(text)
        documentation = folder / "usr/share/doc" / name
        documentation.mkdir(parents=True)
        (documentation / "copyright").write_text(f"License of {name}")

    @contextmanager
    def served(self) -> Iterator[None]:
        with ExitStack() as stack:
            for name in ("candidate", "download", "unpack"):
                stack.enter_context(patch.object(debian, name, getattr(self, name)))
            yield


def has_library(name: str) -> bool:
    """Whether its tests can run: continuous integration fetches it, others have it after a first corpus."""
    cache = default_cache()
    if os.environ.get("CI") or libraries.place(name, cache).is_dir():
        libraries.provide(name, cache)
    return importlib.util.find_spec(name) is not None


def build(output: Path, packages: list[Package]) -> str:
    """Builds all and gives what was said."""
    said = StringIO()
    output.mkdir(parents=True, exist_ok=True)
    builder = Builder(output, output.parent / "cache", packages, Progress(len(packages), said))
    for each in packages:
        builder.build(each)
    return said.getvalue()
