"""Everything this program asks of `hat-mpirun` and reads from the files it writes."""

import json
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.errors import ExitCode
from reproduction.commands import Commands, StageFailure, shown

Answer = dict[str, Any]


@dataclass(frozen=True)
class HeldOutDocument:
    """A document that no model was trained on. `key` identifies it independently of the order."""

    key: str
    source: str
    text: str


@dataclass(frozen=True)
class Step:
    """A training step. `flops` are those of the plain algorithm, without hat's savings."""

    step: int
    bytes: int
    flops: float
    seconds: float
    # Of the step's text; None where it is not finite.
    bits_per_byte: float | None


@dataclass(frozen=True)
class Point:
    """An evaluation on held-out text after this many bytes, FLOPs and seconds of training."""

    step: int
    bytes: int
    flops: float
    seconds: float
    bits_per_byte: float


class Hat:
    """Runs the commands of the executable `program` and returns the JSON objects that they print."""

    def __init__(self, program: Path, commands: Commands) -> None:
        self._program = program
        self._commands = commands

    def preprocess(self, texts: Path, corpus: Path, rule: str, holdout: float) -> Answer:
        return self._answer("preprocess", texts, output=corpus, split=rule, holdout=f"{holdout:g}")

    def corpus(self, corpus: Path) -> Answer:
        return self._answer("inspect corpus", corpus, quick=True)

    def held_out_documents(self, corpus: Path) -> list[HeldOutDocument]:
        """In the order of the shards, which depends on the texts alone. The rule must be `whitespace`."""
        found = []
        for shard in sorted(corpus.glob("holdout-*.shard")):
            for number in range(self._answer("inspect shard", shard)["counts"]["documents"]):
                document = self._answer("inspect shard", shard, document=number)
                source, text = document["metadata"].get("source", ""), "".join(document["words"])
                found.append(HeldOutDocument(document["checksum"], source, text))
        return found

    def learn_tokenizer(self, corpus: Path, vocabulary: int, file: Path) -> Answer:
        return self._answer("tokenizer learn", data=corpus, vocabulary=vocabulary, output=file)

    def match(
        self,
        config: Path,
        corpus: Path,
        tokenizer: Path,
        ranks: int,
        values: dict[str, object] | None = None,
    ) -> Answer:
        """Both sides of the comparison: the baseline matches the hierarchical model's FLOPs per byte.

        `values` are changes to the hierarchical model.
        """
        options = {"config": config, "match": True, "data": corpus, "tokenizer": tokenizer, "ranks": ranks}
        return self._answer("plan", *_changes(values or {}), **options)

    def plan(self, config: Path, values: dict[str, object], **sizes: float) -> Answer:
        """`sizes` are those of the text: `bytes_per_word`, and `bytes_per_token` for a subword model."""
        return self._answer("plan", *_changes(values), config=config, **sizes)

    def complete_configuration(self, config: Path, values: dict[str, object]) -> dict[str, str]:
        """Every setting, such as `training.steps`, with its value as YAML writes it."""
        return settings(self.configuration(config, values))

    def train(
        self,
        config: Path,
        corpus: Path,
        run: Path,
        ranks: int,
        values: dict[str, object],
        tokenizer: Path | None = None,
        start: Path | None = None,
    ) -> None:
        """Trains to the end, continuing an earlier start. `start` is a run whose weights it starts from."""
        options = {"config": config, "data": corpus, "output": run, "ranks": ranks}
        options |= {"initialize_from": start} if start else {"tokenizer": tokenizer}
        self._run("train", *_changes(values), **options)

    def export(self, run: Path, weights: Path) -> None:
        self._run("export", checkpoint=run, output=weights)

    def import_weights(self, weights: Path, config: Path, run: Path) -> None:
        self._run("import", weights=weights, config=config, output=run)

    def batches(self, config: Path, corpus: Path, steps: int, values: dict[str, object]) -> str:
        """The micro-batches of the first steps, a JSON object a line."""
        return self._run("inspect batches", *_changes(values), config=config, data=corpus, steps=steps)

    def configuration(self, config: Path, values: dict[str, object]) -> str:
        """Complete, as YAML."""
        return self._run("plan", *_changes(values), config=config, print_config=True)

    def evaluate(
        self,
        run: Path,
        subject: str,
        source: Path,
        against: Path | None = None,
        perturbation: str | None = None,
    ) -> Answer:
        """Evaluates `run`, and `against` on the same text or questions.

        `subject` is `data` for a corpus, or `cloze` or `choice` for a file of questions.
        """
        compared = {"against": against, "perturb": perturbation}
        return self._answer("evaluate", checkpoint=run, **{subject: source}, **compared)

    def neighbours(self, run: Path, words: list[str], count: int) -> list[Answer]:
        return _objects(self._run("inspect words", checkpoint=run, count=count, json=True, near=words))

    def recognized(self, run: Path, words: int, perturbation: str) -> Answer:
        return self._answer("inspect words", checkpoint=run, words=words, perturb=perturbation)

    def generate(self, run: Path, prompt: str, size: int, seed: int) -> str:
        """The prompt and its continuation."""
        return self._run("generate", checkpoint=run, prompt=prompt, bytes=size, seed=seed)

    def benchmark_generate(self, run: Path, baseline: Path) -> Answer:
        return self._answer("benchmark generate", checkpoint=run, baseline=baseline)

    def _answer(self, command: str, *operands: object, **options: object) -> Answer:
        found = _objects(self._run(command, *operands, **options, json=True))
        if len(found) != 1:
            raise StageFailure(
                ExitCode.OUR_FAULT,
                f"`{self._program.name} {command}` printed {len(found)} JSON objects instead of one",
                "The program does not match scripts/reproduce: build both from the same commit.",
            )
        return found[0]

    def _run(self, command: str, *operands: object, **options: object) -> str:
        words = command.split()
        for name, value in options.items():
            if value is None:
                continue
            words.append(f"--{name.replace('_', '-')}")
            if value is not True:
                words += map(str, value if isinstance(value, list) else [value])
        words += map(str, operands)
        return self._commands.run([str(self._program), *words], shown(self._program.name, *words))


def _changes(values: dict[str, object]) -> list[str]:
    return [word for name, value in values.items() for word in ("--set", f"{name}={value}")]


def settings(configuration: str) -> dict[str, str]:
    """The settings of a complete configuration, as hat prints it."""
    found, section = {}, ""
    for line in configuration.split("\n"):
        name, _, value = line.partition("#")[0].rstrip().partition(":")
        if value:
            found[f"{section}.{name.strip()}"] = value.strip()
        elif name:
            section = name
    return found


def read_steps(run: Path) -> list[Step]:
    """In order. A step that was repeated after a stop counts once, with its last line."""
    found = {line["step"]: line for line in _lines(run / "metrics.jsonl")}
    return [
        Step(
            step=number,
            bytes=line["target_bytes"],
            flops=line["model_flops_per_second"] * line["step_seconds"],
            seconds=line["step_seconds"],
            bits_per_byte=line["bits_per_byte"],
        )
        for number, line in sorted(found.items())
    ]


def read_curve(run: Path) -> list[Point]:
    """The evaluations, with what training had cost before each."""
    steps = read_steps(run)
    numbers = [step.step for step in steps]
    totals = [(0, 0.0, 0.0)]
    for step in steps:
        size, flops, seconds = totals[-1]
        totals.append((size + step.bytes, flops + step.flops, seconds + step.seconds))
    found = {line["step"]: line["bits_per_byte"] for line in _lines(run / "evaluations.jsonl")}
    return [
        Point(number, *totals[bisect_right(numbers, number)], bits_per_byte)
        for number, bits_per_byte in sorted(found.items())
    ]


def reached(curve: list[Point], bits_per_byte: float) -> Point | None:
    """Where the curve first gets this low, interpolated between two evaluations; None if it never does."""
    for before, after in zip([None, *curve], curve, strict=False):
        if after.bits_per_byte > bits_per_byte:
            continue
        if before is None:
            return after
        part = (before.bits_per_byte - bits_per_byte) / (before.bits_per_byte - after.bits_per_byte)
        return Point(
            step=round(before.step + part * (after.step - before.step)),
            bytes=round(before.bytes + part * (after.bytes - before.bytes)),
            flops=before.flops + part * (after.flops - before.flops),
            seconds=before.seconds + part * (after.seconds - before.seconds),
            bits_per_byte=bits_per_byte,
        )
    return None


def evaluated_bytes(run: Path) -> int:
    """The held-out text that every evaluation of the run read."""
    lines = _lines(run / "evaluations.jsonl")
    return int(lines[-1]["text_bytes"]) if lines else 0


def peak_learning_rate(run: Path) -> float:
    """The highest of all steps, also where the configuration says `auto`."""
    return max(float(line["learning_rate"]) for line in _lines(run / "metrics.jsonl"))


def configuration(run: Path) -> str:
    """The run's effective configuration, as YAML."""
    return (run / "config.yaml").read_text("utf-8")


def _lines(path: Path) -> list[Answer]:
    return _objects(path.read_text("utf-8")) if path.exists() else []


def _objects(text: str) -> list[Answer]:
    return [json.loads(line) for line in text.split("\n") if line.strip()]
