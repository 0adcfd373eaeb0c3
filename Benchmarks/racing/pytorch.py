"""Trains an entry by the PyTorch peer: on hat's batches, from hat's first weights, measured by hat."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

from comparison.failure import Failure as PeerFailure
from comparison.peer import Peer
from comparison.peer import Run as PeerRun
from comparison.variants import MODES, Layout
from corpus.errors import ExitCode, Failure
from corpus.manifest import write_durably
from experiments.planning import Run
from racing.running import Course, Trainer
from reproduction.commands import Commands
from reproduction.machine import ROOT

_PYTHON = ROOT / "Benchmarks/pytorch/python"
# Steps whose gradient is computed before the first is taken: PyTorch compiles, and again at another size.
_COMPILED_STEPS = 3
# Of the loss; sums of some ten thousand float32 terms.
_TOLERANCE = 1e-6
# Changes no weight: what it adds is far below the last digit of any of them.
_NO_RATE = "1e-30"


def train_by_pytorch(course: Course, commands: Commands) -> Trainer:
    def train(run: Run, config: Path, folder: Path) -> None:
        # Installs PyTorch the first time.
        commands.run([str(_PYTHON), "-c", ""], "Benchmarks/pytorch/python")
        try:
            _Training(course, run, config, folder).work()
        except PeerFailure as failure:
            raise Failure(ExitCode.OUR_FAULT, str(failure), f"{folder} has the logs.") from failure

    return train


class _Training:
    """The folder gets the files that hat would write: metrics.jsonl, evaluations.jsonl, config.yaml."""

    def __init__(self, course: Course, run: Run, config: Path, folder: Path) -> None:
        self._course, self._run, self._config, self._folder = course, run, config, folder
        self._values: dict[str, object] = dict(run.values)
        self._every = int(run.values["output.evaluate_every"])

    def work(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        first_loss = self._prepare()
        done = self._cut_back()
        layout = Layout(self._course.ranks, 1, "DDP over gloo, a process a core")
        start = PeerRun(self._weights, self._batches, self._recipe)
        with Peer(start, MODES["tuned"], layout, self._folder, str(_PYTHON)) as peer:
            self._check(first_loss, peer.gradient(0)["loss"])
            for step in range(1, min(_COMPILED_STEPS, self._run.steps)):
                peer.gradient(step)
            if done:
                peer.ask(f"resume {self._state(done)}")
            while done < self._run.steps:
                count = min(self._every - done % self._every, self._run.steps - done)
                steps = peer.ask(f"train {done} {count}")[0]["steps"]
                self._append("metrics", [_metrics(done + n, step) for n, step in enumerate(steps, start=1)])
                done += count
                peer.ask(f"save {self._folder / 'weights.safetensors'}")
                peer.ask(f"keep {self._state(done)}")
                self._append("evaluations", [self._evaluation(done)])
                self._forget(done)

    @property
    def _weights(self) -> Path:
        return self._folder / "first.safetensors"

    @property
    def _batches(self) -> Path:
        return self._folder / "batches.jsonl"

    @property
    def _recipe(self) -> Path:
        return self._folder / "config.yaml"

    def _state(self, step: int) -> Path:
        return self._folder / f"state-{step}.pt"

    def _prepare(self) -> float:
        """What hat starts with. Returns its loss on the first batch."""
        hat, scratch = self._course.hat, self._folder / "first"
        shutil.rmtree(scratch, ignore_errors=True)
        still = {**self._values, "training.steps": 1, "training.peak_learning_rate": _NO_RATE}
        hat.train(self._config, self._course.corpus, scratch, 1, {**still, "output.evaluate_every": 0})
        loss: float = json.loads((scratch / "metrics.jsonl").read_text("utf-8"))["loss"]
        self._weights.unlink(missing_ok=True)
        hat.export(scratch, self._weights)
        shutil.rmtree(scratch)
        batches = hat.batches(self._config, self._course.corpus, self._run.steps, self._values)
        write_durably(self._batches, batches.encode("utf-8"))
        write_durably(self._recipe, hat.configuration(self._config, self._values).encode("utf-8"))
        return loss

    def _check(self, hat: float, peer: float) -> None:
        if not abs(peer - hat) <= _TOLERANCE * hat:
            raise PeerFailure(
                f"hat and the peer disagree about the first step: loss {hat:.9f} and {peer:.9f}"
            )

    def _cut_back(self) -> int:
        """The step to go on from: the last that was evaluated and has its state. Later lines are removed."""
        evaluations = [line for line in self._lines("evaluations") if self._state(line["step"]).exists()]
        done: int = evaluations[-1]["step"] if evaluations else 0
        for name in ("metrics", "evaluations"):
            kept = [line for line in self._lines(name) if line["step"] <= done]
            text = "".join(json.dumps(line) + "\n" for line in kept)
            write_durably(self._folder / f"{name}.jsonl", text.encode("utf-8"))
        return done

    def _evaluation(self, step: int) -> dict[str, Any]:
        hat, scratch = self._course.hat, self._folder / "evaluated"
        shutil.rmtree(scratch, ignore_errors=True)
        hat.import_weights(self._folder / "weights.safetensors", self._recipe, scratch)
        found = hat.evaluate(scratch, "data", self._course.corpus)
        shutil.rmtree(scratch)
        return {"step": step, "bits_per_byte": found["bits_per_byte"], "text_bytes": found["text_bytes"]}

    def _lines(self, name: str) -> list[dict[str, Any]]:
        path = self._folder / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    def _append(self, name: str, lines: list[dict[str, Any]]) -> None:
        with (self._folder / f"{name}.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)

    def _forget(self, done: int) -> None:
        """A stop needs the last state alone."""
        for path in self._folder.glob("state-*.pt"):
            if path != self._state(done):
                path.unlink()


def _metrics(number: int, step: dict[str, Any]) -> dict[str, Any]:
    return {
        "step": number,
        "loss": step["loss"],
        "bits_per_byte": step["loss"] * step["target_positions"] / step["text_bytes"] / math.log(2),
        "target_bytes": step["text_bytes"],
        "gradient_norm": step["gradient_norm"],
        "step_seconds": step["seconds"],
        "model_flops_per_second": step["training_flops"] / step["seconds"],
    }
