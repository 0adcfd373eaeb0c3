"""The peer's processes, bound to cores, and what is asked of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .failure import ModeFailure
from .hat import Measurement
from .material import Material
from .variants import Layout, Mode


@dataclass(frozen=True)
class Run:
    """A whole training: the weights and batches it starts with, and hat's complete configuration."""

    weights: Path
    batches: Path
    recipe: Path


class Peer:
    """A context: its processes live inside it, and wait without using the processor between requests."""

    def __init__(
        self, material: Material | Run, mode: Mode, layout: Layout, folder: Path, python: str = sys.executable
    ):
        self.layout, self.folder, self.python = layout, folder, python
        # PyTorch takes it as a URL, in which a relative path would be a host.
        rendezvous = folder.resolve() / "rendezvous"
        rendezvous.unlink(missing_ok=True)
        recipe = ["--recipe", material.recipe] if isinstance(material, Run) else []
        self.processes = [
            self.start(
                rank, "--weights", material.weights, "--batches", material.batches, *recipe, *mode.all_options,
                "--rank", str(rank), "--rendezvous", rendezvous)
            for rank in range(layout.processes)]

    def start(self, rank: int, *arguments: str | Path) -> subprocess.Popen[str]:
        """A process on its own core, or one on all of them."""
        cores = sorted(os.sched_getaffinity(0))
        own = cores[rank * self.layout.threads : (rank + 1) * self.layout.threads]
        command = [
            "taskset", "--cpu-list", ",".join(map(str, own)), self.python, "-m", "peer", *arguments,
            "--processes", str(self.layout.processes), "--threads", str(self.layout.threads)]
        with self.log(rank).open("w") as log:
            return subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                env=os.environ | {"OMP_NUM_THREADS": str(self.layout.threads)})

    def __enter__(self) -> Peer:
        try:
            self.answers()
        except BaseException:
            # Python calls no `__exit__` now, and those that wait for a dead one would wait for half an hour.
            for process in self.processes:
                process.kill()
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            # What was asked of one that has died cannot be written any more.
            with suppress(BrokenPipeError):
                process.stdin.close()
        for process in self.processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()

    def gradient(self, step: int) -> dict:
        return self.ask(f"gradient {step}")[0]

    def train(self, first: int, count: int) -> Measurement:
        answers = self.ask(f"train {first} {count}")
        steps = answers[0]["steps"]
        return Measurement(
            seconds=sum(step["seconds"] for step in steps),
            text_bytes=sum(step["text_bytes"] for step in steps),
            words=sum(step["words"] for step in steps),
            training_flops=sum(step["training_flops"] for step in steps),
            peak_resident_bytes=max(answer["peak_resident_bytes"] for answer in answers))

    def ask(self, request: str) -> list[dict]:
        for rank, process in enumerate(self.processes):
            try:
                process.stdin.write(request + "\n")
                process.stdin.flush()
            except BrokenPipeError:
                raise self.death(rank) from None
        return self.answers()

    def answers(self) -> list[dict]:
        return [self.answer(rank) for rank in range(len(self.processes))]

    def answer(self, rank: int) -> dict:
        line = self.processes[rank].stdout.readline()
        if not line:
            raise self.death(rank)
        return json.loads(line)

    def death(self, rank: int) -> ModeFailure:
        return ModeFailure(f"a process of the peer died:\n{self.log(rank).read_text()[-4000:]}")

    def log(self, rank: int) -> Path:
        return self.folder / f"peer-{rank}.log"
