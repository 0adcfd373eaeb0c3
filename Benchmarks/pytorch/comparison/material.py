"""What both sides work on: a corpus, weights, batches. Made once for a build of hat and a configuration, and kept."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from .failure import Failure
from .hat import Hat, read_metrics, settings

TRAINED_STEPS = 1
"""Steps behind the weights that both sides start from; the next one is compared."""
ROUNDED_STEP, ROUNDED_SEQUENCES = -1, 1
"""The last of the batches, of so many sequences for each rank, is for comparing bfloat16 with float32: bounds of rounding
take a second derivative, and its memory. hat reads it first when it starts from the weights."""


@dataclass(frozen=True)
class Material:
    preset: Path
    corpus: Path
    folder: Path

    @property
    def weights(self) -> Path:
        return self.folder / "model.safetensors"

    @property
    def batches(self) -> Path:
        return self.folder / "batches.jsonl"

    @property
    def run(self) -> Path:
        """hat's run up to the step that is compared."""
        return self.folder / "run"

    @property
    def checkpoint(self) -> str:
        return f"{self.run}@{TRAINED_STEPS}"

    @property
    def splitting(self) -> list[str]:
        """Options of `hat-mpirun split` that cut a text as the corpus was cut."""
        description = json.loads((self.run / "run.json").read_text())
        rule = description["splitting_rule"].partition("-")[0]
        return ["--split", rule, "--max-word-bytes", str(description["max_word_bytes"])]

    @property
    def compared_step(self) -> dict:
        """hat's own record of the first step after the weights."""
        return read_metrics(self.run)[TRAINED_STEPS]


def prepare(hat: Hat, preset: Path, corpus: Path, folder: Path, steps: int) -> Material:
    """- steps: how many steps' batches there must be."""
    description = corpus / "corpus.json"
    if not description.is_file():
        raise Failure(f"{corpus} is no corpus: it has no corpus.json. Name a folder that `hat-mpirun preprocess` made.")
    material = Material(preset, corpus, folder / preset.stem)
    stamp = material.folder / "stamp"
    wanted = f"{digest(hat.program)} {digest(preset)} {digest(description)} {corpus.resolve()} {steps} {ROUNDED_SEQUENCES}"
    if stamp.exists() and stamp.read_text() == wanted:
        return material
    shutil.rmtree(material.folder, ignore_errors=True)
    material.folder.mkdir(parents=True)
    hat.train(preset, corpus, material.run, steps=TRAINED_STEPS + 1, checkpoint_every=TRAINED_STEPS)
    hat.run("export", "--checkpoint", material.checkpoint, "--output", material.weights)
    batches = hat.run("inspect", "batches", *settings(preset, corpus, steps), "--steps", str(steps))
    rounded = hat.run("inspect", "batches", *settings(preset, corpus, 1, ROUNDED_SEQUENCES), "--steps", "1")
    last = [json.dumps(json.loads(line) | {"step": steps + 1}) + "\n" for line in rounded.splitlines()]
    material.batches.write_text(batches + "".join(last))
    stamp.write_text(wanted)
    return material


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
