"""Both sides compute the same thing, or nothing is timed."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

from .failure import ModeFailure
from .hat import Hat
from .material import TRAINED_STEPS, Material
from .peer import Peer
from .variants import Mode

LOSS_TOLERANCE = 1e-6
"""Relative; sums of some ten thousand float32 terms."""
NORM_TOLERANCE = 5e-5
"""PyTorch sums the squares of up to a hundred million elements in float32."""
GRADIENT_TOLERANCE = 1e-4
"""Of any element, against the largest of its tensor."""
DOCUMENT = "It was a bright cold day in April, and the clocks were striking thirteen.\nÜber größe, naïveté and 語.\n"


def check_step(material: Material, peer: Peer) -> str:
    """Loss and gradient norm of a whole step, hat's from its own training."""
    hat, ours = material.compared_step, peer.gradient(TRAINED_STEPS)
    loss = relative(ours["loss"], hat["loss"])
    norm = relative(ours["gradient_norm"], hat["gradient_norm"])
    line = (
        f"loss {hat['loss']:.9f} (hat) {ours['loss']:.9f} (PyTorch), apart by {loss:.1e} of it; "
        f"gradient norm {hat['gradient_norm']:.7f} and {ours['gradient_norm']:.7f}, by {norm:.1e}")
    if not (loss <= LOSS_TOLERANCE and norm <= NORM_TOLERANCE):
        raise ModeFailure(f"{material.preset.stem}: hat and the peer disagree, so this is not timed: {line}")
    return line


def check_gradients(hat: Hat, material: Material, mode: Mode) -> str:
    """Every gradient of one document, element by element."""
    text, record = material.folder / "document.txt", material.folder / "gradients.safetensors"
    words = material.folder / "words.json"
    text.write_text(DOCUMENT)
    hat.run("inspect", "gradients", "--checkpoint", material.checkpoint, "--text", text, "--output", record)
    request = json.dumps({"text_b64": b64encode(DOCUMENT.encode()).decode()})
    hat.run("split", "--json-lines", *material.splitting, stdin=f"{request}\n".encode(), output=words)
    result = compare(material.weights, record, words, mode)
    line = (
        f"one document: loss {result['hat_loss']:.7f} (hat) {result['loss']:.7f} (PyTorch); gradients apart by at most "
        f"{result['gradient_difference']:.1e} of a tensor's largest value ({result['tensor']})")
    if not result["gradient_difference"] <= GRADIENT_TOLERANCE:
        raise ModeFailure(f"{material.preset.stem}: the gradients disagree, so this is not timed: {line}")
    return line


def compare(weights: Path, record: Path, words: Path, mode: Mode) -> dict:
    command = [
        sys.executable, "-m", "peer.gradients", "--weights", weights, "--record", record, "--words", words,
        *mode.options]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise ModeFailure(f"the peer's gradients failed:\n{result.stderr}")
    return json.loads(result.stdout)


def relative(value: float, reference: float) -> float:
    return abs(value - reference) / abs(reference)
