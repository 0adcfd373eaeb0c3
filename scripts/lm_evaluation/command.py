"""The command line of `scripts/harness`."""

import argparse
import json
import sys
from pathlib import Path

from corpus.arguments import Parser
from corpus.errors import ExitCode, Failure
from corpus.folders import claimed
from corpus.manifest import write_durably
from corpus.progress import Progress
from corpus.restartable import run_restartable
from lm_evaluation import echo, questions
from lm_evaluation.comparison import Row, rows, table
from lm_evaluation.questions import Material
from lm_evaluation.running import Group, Order
from lm_evaluation.tasks import TASKS, Figures, Task, write_task
from reproduction.commands import Commands, shown
from reproduction.hat import Hat
from reproduction.machine import ROOT
from reproduction.questions import passages
from serving.server import Json, served

_DESCRIPTION = """Runs lm-evaluation-harness on a model that `hat-mpirun serve` serves, and `evaluate` on the same
questions, which it makes from held-out text, and compares their figures. Exit code 65: they differ. After a stop, run
the same command to continue."""

_PROGRAM = ROOT / ".build/release/hat-mpirun"
# Seconds for a large model to be read.
_PATIENCE = 3600
# Requests at once. For texts, the harness cannot keep answers of more than one.
_CONCURRENCY = {False: 16, True: 1}


def main(arguments: list[str] | None = None) -> int:
    """The process's exit code."""
    options = _options(arguments)
    return run_restartable(lambda: _check(options.check) if options.check else _compare(options), options.output)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = Parser(prog="scripts/harness", description=_DESCRIPTION)
    add = parser.add_argument
    add("--checkpoint", metavar="RUN[@step]", help="a run, of words or of tokens")
    add("--data", type=Path, metavar="CORPUS", help="made by preprocess, with held-out text")
    add("--output", type=Path, default=Path("runs/harness"), metavar="DIR", help="default: runs/harness")
    add("--limit", type=int, default=500, metavar="N", help="questions of each task, at most; default: 500")
    add("--program", type=Path, default=_PROGRAM, metavar="FILE", help="default: .build/release/hat-mpirun")
    add("--check", metavar="URL", help="only see whether the server there scores prompts: http://127.0.0.1:8080")
    options = parser.parse_args(arguments)
    if not options.check and not (options.checkpoint and options.data):
        parser.error("--checkpoint and --data are needed, except with --check")
    if options.limit < 1:
        parser.error("--limit must be at least 1")
    return options


def _check(url: str) -> int:
    print(f"{url} scores prompts: model {echo.check(url)}")
    return ExitCode.DONE


def _compare(options: argparse.Namespace) -> int:
    with claimed(options.output, "harness"):
        found = _Comparison(options).work()
    print(table(found), end="")
    different = sum(not row.agrees for row in found)
    if different:
        print(
            f"error: {different} of {len(found)} figures differ. {options.output} has questions and logs.",
            file=sys.stderr,
        )
        return ExitCode.INVALID_DATA
    return ExitCode.DONE


class _Comparison:
    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._folder: Path = options.output
        self._progress = Progress(4)
        self._commands = Commands(self._folder / "logs", self._progress)
        self._hat = Hat(options.program.resolve(), self._commands)

    def work(self) -> list[Row]:
        self._progress.begin("Serving the model")
        program = self._options.program.resolve()
        with served(self._options.checkpoint, program, _PATIENCE) as server:
            model = server.ask("/v1/models")["data"][0]
            self._keep_settings(model)
            self._progress.begin("Making questions from held-out text")
            self._make_questions(model)
            self._progress.begin("Running lm_eval")
            url = f"http://127.0.0.1:{server.port}"
            echo.check(url, server.name)
            harness = self._harness(url, server.name)
        self._progress.begin("Running evaluate")
        found: list[Row] = []
        for task in TASKS:
            # The baseline may write the same word in other tokens.
            compared = {} if task.is_written and model["kind"] == "subword" else self._evaluated(task)
            found += rows(task.name, len(questions.read(self._file(task))), harness[task.name], compared)
        return found

    def _keep_settings(self, model: Json) -> None:
        """A folder is for one model, text and number of questions: it keeps answers."""
        corpus = self._options.data / "corpus.json"
        try:
            text = json.loads(corpus.read_text("utf-8"))["data_fingerprint"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Failure(
                ExitCode.INPUT_MISSING,
                f"{corpus} cannot be read as that of a corpus",
                "Give --data a folder made by preprocess.",
            ) from error
        checkpoint = str(Path(self._options.checkpoint).resolve())
        content = {"checkpoint": checkpoint, "step": model["step"], "data": text, "limit": self._options.limit}
        path = self._folder / "settings.json"
        if not path.exists():
            write_durably(path, (json.dumps(content, indent=2) + "\n").encode("utf-8"))
        elif json.loads(path.read_text("utf-8")) != content:
            raise Failure(
                ExitCode.WRONG_USAGE,
                f"{self._folder} was started with another --checkpoint, step, --data or --limit",
                "Use the same to continue, or choose another --output.",
            )

    def _file(self, task: Task, of: str = "questions") -> Path:
        return self._folder / of / f"{task.name}.jsonl"

    def _make_questions(self, model: Json) -> None:
        if not all(self._file(task).exists() for task in TASKS):
            self._commands.begin("questions")
            found = passages(self._hat.held_out_documents(self._options.data))
            material = Material(found, self._options.limit, model["context_words"], model["context_bytes"])
            for task in TASKS:
                made = task.make(material)
                if not made:
                    raise Failure(
                        ExitCode.INVALID_DATA,
                        f"no held-out passage of {self._options.data} is suitable for a question of {task.name}",
                        "Give --data a corpus with more running text.",
                    )
                questions.write(self._file(task, "asked"), task.asked(made))
                questions.write(self._file(task), made)
        for task in TASKS:
            write_task(task, self._folder / "tasks", self._file(task))

    def _harness(self, url: str, model: str) -> dict[str, Figures]:
        """What it says of each task."""
        answers = self._folder / "answers"
        answers.mkdir(exist_ok=True)
        groups = []
        for of_texts, window in dict.fromkeys((task.is_of_texts, task.window) for task in TASKS):
            names = [task.name for task in TASKS if (task.is_of_texts, task.window) == (of_texts, window)]
            groups.append(Group(names, str(answers / names[0]), window, _CONCURRENCY[of_texts]))
        result = self._folder / "lm_eval.json"
        order = Order(url, model, str(self._folder / "tasks"), groups, str(result))
        self._commands.begin("lm_eval")
        command = [sys.executable, "-BP", "-m", "lm_evaluation.running", order.encode()]
        self._commands.run(command, shown("lm_eval", "--tasks", *(task.name for task in TASKS)))
        found: dict[str, Figures] = json.loads(result.read_text("utf-8"))
        return found

    def _evaluated(self, task: Task) -> Figures:
        """What `evaluate` says, kept as well."""
        path = self._folder / "evaluate" / f"{task.name}.json"
        if not path.exists():
            self._commands.begin("evaluate")
            answer = self._hat.evaluate(self._options.checkpoint, task.kind, self._file(task, "asked"))
            path.parent.mkdir(parents=True, exist_ok=True)
            write_durably(path, json.dumps(answer).encode("utf-8"))
        return task.expected(json.loads(path.read_text("utf-8")))


if __name__ == "__main__":
    sys.exit(main())
