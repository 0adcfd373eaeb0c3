"""The command line of `scripts/scaling-laws`."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from corpus.arguments import Parser
from corpus.errors import ExitCode, Failure
from corpus.manifest import write_durably
from corpus.restartable import run_restartable
from reproduction.machine import ROOT
from scaling import swift
from scaling.fit import fitted
from scaling.page import KINDS, page, picture
from scaling.runs import measured_enough

_DESCRIPTION = """Fits the laws of loss over size and text to the runs that docs/experiments keeps, and writes
them as a page and as constants of the program."""

SEARCHES = ROOT / "scripts/experiments/searches"
RESULTS = ROOT / "docs/experiments"


def main(arguments: list[str] | None = None) -> int:
    """The process's exit code."""
    options = _options(arguments)

    def work() -> int:
        files = written(options.searches, options.results)
        if options.check:
            _check(files, options.output)
        else:
            _write(files, options.output)
        return ExitCode.DONE

    return run_restartable(work, options.output)


def written(searches: Path, results: Path) -> dict[str, str]:
    """The files that follow from the results, by their place in the repository."""
    found = dict(zip(KINDS, measured_enough(KINDS.values(), searches, results), strict=True))
    laws = {kind: fitted(each.runs, seed) for seed, (kind, each) in enumerate(found.items(), start=1)}
    name = "scaling-laws"
    return {
        f"docs/{name}.md": page(found, laws),
        f"docs/{name}.svg": picture(found, laws),
        str(Path("Sources/HATCore/Cost", "FittedScalingLaws.swift")): swift.source(laws),
    }


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="scripts/scaling-laws", description=_DESCRIPTION)
    add = parser.add_argument
    add("--check", action="store_true", help="write nothing; fail if the files are not those of the results")
    add("--results", type=Path, default=RESULTS, metavar="FOLDER", help="default: docs/experiments")
    add(
        "--searches",
        type=Path,
        default=SEARCHES,
        metavar="FOLDER",
        help="default: scripts/experiments/searches",
    )
    add("--output", type=Path, default=ROOT, metavar="FOLDER", help="default: the repository")
    return parser.parse_args(arguments)


def _check(files: Mapping[str, str], folder: Path) -> None:
    differing = [name for name, content in files.items() if _read(folder / name) != content]
    if differing:
        raise Failure(
            ExitCode.INVALID_DATA,
            f"{', '.join(differing)} are not what the results give",
            "Write them again: scripts/scaling-laws.",
        )


def _read(path: Path) -> str | None:
    return path.read_text("utf-8") if path.exists() else None


def _write(files: Mapping[str, str], folder: Path) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, content.encode("utf-8"))
        print(path)


if __name__ == "__main__":
    sys.exit(main())
