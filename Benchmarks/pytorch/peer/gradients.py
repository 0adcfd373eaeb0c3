"""Loss and gradients of one document against those that `hat-mpirun inspect gradients` wrote.

Prints a JSON object: both losses, and the largest difference of a gradient, as a part of its tensor's largest value.
"""

from __future__ import annotations

import argparse
import base64
import json
from pathlib import Path

from safetensors.torch import load_file

from .batches import Batch
from .model import HierarchicalTransformer
from .plan import make_plan
from .weights import gradients, load, read_configuration


def compare(weights: Path, record: Path, words: list[bytes], products: str, distinct_words: bool) -> dict:
    expected = load_file(record)
    model = HierarchicalTransformer(read_configuration(weights), products, is_compiled=False)
    load(model, weights)
    batch = Batch.document(words)
    loss = model(make_plan(batch, distinct_words)) / batch.target_positions
    loss.backward()
    largest, tensor = max(
        ((ours - expected[f"gradient.{name}"]).abs().max().item()
         / expected[f"gradient.{name}"].abs().max().item(), name)
        for name, ours in gradients(model))
    return {
        "loss": loss.item(), "hat_loss": expected["loss"].item(), "gradient_difference": largest,
        "tensor": tensor}


def main() -> None:
    parser = argparse.ArgumentParser(prog="peer.gradients", description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--record", type=Path, required=True, help="of `hat-mpirun inspect gradients`")
    parser.add_argument("--words", type=Path, required=True, help="a JSON list of base64 words")
    parser.add_argument("--products", choices=["mkl", "onednn"], default="mkl")
    parser.add_argument("--distinct-words", action="store_true")
    options = parser.parse_args()
    words = decode_words(options.words.read_text())
    print(json.dumps(
        compare(options.weights, options.record, words, options.products, options.distinct_words)))


def decode_words(text: str) -> list[bytes]:
    """The line that `hat-mpirun split --json-lines` gives."""
    return [base64.b64decode(word) for word in json.loads(text)["words_b64"]]


if __name__ == "__main__":
    main()
