"""hat's command line, as far as the comparison needs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .failure import WRONG_USAGE, Failure
from .variants import PROCESSES

WORDS, BYTES, SEQUENCES = 256, 2048, 4
"""Of a sequence, at most; and sequences for each rank in a step that is timed."""


@dataclass(frozen=True)
class Measurement:
    """What a number of optimiser steps took."""

    seconds: float
    text_bytes: int
    words: int
    training_flops: float
    peak_resident_bytes: int
    """Of the largest process."""


class Hat:
    def __init__(self, program: Path, log: Path):
        self.program, self.log = program, log

    def run(self, *arguments: str | Path, output: Path | None = None, stdin: bytes = b"") -> str:
        """Standard output; it goes to the file `output` too, where there is one."""
        result = subprocess.run([self.program, *arguments], input=stdin, capture_output=True)
        if result.returncode:
            raise Failure(f"hat-mpirun {arguments[0]} failed:\n{result.stderr.decode()}")
        if output:
            output.write_bytes(result.stdout)
        return result.stdout.decode()

    def plan(self, preset: Path, precision: str) -> dict:
        """What it expects of a training; the first thing that is asked of it in a precision, which it may refuse."""
        try:
            return json.loads(self.run("plan", "--config", preset, *precision_settings(precision), "--json"))
        except Failure as failure:
            raise Failure(
                f"{self.program} does not plan with training.precision={precision}, so nothing is timed: "
                f"{str(failure).strip()}\n"
                "Name a hat that can with --hat, or leave the precision out: --precisions float32.",
                WRONG_USAGE) from failure

    def train(
        self, preset: Path, corpus: Path, run: Path, steps: int, *options: str, checkpoint_every: int = 0,
        precision: str = "float32", sequences: int = SEQUENCES
    ) -> int:
        """- returns: the peak resident bytes of the largest rank."""
        shutil.rmtree(run, ignore_errors=True)
        arguments = [
            self.program, "train", *settings(preset, corpus, steps, sequences), *precision_settings(precision),
            "--output", run, "--ranks", str(PROCESSES), "--set", f"output.checkpoint_every={checkpoint_every}", *options]
        with self.log.open("wb") as log:
            process = subprocess.Popen(arguments, stdout=log, stderr=log)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise Failure(f"hat-mpirun train failed:\n{self.log.read_text()}")
        return usage.ru_maxrss * 1024

    def measure(self, preset: Path, corpus: Path, run: Path, steps: int, precision: str) -> Measurement:
        """All steps but the first."""
        peak = self.train(preset, corpus, run, steps, precision=precision)
        records = read_metrics(run)[1:]
        shutil.rmtree(run)
        return Measurement(
            seconds=sum(record["step_seconds"] for record in records),
            text_bytes=sum(record["target_bytes"] for record in records),
            words=round(sum(record["words_per_second"] * record["step_seconds"] for record in records)),
            training_flops=sum(
                record["model_flops_per_second"] * record["step_seconds"] for record in records),
            peak_resident_bytes=peak)


def settings(preset: Path, corpus: Path, steps: int, sequences: int = SEQUENCES) -> list[str | Path]:
    """The same data for every preset: one micro-batch for each rank. The paper's model and optimiser."""
    changes = {
        "model.byte_ngrams": 0, "model.prefix_ngrams": 0, "model.query_key_norm": "false",
        "training.optimizer": "adamw",
        "data.sequence_words": WORDS, "data.sequence_bytes": BYTES,
        "training.sequences_per_step": sequences * PROCESSES, "training.micro_batches": PROCESSES,
        "training.steps": steps, "output.evaluate_every": 0}
    sets = [part for name, value in changes.items() for part in ("--set", f"{name}={value}")]
    return ["--config", preset, "--data", corpus, *sets]


def precision_settings(precision: str) -> list[str]:
    """float32 is hat's default, and older programs do not know the setting."""
    return [] if precision == "float32" else ["--set", f"training.precision={precision}"]


def read_metrics(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
