"""A small run of each kind that has read a little Shakespeare, for all tests."""

import atexit
import json
import tempfile
from functools import cache
from pathlib import Path

from serving.runs import run
from serving.server import REPOSITORY

_folder = tempfile.TemporaryDirectory(prefix="hat-harness-")
atexit.register(_folder.cleanup)

_MODELS = {
    "hierarchical": {
        **{"byte_width": 16, "byte_head_size": 8, "encoder_layers": 1, "decoder_layers": 1},
        **{"width": 32, "head_size": 8, "layers": 2, "kv_heads": 2},
    },
    "subword": {"kind": "subword", "vocabulary": 512, "width": 32, "head_size": 8, "layers": 2, "kv_heads": 2},
}


def scratch() -> Path:
    return Path(_folder.name)


@cache
def corpus() -> Path:
    folder = scratch() / "corpus"
    run("preprocess", "--output", folder, "--holdout", "0.05", REPOSITORY / "data/shakespeare.jsonl.zst")
    return folder


@cache
def trained(kind: str) -> Path:
    settings = {
        "model": _MODELS[kind],
        "data": {"sequence_words": 256, "sequence_bytes": 2048, "seed": 3},
        "training": {
            **{"steps": 40, "sequences_per_step": 2, "micro_batches": 1, "warmup_steps": 5},
            **{"optimizer": "muon", "peak_learning_rate": "auto"},
        },
        "output": {"checkpoint_every": 40, "keep": 1, "evaluate_every": 0},
    }
    configuration = scratch() / f"{kind}.yaml"
    configuration.write_text(json.dumps(settings))
    output = scratch() / kind
    run("train", "--config", configuration, "--data", corpus(), "--output", output)
    return output
