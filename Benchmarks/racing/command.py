"""The command line of `Benchmarks/quality`."""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from corpus.arguments import Parser
from corpus.errors import ExitCode
from corpus.folders import claimed
from corpus.manifest import write_durably
from corpus.progress import Progress
from corpus.restartable import run_restartable
from racing.pytorch import train_by_pytorch
from racing.race import PYTORCH, Race, read
from racing.report import json_object, markdown, pictures
from racing.running import Course, Finish, check_same_text
from reproduction import machine
from reproduction.commands import Commands, duration
from reproduction.hat import Hat
from reproduction.machine import ROOT

_DESCRIPTION = """A race: the time and the text that trainings take to levels of held-out bits per byte.
After a stop, run the same command to continue."""

_RACES = ROOT / "Benchmarks/racing/races"


def main(arguments: list[str] | None = None) -> int:
    """The process's exit code."""
    options = _options(arguments)

    def work() -> int:
        race = read(options.races / f"{options.name}.toml")
        with claimed(options.folder, "quality"):
            _write(race, _run(race, options), options)
        return ExitCode.DONE

    return run_restartable(work, options.folder)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="Benchmarks/quality", description=_DESCRIPTION)
    known = ", ".join(sorted(path.stem for path in _RACES.glob("*.toml")))
    program = ROOT / ".build/release/hat-mpirun"
    add = parser.add_argument
    add("name", metavar="RACE", help=f"a race: {known}")
    add("--corpus", type=Path, required=True, metavar="CORPUS", help="made by preprocess, with held-out text")
    add("--folder", type=Path, required=True, metavar="FOLDER", help="for runs, logs and results")
    add("--ranks", type=int, default=2, metavar="N", help="of each training; default: 2")
    add("--program", type=Path, default=program, metavar="FILE", help="default: .build/release/hat-mpirun")
    add("--races", type=Path, default=_RACES, metavar="FOLDER", help="default: Benchmarks/racing/races")
    options = parser.parse_args(arguments)
    if options.ranks < 1:
        parser.error("--ranks must be at least 1")
    return options


def _run(race: Race, options: argparse.Namespace) -> list[Finish]:
    progress = Progress(len(race.entries))
    commands = Commands(options.folder / "logs", progress)
    hat = Hat(options.program.resolve(), commands)
    course = Course(race, hat, options.corpus, options.folder, options.ranks)
    commands.begin(f"{race.name}-plan")
    # Every setting is checked before anything is trained.
    runs = [course.plan(entry) for entry in race.entries]
    held_out: int = hat.corpus(options.corpus)["holdout"]["bytes"]
    finishes: list[Finish] = []
    for number, (entry, run) in enumerate(zip(race.entries, runs, strict=True), start=1):
        progress.begin(entry.name)
        commands.begin(f"{race.name}-{number}")
        train = train_by_pytorch(course, commands) if entry.trainer == PYTORCH else course.train_by_hat
        if finishes and entry.trainer == PYTORCH:
            # Before it trains.
            check_same_text(entry, held_out, finishes[0])
        finish = course.finish(entry, run, train)
        if finishes:
            check_same_text(entry, finish.evaluated_bytes, finishes[0])
        progress.note(f"{finish.curve[-1].bits_per_byte:.4f} bits per byte after {duration(finish.seconds)}")
        finishes.append(finish)
    return finishes


def _write(race: Race, finishes: list[Finish], options: argparse.Namespace) -> None:
    made: dict[str, Any] = {
        **{"date": datetime.now(UTC).date().isoformat(), "commit": machine.commit()},
        **{"changed": machine.has_changes(), "processor": machine.processor(), "cores": machine.cores()},
        "ranks": options.ranks,
    }
    table = markdown(race, finishes, made)
    files = {
        f"{race.name}.md": table,
        f"{race.name}.json": json.dumps(json_object(race, finishes, made), ensure_ascii=False, indent=1)
        + "\n",
        **{f"{race.name}-{name}.svg": picture + "\n" for name, picture in pictures(finishes).items()},
    }
    for name, content in files.items():
        write_durably(options.folder / name, content.encode("utf-8"))
    print(table)


if __name__ == "__main__":
    sys.exit(main())
