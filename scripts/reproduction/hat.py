"""Every call of `hat-mpirun`: what the stages ask of it, and what it answers."""

import json
from pathlib import Path
from typing import Any

from corpus.errors import ExitCode
from reproduction.commands import Commands, shown
from reproduction.errors import StageFailure

Answer = dict[str, Any]


class Hat:
    """`program` is the executable; answers are its JSON objects."""

    def __init__(self, program: Path, commands: Commands) -> None:
        self._program = program
        self._commands = commands

    def preprocess(self, texts: Path, corpus: Path, rule: str, holdout: float) -> Answer:
        return self._answer(
            *("preprocess", "--output", corpus, "--split", rule, "--holdout", f"{holdout:g}", texts)
        )

    def corpus(self, corpus: Path) -> Answer:
        return self._answer("inspect", "corpus", corpus, "--quick")

    def shard(self, shard: Path) -> Answer:
        return self._answer("inspect", "shard", shard)

    def document(self, shard: Path, number: int) -> Answer:
        return self._answer("inspect", "shard", shard, "--document", number)

    def learn_tokenizer(self, corpus: Path, vocabulary: int, file: Path) -> Answer:
        return self._answer(
            *("tokenizer", "learn", "--data", corpus, "--vocabulary", vocabulary, "--output", file)
        )

    def match(self, config: Path, corpus: Path, tokenizer: Path, ranks: int) -> Answer:
        """Both sides of the comparison: the baseline's sizes at the hierarchical model's FLOPs per byte."""
        return self._answer(
            *(
                "plan",
                "--config",
                config,
                "--match",
                "--data",
                corpus,
                "--tokenizer",
                tokenizer,
                "--ranks",
                ranks,
            )
        )

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
        """To the end, from where an earlier start got to. `start` is a run whose weights it begins with."""
        arguments: list[object] = ["train", "--config", config, "--data", corpus, "--output", run]
        arguments += ["--ranks", ranks]
        if start:
            arguments += ["--initialize-from", start]
        elif tokenizer:
            arguments += ["--tokenizer", tokenizer]
        for name, value in values.items():
            arguments += ["--set", f"{name}={value}"]
        self._run(*arguments)

    def evaluate(
        self,
        run: Path,
        subject: str,
        source: Path,
        against: Path | None = None,
        perturbation: str | None = None,
    ) -> Answer:
        """`subject` is `data`, of a corpus, or `cloze` or `choice`, of a file.

        `against` is another run, measured on the same.
        """
        arguments: list[object] = ["evaluate", "--checkpoint", run, f"--{subject}", source]
        if against:
            arguments += ["--against", against]
        if perturbation:
            arguments += ["--perturb", perturbation]
        return self._answer(*arguments)

    def neighbours(self, run: Path, words: list[str], count: int) -> list[Answer]:
        arguments = ["inspect", "words", "--checkpoint", run, "--count", count, "--json", "--near", *words]
        return _objects(self._run(*arguments))

    def recognized(self, run: Path, words: int, perturbation: str) -> Answer:
        return self._answer(
            *("inspect", "words", "--checkpoint", run, "--words", words, "--perturb", perturbation)
        )

    def generate(self, run: Path, prompt: str, size: int, seed: int) -> str:
        """The prompt and what the model wrote after it."""
        return self._run(
            *("generate", "--checkpoint", run, "--prompt", prompt, "--bytes", size, "--seed", seed)
        )

    def benchmark_generate(self, run: Path, baseline: Path) -> Answer:
        return self._answer("benchmark", "generate", "--checkpoint", run, "--baseline", baseline)

    def _answer(self, *arguments: object) -> Answer:
        found = _objects(self._run(*arguments, "--json"))
        if len(found) != 1:
            raise StageFailure(
                ExitCode.OUR_FAULT,
                f"`{self._said(*arguments)}` gave {len(found)} JSON objects, not one",
                "The program and scripts/reproduce do not belong together: take both from one commit.",
            )
        return found[0]

    def _run(self, *arguments: object) -> str:
        words = [str(argument) for argument in arguments]
        return self._commands.run([str(self._program), *words], self._said(*arguments))

    def _said(self, *arguments: object) -> str:
        return shown(self._program.name, *(str(argument) for argument in arguments))


def _objects(text: str) -> list[Answer]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]
