"""The command line of `scripts/reproduce`."""

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from corpus.arguments import Parser
from corpus.errors import ExitCode, Failure
from corpus.folders import claimed
from corpus.manifest import write_durably
from corpus.progress import Progress
from corpus.restartable import run_restartable
from reproduction.commands import Commands, duration, shown
from reproduction.hat import Hat
from reproduction.laboratory import Laboratory, Settings
from reproduction.machine import ROOT, cores
from reproduction.report import html, markdown
from reproduction.stages import stages
from reproduction.staging import Record, run_all

_DESCRIPTION = """Puts the paper's claims to the test, at a size for two cores. Trains four
models on English: the paper's plain hierarchical model, the same with the recommended recipe, a subword
baseline with equal compute and a model of fixed patches. Evaluates them on held-out text, clean and
perturbed, adapts all but the last to German, and writes report.html. After a stop, run the same command to
continue."""

_PROGRAM = ROOT / ".build/release/hat-mpirun"


def main(arguments: list[str] | None = None) -> int:
    """The process's exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(given)

    def work() -> int:
        settings = _settings(options)
        with claimed(options.output, "reproduce"):
            _reproduce(options, settings, shown("scripts/reproduce", *given))
        return ExitCode.DONE

    return run_restartable(work, options.output)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="scripts/reproduce", description=_DESCRIPTION)
    config = ROOT / "configs/reproduction.yaml"
    add = parser.add_argument
    add("--hours", type=_hours, default=2.0, metavar="H", help="time to use; default: 2")
    add("--output", type=Path, default=Path("runs/reproduce"), metavar="DIR", help="default: runs/reproduce")
    add("--corpora", type=Path, metavar="DIR", help="texts in DIR/english, DIR/german; default: fetch them")
    sizes = "the hierarchical models' sizes; default: configs/reproduction.yaml"
    add("--config", type=Path, default=config, metavar="FILE", help=sizes)
    add("--vocabulary", type=int, default=4096, metavar="N", help="tokens of the baseline; default: 4096")
    add("--ranks", type=int, default=_ranks(), metavar="N", help="default: one per core, at most 4")
    add("--program", type=Path, metavar="FILE", help="a built hat-mpirun; default: build it")
    return parser


def _hours(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) < 10_000:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text} is not a number above 0 and below 10000")


def _ranks() -> int:
    """A power of two, so that it divides the micro-batches."""
    return max(ranks for ranks in (1, 2, 4) if ranks <= cores())


def _settings(options: argparse.Namespace) -> Settings:
    try:
        config = options.config.read_text("utf-8")
    except OSError as error:
        raise Failure(
            ExitCode.INPUT_MISSING,
            f"{options.config} cannot be read ({error.strerror})",
            "Give a configuration such as configs/tiny.yaml.",
        ) from error
    return Settings(options.hours, options.vocabulary, options.ranks, config)


def _reproduce(options: argparse.Namespace, settings: Settings, typed: str) -> None:
    folder = options.output
    settings.keep(folder / "settings.json")
    work = stages()
    progress = Progress(len(work) + 1)
    commands = Commands(folder / "logs", progress)
    hat = Hat(_program(options.program, commands), commands)
    laboratory = Laboratory(folder, settings, hat, commands, progress, options.corpora, typed)
    run_all(work, laboratory, Record(folder / "results"))
    progress.begin("Writing the report")
    found = laboratory.results, laboratory.seconds
    write_durably(folder / "report.html", html(*found).encode("utf-8"))
    write_durably(folder / "results.md", markdown(*found).encode("utf-8"))
    print(f"{folder / 'report.html'}: {len(work)} stages in {duration(sum(laboratory.seconds.values()))}")


def _program(given: Path | None, commands: Commands) -> Path:
    if given:
        return given.resolve()
    print("Building (about two minutes the first time)", file=sys.stderr)
    commands.begin("build")
    commands.run([str(ROOT / "scripts/install-dependencies")], "scripts/install-dependencies", ROOT)
    build = ["swift", "build", "-c", "release", "--product", "hat-mpirun"]
    commands.run(build, shown(*build), ROOT)
    return _PROGRAM


if __name__ == "__main__":
    sys.exit(main())
