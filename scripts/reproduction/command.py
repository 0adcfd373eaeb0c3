"""The command line of `scripts/reproduce`."""

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from corpus.errors import ExitCode, FetchError
from corpus.folders import claimed
from corpus.manifest import write_durably
from reproduction.catalogue import stages
from reproduction.commands import Commands, shown
from reproduction.errors import StageFailure
from reproduction.hat import Hat
from reproduction.laboratory import Laboratory
from reproduction.material import ROOT
from reproduction.progress import Progress, duration
from reproduction.report.assemble import assemble
from reproduction.report.html import html
from reproduction.report.markdown import markdown
from reproduction.settings import Settings
from reproduction.stages import Record, run_all

_DESCRIPTION = """Puts the paper's claims to the test at a size for two cores: trains the hierarchical model,
a subword baseline of equal compute and a model of fixed patches on English, measures them on held-out text as
it is and perturbed, goes on with German, and writes report.html. Run the same command again to go on after a
stop."""

_PROGRAM = ROOT / ".build/release/hat-mpirun"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ExitCode.WRONG_USAGE, f"error: {message}\n")


def main(arguments: list[str] | None = None) -> int:
    """The process's exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(given)
    # A batch system's way of stopping ends in the same orderly one as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = _settings(options)
        with claimed(options.output, "reproduce"):
            _reproduce(options, settings, shown("scripts/reproduce", *given))
        return ExitCode.DONE
    except (StageFailure, FetchError) as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    except OSError as error:
        print(f"error: {error.filename or options.output}: {error.strerror or error}", file=sys.stderr)
        return ExitCode.CANNOT_WRITE
    except KeyboardInterrupt:
        print("Stopped; run the same command to go on.", file=sys.stderr)
        return ExitCode.STOPPED_EARLY


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="scripts/reproduce", description=_DESCRIPTION)
    parser.add_argument("--hours", type=_hours, default=2.0, metavar="H", help="time to use; default: 2")
    parser.add_argument(
        "--output", type=Path, default=Path("runs/reproduce"), metavar="DIR", help="default: runs/reproduce"
    )
    parser.add_argument(
        "--corpora",
        type=Path,
        metavar="DIR",
        help="texts that are there already, in DIR/english and DIR/german; fetched where not given",
    )
    parser.add_argument(
        "--config",
        type=Path,
        default=ROOT / "configs/reproduction.yaml",
        metavar="FILE",
        help="the hierarchical model's sizes; default: configs/reproduction.yaml",
    )
    parser.add_argument(
        "--vocabulary", type=int, default=4096, metavar="N", help="the baseline's tokens; default: 4096"
    )
    parser.add_argument(
        "--ranks",
        type=int,
        default=_ranks(),
        metavar="N",
        help="processes that train; default: a core each, at most 4",
    )
    parser.add_argument(
        "--program",
        type=Path,
        metavar="FILE",
        help="a hat-mpirun that is built already; built where not given",
    )
    return parser


def _hours(text: str) -> float:
    value = float(text)
    if not 0 < value < 10_000:
        raise argparse.ArgumentTypeError("must be above 0")
    return value


def _ranks() -> int:
    """A power of two, so that it divides the micro-batches."""
    cores = len(os.sched_getaffinity(0))
    return max(ranks for ranks in (1, 2, 4) if ranks <= cores)


def _settings(options: argparse.Namespace) -> Settings:
    try:
        config = options.config.read_text("utf-8")
    except OSError as error:
        raise StageFailure(
            ExitCode.INPUT_MISSING,
            f"{options.config} cannot be read ({error.strerror})",
            "Give a configuration such as configs/tiny.yaml.",
        ) from error
    return Settings(options.hours, options.vocabulary, options.ranks, config)


def _reproduce(options: argparse.Namespace, settings: Settings, typed: str) -> None:
    settings.keep(options.output / "settings.json")
    work = stages()
    progress = Progress(len(work) + 1)
    commands = Commands(options.output / "logs", progress)
    laboratory = Laboratory(
        options.output,
        settings,
        Hat(_program(options.program, commands), commands),
        commands,
        progress,
        options.corpora,
        typed,
    )
    run_all(work, laboratory, Record(options.output / "results"))
    progress.begin("Writing the report")
    _write_report(laboratory)
    taken = sum(laboratory.seconds.values())
    print(f"{options.output / 'report.html'}: {len(work)} stages in {duration(taken)}")


def _program(given: Path | None, commands: Commands) -> Path:
    if given:
        return given.resolve()
    print("Building (about two minutes the first time)", file=sys.stderr)
    commands.begin("build")
    for command in (
        ["scripts/install-dependencies"],
        ["swift", "build", "-c", "release", "--product", "hat-mpirun"],
    ):
        commands.run(
            [str(ROOT / command[0]) if "/" in command[0] else command[0], *command[1:]], shown(*command), ROOT
        )
    return _PROGRAM


def _write_report(laboratory: Laboratory) -> None:
    report = assemble(laboratory.results, laboratory.seconds)
    write_durably(laboratory.folder / "report.html", html(report).encode("utf-8"))
    write_durably(laboratory.folder / "results.md", markdown(report).encode("utf-8"))
