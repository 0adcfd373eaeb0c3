"""The command line of `scripts/soak`."""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from corpus.errors import ExitCode
from corpus.folders import claimed
from corpus.manifest import sha256, write_durably
from corpus.restartable import run_restartable
from endurance.isolation import isolate
from endurance.journal import Journal
from endurance.options import options_parser, parsed
from endurance.processes import adopt_orphans, end_leftovers
from endurance.soak.bench import Bench
from endurance.soak.drawing import Plan, drawn, on_one_node
from endurance.soak.rounds import Report, Round
from endurance.soak.summary import summary, text
from reproduction.machine import ROOT

_DESCRIPTION = """Runs preprocess, train and export in rounds; kills, stops and starves them, damages their
files, runs them again to their end, and compares the result with the undisturbed one. After a stop, run the
same command to go on."""


def main(arguments: list[str] | None = None) -> int:
    """The process's exit code."""
    options = _options(arguments)

    def work() -> int:
        with claimed(options.folder, "soak"):
            return _Soaking(options).work()

    return run_restartable(work, options.folder)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = options_parser("scripts/soak", _DESCRIPTION, seed="what every round does")
    add, hours = parser.add_argument, "of all rounds, also of earlier starts; default: 1"
    add("--hours", type=float, default=1.0, metavar="H", help=hours)
    add("--round", type=int, metavar="N", help="only repeat this round, and keep its files if it fails")
    options = parsed(parser, arguments)
    if not options.hours > 0:
        parser.error("--hours must be more than 0")
    return options


class _Soaking:
    def __init__(self, options: argparse.Namespace) -> None:
        self._options, self._folder = options, options.folder

    def work(self) -> int:
        adopt_orphans()
        self._is_isolated = isolate()
        self._bench = Bench(self._options.program, self._folder)
        self._has_two_nodes = _succeeds(ROOT / "scripts/two-nodes", "true")
        if not self._has_two_nodes:
            print("No rounds over two nodes: network namespaces may not be made here.", file=sys.stderr)
        if not self._is_isolated:
            print(
                "No file systems may be mounted here: a limit on the size of a file stands for a full disk, "
                "and nobody looks for what is left in shared memory.",
                file=sys.stderr,
            )
        if self._options.round is not None:
            return self._repeat(self._options.round)
        # Another program is another test.
        begun = {"seed": self._options.seed, "program": sha256(self._options.program)}
        journal = Journal(self._folder / "rounds.jsonl", begun)
        while sum(entry["seconds"] for entry in journal.entries) < self._options.hours * 3600:
            self._round(journal, 1 + len(journal.entries))
        return self._conclude(journal)

    def _repeat(self, number: int) -> int:
        report, _ = self._perform(self._plan(number), self._folder / f"repeated-{number}")
        print(*report.failures or ["no failure"], sep="\n")
        return ExitCode.OUR_FAULT if report.failures else ExitCode.DONE

    def _round(self, journal: Journal, number: int) -> None:
        plan = self._plan(number)
        report, seconds = self._perform(plan, self._folder / f"round-{number}")
        journal.add(report.entry(plan, seconds))
        events = ", ".join(report.events) or "nothing"
        print(f"round {number}, {plan.scenario} on {plan.ranks}: {events}; {seconds:.0f} s", file=sys.stderr)
        for failure in report.failures:
            print(f"round {number} failed: {failure}", file=sys.stderr)
        self._write(journal)

    def _perform(self, plan: Plan, place: Path) -> tuple[Report, float]:
        """What happened, and how many seconds it took."""
        start = time.monotonic()
        try:
            report = Round(self._bench, plan, place, self._is_isolated).perform()
        finally:
            end_leftovers(0)
        return report, time.monotonic() - start

    def _plan(self, number: int) -> Plan:
        plan = drawn(self._options.seed, number)
        return plan if self._has_two_nodes else on_one_node(plan)

    def _write(self, journal: Journal) -> dict[str, Any]:
        found = summary(journal.entries, self._options.seed)
        write_durably(self._folder / "summary.json", json.dumps(found, indent=2).encode() + b"\n")
        return found

    def _conclude(self, journal: Journal) -> int:
        found = self._write(journal)
        print(text(found))
        if found["failures"]:
            print(f"error: {found['failed_rounds']} rounds failed, see {self._folder}", file=sys.stderr)
            return ExitCode.OUR_FAULT
        return ExitCode.DONE


def _succeeds(*command: str | Path) -> bool:
    return subprocess.run(command, capture_output=True).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
