"""What both sides write with: runs of hat, prompts, and the exported models."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from comparison.failure import Failure
from comparison.hat import Hat
from comparison.material import digest

from .writers import Speed

REPOSITORY = Path(__file__).resolve().parents[2]
SEQUENCES = 2
"""Of a step: a few short steps give a model that writes words."""


@dataclass(frozen=True)
class Task:
    data: list[Path]
    documents: int
    prompt_bytes: int
    bytes: int
    threads: int

    @property
    def tokens(self) -> int:
        """Of a document with its mark, at most."""
        return 1 + self.prompt_bytes + self.bytes

    def options(self, batch: int, precision: str) -> list[str]:
        data = ["--data", *map(str, self.data)] if self.data else []
        numbers = {
            "--batch": batch, "--documents": self.documents, "--prompt-bytes": self.prompt_bytes, "--bytes": self.bytes,
            "--threads": self.threads, "--temperature": 0, "--precision": precision}
        return [*data, *(str(part) for pair in numbers.items() for part in pair)]


@dataclass(frozen=True)
class Written:
    """By hat."""

    speed: Speed
    prompts: list[bytes]
    texts: list[bytes]


@dataclass(frozen=True)
class Model:
    name: str
    run: str
    folder: Path
    """Of the export."""

    def write(self, hat: Hat, task: Task, batch: int, precision: str) -> Written:
        answer = hat.run(
            "benchmark", "generate", "--json", "--texts", "--checkpoint", self.run, *task.options(batch, precision))
        [measured] = json.loads(answer)["measurements"]
        documents = measured["texts"]
        return Written(
            Speed(measured["prompt"]["bytes_per_second"], measured["decode"]["bytes_per_second"]),
            *([base64.b64decode(document[key]) for document in documents] for key in ("prompt_b64", "text_b64")))


def export(hat: Hat, name: str, run: str, folder: Path) -> Model:
    shutil.rmtree(folder, ignore_errors=True)
    hat.run("export", "--checkpoint", run, "--output", folder, "--format", "huggingface")
    return Model(name, run, folder)


def train(hat: Hat, preset: str, corpus: Path, steps: int, folder: Path) -> tuple[Path, Path]:
    """A run of the preset and one of the subword model that costs as much, made once for a corpus and a number of steps."""
    if not (corpus / "corpus.json").is_file():
        raise Failure(f"{corpus} is no corpus: it has no corpus.json. Name a folder that `hat-mpirun preprocess` made.")
    configuration, subword = REPOSITORY / f"configs/{preset}.yaml", folder / f"{preset}-subword.yaml"
    runs = folder / f"{preset}-run", folder / f"{preset}-subword-run"
    wanted = f"{digest(corpus / 'corpus.json')} {digest(configuration)} {steps}"
    stamp = folder / f"{preset}-stamp"
    if stamp.exists() and stamp.read_text() == wanted:
        return runs
    subword.unlink(missing_ok=True)
    hat.run("plan", "--config", configuration, "--match", "--data", corpus, "--write", subword)
    settings = {
        "training.steps": steps, "training.warmup_steps": steps // 5, "training.sequences_per_step": SEQUENCES,
        "training.micro_batches": SEQUENCES, "output.evaluate_every": 0, "output.checkpoint_every": 0}
    sets = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    for file, run in zip((configuration, subword), runs, strict=True):
        shutil.rmtree(run, ignore_errors=True)
        hat.run("train", "--config", file, "--data", corpus, "--output", run, *sets)
    stamp.write_text(wanted)
    return runs
