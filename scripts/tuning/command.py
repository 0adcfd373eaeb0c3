"""The command line of `scripts/tune-example`."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from corpus.arguments import Parser
from corpus.errors import ExitCode, Failure
from corpus.folders import claimed
from corpus.manifest import write_durably
from corpus.progress import Progress
from corpus.restartable import keep_settings, run_restartable
from reproduction.commands import Commands, shown
from reproduction.hat import Hat
from reproduction.machine import ROOT, cores
from reproduction.staging import Record, run_all
from tuning.laboratory import Laboratory, Settings
from tuning.report import examples, markdown
from tuning.stages import stages

_DESCRIPTION = """Tunes a small model to follow instructions, and measures the effect. Pretrains it on English
text, writes dialogues about words whose answers can be judged exactly, tunes the model by them and then by
preference pairs, and asks each model questions that no training dialogue has, also about words that none has.
After a stop, run the same command to continue."""

_PROGRAM = ROOT / ".build/release/hat-mpirun"


def main(arguments: list[str] | None = None) -> int:
    """The process's exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    options = _options(given)

    def work() -> int:
        settings = _settings(options)
        with claimed(options.output, "tune-example"):
            keep_settings(options.output / "settings.json", asdict(settings))
            _run(options, settings, shown("scripts/tune-example", *given))
        return ExitCode.DONE

    return run_restartable(work, options.output)


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = Parser(prog="scripts/tune-example", description=_DESCRIPTION)
    config = ROOT / "configs/tune-example.yaml"
    add = parser.add_argument
    add(
        "--output",
        type=Path,
        default=Path("runs/tune-example"),
        metavar="DIR",
        help="default: runs/tune-example",
    )
    add(
        "--texts",
        type=Path,
        metavar="DIR",
        help="English text, as scripts/fetch-corpus makes it; default: fetch it",
    )
    add("--checkpoint", metavar="RUN", help="a run to tune; default: pretrain one")
    add(
        "--config",
        type=Path,
        default=config,
        metavar="FILE",
        help="of the model to pretrain; default: configs/tune-example.yaml",
    )
    add(
        "--ranks",
        type=int,
        default=min(2, cores()),
        metavar="N",
        help="1, 2 or 4; default: one per core, at most 2",
    )
    add("--program", type=Path, default=_PROGRAM, metavar="FILE", help="default: .build/release/hat-mpirun")
    options = parser.parse_args(arguments)
    if options.ranks not in (1, 2, 4):
        parser.error("--ranks must be 1, 2 or 4: a divisor of the micro-batches of a step")
    return options


def _settings(options: argparse.Namespace) -> Settings:
    try:
        config = options.config.read_text("utf-8")
    except OSError as error:
        raise Failure(
            ExitCode.INPUT_MISSING,
            f"{options.config} cannot be read ({error.strerror})",
            "Give a configuration such as configs/tune-example.yaml.",
        ) from error
    texts = str(options.texts) if options.texts else None
    return Settings(config, options.checkpoint, texts, options.ranks)


def _run(options: argparse.Namespace, settings: Settings, typed: str) -> None:
    folder, work = options.output, stages()
    progress = Progress(len(work) + 1)
    commands = Commands(folder / "logs", progress)
    program = options.program.resolve()
    laboratory = Laboratory(folder, settings, program, Hat(program, commands), commands, progress, typed)
    run_all(work, laboratory, Record(folder / "results"))
    progress.begin("Writing the table")
    found = {"results": laboratory.results, "seconds": laboratory.seconds}
    table = markdown(laboratory.results, laboratory.seconds)
    write_durably(folder / "results.json", (json.dumps(found, indent=1) + "\n").encode("utf-8"))
    write_durably(folder / "results.md", table.encode("utf-8"))
    write_durably(folder / "wrong-answers.txt", examples(laboratory.results).encode("utf-8"))
    print(table, end="")


if __name__ == "__main__":
    sys.exit(main())
