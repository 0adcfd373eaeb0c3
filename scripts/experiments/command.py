"""The command line of `scripts/search`."""

import argparse
import fnmatch
import shutil
import sys
from pathlib import Path

from corpus.arguments import Parser
from corpus.errors import ExitCode, Failure
from corpus.folders import claimed, locked
from corpus.manifest import write_durably
from corpus.progress import Progress
from corpus.restartable import run_restartable
from experiments.planning import Planner, Run
from experiments.results import Line, Results, measured
from experiments.search import Search, Trial, label, read
from experiments.table import markdown
from reproduction.commands import Commands
from reproduction.hat import Hat
from reproduction.machine import ROOT

_DESCRIPTION = """Searches for better settings: trains the trials of a search, one after the other, and keeps
their results in docs/experiments. After a stop, run the same command to continue."""

_SEARCHES = ROOT / "scripts/experiments/searches"
_RESULTS = ROOT / "docs/experiments"
_PROGRAM = ROOT / ".build/release/hat-mpirun"


def main(arguments: list[str] | None = None) -> int:
    """The process's exit code."""
    options = _options(arguments)
    return run_restartable(lambda: _search(options), options.work or options.results)


def _search(options: argparse.Namespace) -> int:
    search = read(options.searches / f"{options.name}.toml")
    if options.render:
        _render(search, options.results)
        return ExitCode.DONE
    with claimed(options.work, "search"):
        return _Searching(search, options).work()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="scripts/search", description=_DESCRIPTION)
    known = ", ".join(sorted(path.stem for path in _SEARCHES.glob("*.toml")))
    add = parser.add_argument
    add("name", metavar="NAME", help=f"a search: {known}")
    add("--work", type=Path, metavar="FOLDER", help="for runs, vocabularies and logs")
    add("--corpus", type=Path, metavar="CORPUS", help="made by preprocess, with held-out text")
    add("--ranks", type=int, default=1, metavar="N", help="of each training; default: 1")
    add(
        "--only",
        metavar="PATTERN",
        help="only trials whose name, as --list shows it, matches: 'training.clip=*'",
    )
    add(
        "--list",
        action="store_true",
        help="show the trials, what they cost and which are done; train nothing",
    )
    add("--render", action="store_true", help="only write the table again, from the results that are there")
    add("--program", type=Path, default=_PROGRAM, metavar="FILE", help="default: .build/release/hat-mpirun")
    add(
        "--searches",
        type=Path,
        default=_SEARCHES,
        metavar="FOLDER",
        help="default: scripts/experiments/searches",
    )
    add("--results", type=Path, default=_RESULTS, metavar="FOLDER", help="default: docs/experiments")
    options = parser.parse_args(arguments)
    if not options.render and not (options.work and options.corpus):
        parser.error("--work and --corpus are needed, except with --render")
    if options.ranks < 1:
        parser.error("--ranks must be at least 1")
    return options


class _Searching:
    def __init__(self, search: Search, options: argparse.Namespace) -> None:
        self._search, self._options = search, options
        self._results = Results(options.results, search.name)

    def work(self) -> int:
        options = self._options
        progress = Progress(1)
        commands = Commands(options.work / "logs", progress)
        commands.begin("plan")
        hat = Hat(options.program.resolve(), commands)
        runs = Planner(hat, self._search, options.corpus, options.work).runs(self._wanted())
        if options.list:
            self._list(runs)
            return ExitCode.DONE
        open_runs = [run for run in runs if not self._results.keep_finished(self._search, run)]
        progress = Progress(max(1, len(open_runs)))
        failed = sum(not self._try(run, progress) for run in open_runs)
        _render(self._search, options.results)
        if failed:
            print(f"error: {failed} of {len(open_runs)} runs failed, see above.", file=sys.stderr)
            return ExitCode.OUR_FAULT
        return ExitCode.DONE

    def _wanted(self) -> list[Trial]:
        pattern, trials = self._options.only, self._search.trials
        found = [trial for trial in trials if pattern is None or fnmatch.fnmatchcase(label(trial), pattern)]
        if not found:
            known = ", ".join(map(label, trials))
            raise Failure(ExitCode.WRONG_USAGE, f"--only {pattern} matches no trial", f"There are: {known}.")
        return found

    def _list(self, runs: list[Run]) -> None:
        wide = max(len(label(run.trial)) for run in runs)
        print(f"{'trial':{wide}}  seed   steps  FLOPs  result")
        for run in runs:
            line = self._results.finished(run)
            result = _bits(line) if line else "to do"
            print(f"{label(run.trial):{wide}}  {run.seed:4}  {run.steps:6}  {run.flops_ratio:5.3f}  {result}")

    def _try(self, run: Run, progress: Progress) -> bool:
        """A trial that fails, as one may whose loss explodes, does not keep the others from being tried."""
        name = f"{label(run.trial)}, seed {run.seed}"
        progress.begin(name)
        # Another trial of this search may be the same run: a value of an axis may be the base's.
        if self._results.keep_finished(self._search, run):
            progress.note("already done")
            return True
        try:
            line = self._train(run, progress)
        except Failure as error:
            if error.code == ExitCode.STOPPED_EARLY:
                raise KeyboardInterrupt from error
            print(f"error: {name}: {error}", file=sys.stderr)
            return False
        progress.note(f"{name}: {_bits(line)}")
        return True

    def _train(self, run: Run, progress: Progress) -> Line:
        options = self._options
        commands = Commands(options.work / "logs", progress)
        commands.begin(run.key)
        hat = Hat(options.program.resolve(), commands)
        folder = options.work / "runs" / run.key
        config = ROOT / self._search.base
        hat.train(config, options.corpus, folder, options.ranks, dict(run.values), tokenizer=run.tokenizer)
        line = measured(hat, self._search, run, folder, options.corpus, options.ranks)
        self._results.keep(line)
        _render(self._search, options.results)
        # The result is kept; the weights of a hundred trials would fill a disk.
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        return line


def _bits(line: Line) -> str:
    return f"{line['held_out']:.4f} bits per byte"


def _render(search: Search, folder: Path) -> None:
    with locked(folder):
        text = markdown(search, Results(folder, search.name))
        write_durably(folder / f"{search.name}.md", text.encode("utf-8"))


if __name__ == "__main__":
    sys.exit(main())
