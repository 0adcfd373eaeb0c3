"""Small runs to serve."""

import json
import random
import subprocess
from pathlib import Path

from serving.server import PROGRAM

_WORDS = "the whale sea größer of and a ship 語 white Ahab said".split()

_MODELS = {
    "hierarchical": {
        **{"byte_width": 16, "byte_head_size": 8, "encoder_layers": 1, "decoder_layers": 1},
        **{"width": 32, "head_size": 8, "layers": 2, "kv_heads": 2},
    },
    "subword": {
        "kind": "subword",
        "vocabulary": 320,
        "width": 32,
        "head_size": 8,
        "layers": 2,
        "kv_heads": 2,
    },
}


def run(*arguments: object, text: str | None = None) -> str:
    """What a command of hat prints."""
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], check=True, input=text, capture_output=True, text=True
    ).stdout


def make_runs(folder: Path) -> dict[str, Path]:
    """A run of each kind that has learned a little of made-up prose."""
    draw = random.Random(1)
    documents = folder / "documents.jsonl"
    with documents.open("w") as file:
        for number in range(80):
            words = draw.choices(_WORDS, k=draw.randint(5, 60))
            file.write(json.dumps({"text": f"{number} {' '.join(words)}.\n"}) + "\n")
    run("preprocess", "--output", folder / "corpus", "--holdout", "0.1", documents)
    return {kind: _train(folder, kind, model) for kind, model in _MODELS.items()}


def _train(folder: Path, kind: str, model: dict[str, object]) -> Path:
    settings = {
        "model": model,
        "data": {"sequence_words": 24, "sequence_bytes": 160, "seed": 3},
        "training": {
            **{"steps": 120, "sequences_per_step": 8, "micro_batches": 4, "warmup_steps": 10},
            **{"peak_learning_rate": 0.003},
        },
        "output": {"checkpoint_every": 120, "keep": 1, "evaluate_every": 0},
    }
    configuration = folder / f"{kind}.yaml"
    configuration.write_text(json.dumps(settings))
    output = folder / kind
    run("train", "--config", configuration, "--data", folder / "corpus", "--output", output)
    return output
