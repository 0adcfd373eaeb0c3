"""Everything this program asks of `hat-mpirun` and reads from the files it writes."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from corpus.errors import ExitCode, Failure
from reproduction.commands import Commands, shown

Answer = dict[str, Any]


@dataclass(frozen=True)
class HeldOutDocument:
    """A document that no model was trained on. `key` identifies it independently of the order."""

    key: str
    source: str
    text: str


@dataclass(frozen=True)
class Point:
    """An evaluation on held-out text after this many bytes, FLOPs and seconds of training."""

    step: int
    bytes: int
    flops: float
    seconds: float
    bits_per_byte: float


@dataclass(frozen=True)
class Training:
    """How a run has gone. `flops` are those of the plain algorithm, without hat's savings."""

    steps: int
    bytes: int
    flops: float
    # Of the steps alone, without evaluations and checkpoints.
    seconds: float
    # Of each step; of a long run, means of neighbouring ones.
    step_seconds: list[float]
    # Of the text of the last 50 steps; None where that of one is not finite.
    last_bits_per_byte: float | None
    # Also where the configuration says `auto`.
    peak_learning_rate: float | None
    # The held-out text that every evaluation read.
    evaluated_bytes: int
    curve: list[Point]
    # Complete, as YAML.
    configuration: str


class Hat:
    """Runs the commands of the executable `program` and returns the JSON objects that they print."""

    def __init__(self, program: Path, commands: Commands) -> None:
        self._program = program
        self._commands = commands

    def preprocess(
        self, texts: Path, corpus: Path, rule: str, holdout: float, documents: str | None = None
    ) -> Answer:
        """`documents` says what the lines of JSON are, if they are not texts: `dialogues` or `preferences`."""
        options = {"output": corpus, "split": rule, "holdout": f"{holdout:g}", "documents": documents}
        return self._answer("preprocess", texts, **options)

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
        corpus: Path | list[str],
        run: Path,
        ranks: int,
        values: dict[str, object],
        tokenizer: Path | None = None,
        start: Path | None = None,
    ) -> None:
        """Trains to the end, continuing an earlier start. `start` is a run whose weights it starts from.

        Of several corpora each has its share behind a colon.
        """
        options: dict[str, object] = {"config": config, "data": corpus, "output": run, "ranks": ranks}
        options |= {"initialize_from": start} if start else {"tokenizer": tokenizer}
        self._run("train", *_changes(values), **options)

    def training(self, run: Path) -> Training:
        found = self._answer("inspect run", run)
        totals, evaluations = found["totals"], found["evaluations"]
        return Training(
            steps=totals["logged_steps"],
            **{key: totals[key] for key in ("bytes", "flops", "seconds")},
            step_seconds=[point["step_seconds"] for point in found["curve"]],
            last_bits_per_byte=totals.get("last_bits_per_byte"),
            peak_learning_rate=totals.get("peak_learning_rate"),
            evaluated_bytes=evaluations[-1]["text_bytes"] if evaluations else 0,
            curve=[
                Point(**{field.name: each[field.name] for field in fields(Point)})
                for each in evaluations
                if each["bits_per_byte"] is not None
            ],
            configuration=found["configuration"],
        )

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
        part: str | None = None,
    ) -> Answer:
        """Evaluates `run`, and `against` on the same text or questions.

        `subject` is `data` for a corpus, of which `part` names the part if it is not `holdout`, or `cloze` or `choice` for a
        file of questions.
        """
        compared = {"against": against, "perturb": perturbation, "part": part}
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
            raise Failure(
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


def _objects(text: str) -> list[Answer]:
    return [json.loads(line) for line in text.split("\n") if line.strip()]
