"""The command line of `scripts/fuzz-commands`."""

import argparse
import json
import multiprocessing
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from corpus.errors import ExitCode
from corpus.folders import claimed
from corpus.manifest import sha256, write_durably
from corpus.restartable import run_restartable
from documentation.reference import Program
from endurance.fuzz import zoo
from endurance.fuzz.lines import Drawer, shown
from endurance.fuzz.running import Job
from endurance.fuzz.verdict import faults
from endurance.journal import Entry, Journal
from endurance.kinds import grouped
from endurance.options import options_parser, parsed
from reproduction.commands import duration
from reproduction.hat import settings

_DESCRIPTION = """Gives hat-mpirun random command lines: options as it has them, values and files from a list
of hostile ones. Each must end with a documented exit code and a message. After a stop, run the same command
to go on."""

# Seconds between two lines about the progress.
_INTERVAL = 30.0


def main(arguments: list[str] | None = None) -> int:
    """The process's exit code."""
    options = _options(arguments)

    def work() -> int:
        with claimed(options.folder, "fuzz-commands"):
            return _Fuzzing(options).work()

    return run_restartable(work, options.folder)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = options_parser("scripts/fuzz-commands", _DESCRIPTION, seed="every line")
    add = parser.add_argument
    add("--count", type=int, default=1000, metavar="N", help="command lines; default: 1000")
    add("--jobs", type=int, default=1, metavar="J", help="lines at the same time; default: 1")
    add("--line", type=int, metavar="L", help="only run this one and show how it ended")
    options = parsed(parser, arguments)
    if options.count < 1 or options.jobs < 1:
        parser.error("--count and --jobs must be at least 1")
    return options


class _Fuzzing:
    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options

    def work(self) -> int:
        options = self._options
        zoo.build(options.program, options.folder / "zoo")
        if options.line is not None:
            return self._show(options.line)
        # Another program is another test.
        begun = {"seed": options.seed, "program": sha256(options.program)}
        self._journal = Journal(options.folder / "lines.jsonl", begun)
        done = {entry["line"] for entry in self._journal.entries}
        try:
            self._run([number for number in range(options.count) if number not in done])
        finally:
            # Also after a stop, which may come after hours.
            found = self._summarize()
        return self._conclude(found)

    def _show(self, number: int) -> int:
        worker = _Worker(self._options, "shown")
        line = worker.drawer.line(self._options.seed, number)
        ending = worker.job.run(line)
        print(f"{shown(line)}\n{ending.errors}exit code: {ending.code}")
        found = faults(line, ending)
        for fault in found:
            print(f"fault: {fault}")
        return ExitCode.OUR_FAULT if found else ExitCode.DONE

    def _run(self, numbers: list[int]) -> None:
        start = reported = time.monotonic()
        names: multiprocessing.SimpleQueue[str] = multiprocessing.SimpleQueue()
        for job in range(self._options.jobs):
            names.put(f"job-{job}")
        with multiprocessing.Pool(self._options.jobs, _begin, (self._options, names)) as pool:
            for count, entry in enumerate(pool.imap_unordered(_run, numbers, chunksize=4), start=1):
                self._journal.add(entry)
                for fault in entry.get("faults", ()):
                    print(f"line {entry['line']}: {fault}\n    {entry['command']}", file=sys.stderr)
                now = time.monotonic()
                if now - reported > _INTERVAL:
                    reported = now
                    print(
                        f"{count} of {len(numbers)} lines, {count / (now - start):.1f} a second",
                        file=sys.stderr,
                    )
            pool.close()
            pool.join()
        if numbers:
            seconds = time.monotonic() - start
            print(
                f"{len(numbers)} lines in {duration(seconds)}, {len(numbers) / seconds:.1f} a second",
                file=sys.stderr,
            )

    def _summarize(self) -> dict[str, Any]:
        found = {"seed": self._options.seed, **summary(self._journal.entries)}
        text = json.dumps(found, indent=2, ensure_ascii=False)
        write_durably(self._options.folder / "summary.json", text.encode() + b"\n")
        return found

    def _conclude(self, found: dict[str, Any]) -> int:
        endings = ", ".join(f"{ending}: {count}" for ending, count in found["endings"].items())
        print(f"{found['lines']} command lines; exit codes: {endings}")
        for group in found["failures"]:
            example = group["example"]
            print(f"{group['count']} x {group['kind']}\n    line {example['line']}: {example['command']}")
        if found["failures"]:
            count = len(found["failures"])
            print(
                f"error: {count} kinds of failure, see {self._options.folder / 'summary.json'}",
                file=sys.stderr,
            )
            return ExitCode.OUR_FAULT
        return ExitCode.DONE


def summary(entries: Iterable[Entry]) -> dict[str, Any]:
    """How many lines ended how, and each kind of failure with its count and one line to repeat."""
    listed = sorted(entries, key=lambda entry: int(entry["line"]))
    failures = [
        (f"{entry['name']}: {fault}", {"line": entry["line"], "command": entry["command"]})
        for entry in listed
        for fault in entry.get("faults", ())
    ]
    endings = Counter("time limit" if entry["code"] is None else str(entry["code"]) for entry in listed)
    return {"lines": len(listed), "endings": dict(endings.most_common()), "failures": grouped(failures)}


class _Worker:
    """What a process keeps that runs lines."""

    def __init__(self, options: argparse.Namespace, name: str) -> None:
        whole_zoo = options.folder / "zoo"
        self.job = Job(options.program, whole_zoo, options.folder / name)
        self.drawer = drawer(options.program, whole_zoo)
        self.seed: int = options.seed

    def run(self, number: int) -> Entry:
        line = self.drawer.line(self.seed, number)
        ending = self.job.run(line)
        entry: Entry = {"line": number, "code": ending.code}
        if found := faults(line, ending):
            entry |= {"name": " ".join(line.command), "command": shown(line), "faults": found}
        return entry


def drawer(program: Path, place: Path) -> Drawer:
    asked = Program(program)
    known: dict[str, str] = {}
    for kind in ("subword", "hierarchical"):
        known |= settings(asked.configuration(kind))
    return Drawer(asked.root_command(), known, zoo.names(place))


_worker: _Worker


def _begin(options: argparse.Namespace, names: Any) -> None:
    """Ctrl-C reaches every process of a terminal: the first one ends the others, and they what they run."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(ExitCode.STOPPED_EARLY))
    _worker = _Worker(options, names.get())


def _run(number: int) -> Entry:
    return _worker.run(number)


if __name__ == "__main__":
    sys.exit(main())
