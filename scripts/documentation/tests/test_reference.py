import json
import re
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from documentation.pages import REPOSITORY
from documentation.reference import Program, updated
from documentation.tests.program import PROGRAM, hat

_CONFIGURATION = """
model: { byte_width: 16, byte_head_size: 8, encoder_layers: 1, decoder_layers: 1, width: 16, head_size: 8 }
data: { sequence_words: 32, sequence_bytes: 256 }
training: { steps: 2, sequences_per_step: 1, micro_batches: 1 }
output: { evaluate_every: 1, sample_every: 1, sample_bytes: 9 }
"""

_LOGS = ("metrics", "evaluations", "samples", "starts")

_QUESTIONS = {
    "cloze": {"context": "To be, or not to ", "target": "be"},
    "choice": {"context": "The sky is", "choices": [" blue", " bread"], "answer": 0},
    "typos": {"good": "receive", "bad": "recieve"},
}


def _dialogue(question: str, *answers: str) -> dict[str, Any]:
    turns = [{"role": "user", "content": question}]
    return {"messages": turns + [{"role": "assistant", "content": answer} for answer in answers]}


# Of each kind one from which nothing can be learnt.
_DOCUMENTS: dict[str, list[dict[str, Any]]] = {
    "dialogues": [*(_dialogue(f"Say {number}.", str(number)) for number in range(8)), _dialogue("Hush.")],
    "preferences": [
        {"prompt": f"Say {number}.", "chosen": chosen, "rejected": "no"}
        for number, chosen in enumerate(["yes"] * 8 + ["no"])
    ],
}


class ReferenceTests(unittest.TestCase):
    """docs/cli.md against the program: `swift build -c release` first."""

    folder: Path
    page: str

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.page = (REPOSITORY / "docs/cli.md").read_text()
        cls._make_run()

    @classmethod
    def _make_run(cls) -> None:
        """Two corpora, a run on them, and a file of each kind of question."""
        (cls.folder / "config.yaml").write_text(_CONFIGURATION)
        for corpus in ("corpus", "other"):
            texts = (f"To be, or not to be, that is question {number} of {corpus}." for number in range(40))
            lines = [json.dumps({"text": text, "license": "none"}) for text in texts]
            (cls.folder / f"{corpus}.jsonl").write_text("\n".join(lines))
            text = cls.path(f"{corpus}.jsonl")
            cls.ask("preprocess", "--holdout", "0.3", "--output", cls.path(corpus), text)
        for kind, question in _QUESTIONS.items():
            (cls.folder / f"{kind}.jsonl").write_text(json.dumps(question))
        hat(
            *("train", "--config", cls.path("config.yaml"), "--output", cls.path("run")),
            *("--threads", 1, "--data", cls.path("corpus"), cls.path("other")),
        )

    @classmethod
    def path(cls, name: str) -> Path:
        return cls.folder / name

    @classmethod
    def ask(cls, *arguments: object) -> list[Any]:
        """The objects a command prints with --json."""
        return [json.loads(line) for line in hat(*arguments, "--json").splitlines()]

    def test_the_page_has_the_commands_and_settings_of_the_program(self) -> None:
        self.assertEqual(updated(self.page, Program(PROGRAM)), self.page, "run scripts/generate-reference")

    def test_metrics(self) -> None:
        self.assert_same_keys("metrics.jsonl", self.lines("metrics.jsonl"))

    def test_evaluations(self) -> None:
        self.assert_same_keys("evaluations.jsonl", self.lines("evaluations.jsonl"))

    def test_samples_and_starts(self) -> None:
        for name in ("samples.jsonl", "starts.jsonl"):
            self.assert_same_keys(name, self.lines(name))

    def lines(self, name: str, run: Path | None = None) -> list[Any]:
        return [json.loads(line) for line in ((run or self.path("run")) / name).read_text().splitlines()]

    def assert_same_keys(self, heading: str, results: list[Any]) -> None:
        """Every key is in the first column of the section's table, and nothing else is."""
        first_column = "\n".join(re.findall(r"^\|([^|]*)\|", self.section(heading), flags=re.MULTILINE))
        self.assertEqual(_code(first_column), set(_keys(results)))

    def test_run_description(self) -> None:
        self.assert_documented("run.json", json.loads(self.path("run/run.json").read_text()))

    def test_plan(self) -> None:
        self.assert_documented("plan", self.ask("plan", "--config", self.path("config.yaml")), "inspect")

    def test_match(self) -> None:
        small = REPOSITORY / "configs/small.yaml"
        result = self.ask(
            *("plan", "--config", small, "--match", "--data", self.path("corpus"), "--vocabulary", 300)
        )
        self.assert_documented("plan", result, "inspect")

    def test_hours(self) -> None:
        corpus = self.path("shakespeare")
        self.ask("preprocess", "--output", corpus, REPOSITORY / "data/shakespeare.jsonl.zst")
        self.assert_documented("plan", self.ask("plan", "--hours", 1, "--data", corpus), "inspect")

    def test_preprocess(self) -> None:
        result = self.ask("preprocess", "--output", self.path("again"), self.path("corpus.jsonl"))
        self.assert_documented("preprocess", result, "Results as JSON")

    def test_tokenizer(self) -> None:
        result = self.ask(
            *("tokenizer", "learn", "--data", self.path("corpus")),
            *("--vocabulary", 270, "--output", self.path("tokenizer.json")),
        )
        self.assert_documented("tokenizer learn", result)

    def test_evaluate(self) -> None:
        run = self.path("run")
        for kind in _QUESTIONS:
            options = [f"--{kind}", self.path(f"{kind}.jsonl")]
            self.assert_documented("evaluate", self.ask("evaluate", "--checkpoint", run, *options))
        options = ["--data", self.path("corpus"), "--perturb", "all-caps", "--against", run]
        self.assert_documented("evaluate", self.ask("evaluate", "--checkpoint", run, *options))

    def test_inspect(self) -> None:
        shard = self.path("corpus/train-000000-000000.shard")
        for arguments in (
            ["checkpoint", self.path("run")],
            ["corpus", self.path("corpus")],
            ["shard", shard],
            ["shard", shard, "--document", 0],
            ["words", "--checkpoint", self.path("run"), "--near", "be", "--perturb", "all-caps"],
            ["run", self.path("run")],
            ["compare", self.path("run"), self.path("run")],
        ):
            self.assert_inspected(arguments)
        batches = hat(
            *("inspect", "batches", "--config", self.path("config.yaml"), "--data", self.path("corpus"))
        )
        self.assert_documented("inspect", [json.loads(line) for line in batches.splitlines()])

    def test_benchmark(self) -> None:
        options = ["--config", self.path("config.yaml"), "--steps", 1, "--threads", 1]
        self.assert_documented("benchmark", self.ask("benchmark", "train", *options), beside=_PHASES)

    def test_dialogues_and_preferences(self) -> None:
        """Each kind tunes the model of the one before."""
        run = self.path("run")
        for kind, lines in _DOCUMENTS.items():
            text, corpus, tuned = (self.path(kind + end) for end in (".jsonl", "", "-run"))
            text.write_text("\n".join(map(json.dumps, lines)))
            made = self.ask("preprocess", "--documents", kind, "--holdout", "0.3", "--output", corpus, text)
            self.assertGreater(made[0]["holdout"]["documents"], 0)
            self.assert_documented("preprocess", made, "Results as JSON")
            hat(
                *("train", "--config", self.path("config.yaml"), "--data", corpus, "--output", tuned),
                *("--initialize-from", run, "--threads", 1),
            )
            for log in ("metrics.jsonl", "evaluations.jsonl"):
                self.assert_documented(log, self.lines(log, tuned))
            self.assert_documented("run.json", json.loads((tuned / "run.json").read_text()))
            self.assert_documented("evaluate", self.ask("evaluate", "--checkpoint", tuned, "--data", corpus))
            shard = corpus / "train-000000-000000.shard"
            for arguments in (
                ["corpus", corpus],
                ["shard", shard],
                ["shard", shard, "--document", 0],
                ["checkpoint", tuned],
                ["run", tuned],
            ):
                self.assert_inspected(arguments)
            batches = hat("inspect", "batches", "--config", self.path("config.yaml"), "--data", corpus)
            self.assert_documented("inspect", [json.loads(line) for line in batches.splitlines()])
            run = tuned

    def assert_inspected(self, arguments: list[object]) -> None:
        result = self.ask("inspect", *arguments)
        sections = ("Results as JSON", "preprocess", *(f"{name}.jsonl" for name in _LOGS), "run.json")
        self.assert_documented("inspect", result, *sections, beside=_METADATA)

    def assert_documented(
        self, heading: str, result: Any, *more: str, beside: frozenset[str] = frozenset()
    ) -> None:
        """Every key is named in the section, or in one of those given besides."""
        named = set().union(*(_code(self.section(name)) for name in (heading, *more)))
        self.assertEqual(set(_keys(result)) - named - beside, set())

    def section(self, heading: str) -> str:
        """What is below a heading, up to the next one."""
        _, text = re.split(rf"^##+ {re.escape(heading)}\n", self.page, maxsplit=1, flags=re.MULTILINE)
        return re.split(r"^##+ ", text, maxsplit=1, flags=re.MULTILINE)[0]


# Names of values rather than keys: metadata of documents, and the phases of a step.
_METADATA = frozenset({"license", "source"})
_PHASES = frozenset(
    f"{module}_{direction}" for module in ("encoder", "backbone") for direction in ("forward", "backward")
) | {"decoder", "update", "reduction_and_wait"}


def _keys(value: Any) -> Iterator[str]:
    """Of all objects in a value."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for element in value:
            yield from _keys(element)


def _code(text: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", text))
