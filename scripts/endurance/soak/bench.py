"""What all rounds share: material, the commands, and the results of those that nothing happens to."""

import json
import shutil
import subprocess
import time
from pathlib import Path

from corpus.errors import ExitCode, Failure
from corpus.manifest import sha256
from endurance.soak.comparison import different_files, different_logs, different_tensors
from endurance.soak.drawing import Plan
from reproduction.machine import ROOT

_SAMPLE = ROOT / "data/shakespeare.jsonl.zst"
_COPIES = 4
_CONFIGURATION = """\
model: { byte_width: 16, byte_head_size: 8, encoder_layers: 1, decoder_layers: 1, byte_ngrams: 3,
         byte_ngram_rows: 100, prefix_ngrams: 2, prefix_ngram_rows: 150, width: 32, head_size: 16, layers: 2 }
data: { sequence_words: 64, sequence_bytes: 512 }
training: { steps: 120, sequences_per_step: 4, micro_batches: 4, optimizer: muon, products: fma }
output: { checkpoint_every: 10, evaluate_every: 60, keep: 3 }
"""
_BASE = {
    scenario: Plan(0, scenario, ranks=1, nodes=1, zero_stage=1, attempts=())
    for scenario in ("preprocess", "train")
}


class Bench:
    """The folder `undisturbed` has texts and a configuration, and for each variant of a command, once it is
    asked for, what it makes and the seconds it took.

    - Raises: `Failure` if a command fails that nothing happens to, or variants differ that must not.
    """

    def __init__(self, program: Path, folder: Path) -> None:
        self._program, self._folder = program, folder / "undisturbed"
        self._texts, self._config = self._folder / "texts", self._folder / "config.yaml"
        made_by = self._folder / "made-by.txt"
        # Another script may make something else.
        makers = f"{sha256(program)} {sha256(Path(__file__))}"
        if not made_by.exists() or made_by.read_text() != makers:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._texts.mkdir(parents=True)
            for number in range(_COPIES):
                shutil.copyfile(_SAMPLE, self._texts / f"{number}.jsonl.zst")
            self._config.write_text(_CONFIGURATION)
            made_by.write_text(makers)

    def command(self, plan: Plan, place: Path) -> list[str]:
        """What a round runs, and runs again; its files are below `place`."""
        output = place / "output"
        if plan.scenario == "export":
            run = self._undisturbed(_BASE["train"]) / "output/run"
            return self._hat("export", "--checkpoint", run, "--output", output / "weights.safetensors")
        ranks = ["--ranks", plan.ranks] if plan.ranks > 1 else []
        if plan.scenario == "preprocess":
            options = ["--level", 17, "--shard-bytes", "256KiB", "--holdout", 0.01, *ranks, self._texts]
            return self._hat("preprocess", "--output", output / "corpus", *options)
        settings = ["--set", f"training.zero_stage={plan.zero_stage}", "--threads", 1, *ranks]
        command = self._hat("train", "--config", self._config, "--data", place / "corpus", *settings)
        command += ["--output", str(output / "run")]
        if plan.nodes > 1:
            return [str(ROOT / "scripts/two-nodes"), *command, "--mpirun-arguments", "--bind-to none"]
        return command

    def prepare(self, plan: Plan, place: Path) -> None:
        """What the command needs that a round may damage."""
        (place / "output").mkdir(parents=True, exist_ok=True)
        if plan.scenario == "train":
            shutil.copytree(self._undisturbed(_BASE["preprocess"]) / "output/corpus", place / "corpus")

    def seconds(self, plan: Plan) -> float:
        """That the undisturbed command takes."""
        return float(json.loads((self._undisturbed(plan) / "seconds.json").read_text()))

    def sizes(self, plan: Plan) -> list[int]:
        """Of the files that the undisturbed command leaves, in bytes."""
        files = (self._undisturbed(plan) / "output").rglob("*")
        return [path.stat().st_size for path in files if path.is_file()]

    def is_finished(self, plan: Plan, place: Path) -> bool:
        """Whether what the command is to make is there. A run can always be gone on with."""
        last = {"preprocess": "corpus/corpus.json", "export": "weights.safetensors"}.get(plan.scenario)
        return last is not None and (place / "output" / last).exists()

    def differences(self, plan: Plan, place: Path, without_logs: bool) -> list[str]:
        """Between what the round made and what the undisturbed command made."""
        right, found = self._undisturbed(plan) / "output", place / "output"
        if plan.scenario == "preprocess":
            return different_files(right / "corpus", found / "corpus")
        if plan.scenario == "train":
            self._export(found)
        different = different_files(right, found, "weights.safetensors")
        if plan.scenario == "train" and not without_logs:
            different += different_logs(right / "run", found / "run")
        return different

    def _undisturbed(self, plan: Plan) -> Path:
        place = self._folder / f"{plan.scenario}-{plan.ranks}-{plan.nodes}-{plan.zero_stage}"
        seconds = place / "seconds.json"
        if not seconds.exists():
            shutil.rmtree(place, ignore_errors=True)
            self.prepare(plan, place)
            command = self.command(plan, place)
            start = time.monotonic()
            self._run(command)
            taken = time.monotonic() - start
            if plan.scenario == "train":
                self._export(place / "output")
            self._compare_with_base(plan, place / "output")
            seconds.write_text(json.dumps(taken))
        return place

    def _compare_with_base(self, plan: Plan, output: Path) -> None:
        """The number of ranks and nodes and the stage change nothing."""
        base = _BASE.get(plan.scenario)
        if base is None or (plan.ranks, plan.nodes, plan.zero_stage) == (1, 1, 1):
            return
        right = self._undisturbed(base) / "output"
        if plan.scenario == "preprocess":
            different = different_files(right / "corpus", output / "corpus")
        else:
            name = "weights.safetensors"
            different = different_tensors(right / name, output / name) + different_logs(
                right / "run", output / "run"
            )
        if different:
            raise Failure(
                ExitCode.OUR_FAULT,
                f"{plan.scenario} on {plan.ranks} ranks, {plan.nodes} nodes, stage {plan.zero_stage}: "
                + ", ".join(different),
                f"Nothing had happened to either: compare {output} with {right}.",
            )

    def _export(self, output: Path) -> None:
        self._run(
            self._hat("export", "--checkpoint", output / "run", "--output", output / "weights.safetensors")
        )

    def _hat(self, *words: object) -> list[str]:
        return [str(self._program), *map(str, words)]

    def _run(self, command: list[str]) -> None:
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            raise Failure(
                ExitCode.OUR_FAULT,
                f"`{' '.join(command)}` ended with exit code {result.returncode}: {result.stderr[-500:]}",
                "Nothing had happened to it: look at that first.",
            )
