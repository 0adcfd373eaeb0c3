"""The program, a corpus and small runs, made once for all tests."""

import json
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import torch
from safetensors import safe_open
from transformers.utils import logging

REPOSITORY = Path(__file__).resolve().parents[3]
PROGRAM = REPOSITORY / ".build/release/hat-mpirun"

# Small products: a second thread would only wait.
torch.set_num_threads(1)
logging.disable_progress_bar()

_FOLDER = tempfile.TemporaryDirectory(prefix="hat-huggingface-")
FOLDER = Path(_FOLDER.name)

PAGE = (
    "KING RICHARD:\n  Now is the winter of our discontent\nMade glorious summer by this sun of York;\n\n"
    "And all the clouds that lour'd upon our house — größer, 語の言葉, 🙂 —\tIn the deep bosom of the ocean buried. "
    "camelCase HTTPServer 3.14 1,000 can't … «naïve» e\u0301\u0301 \u00a0x\u2003y\r\n\r\nDonaudampfschifffahrtsgesellschaft"
    "skapitänswitwenrentenauszahlungsstelle, ALL CAPS SHOUT AND SHOUT AGAIN; what's in a name? "
)
"""A page with what is hard: several scripts, marks, long words, white space of all kinds."""

_BYTES = {
    "byte_width": 32, "byte_head_size": 16, "encoder_layers": 2, "decoder_layers": 2, "width": 48, "head_size": 12,
    "layers": 2, "kv_heads": 2,
}
_TOKENS = {"kind": "subword", "vocabulary": 400, "width": 48, "head_size": 12, "layers": 2, "kv_heads": 2}
MODELS = {
    "all": {
        **_BYTES, "query_key_norm": "true", "byte_ngrams": 4, "byte_ngram_rows": 300, "prefix_ngrams": 2,
        "prefix_ngram_rows": 500,
    },
    "prefixes": {**_BYTES, "prefix_ngrams": 1, "prefix_ngram_rows": 500, "rope_theta": 500},
    "paper": _BYTES,
    "fixed": _BYTES,
    "llama": _TOKENS,
    "qwen": {**_TOKENS, "query_key_norm": "true", "rope_theta": 500},
    "llama-ngrams": {**_TOKENS, "token_ngrams": 3, "token_ngram_rows": 700},
    "qwen-ngrams": {**_TOKENS, "token_ngrams": 2, "token_ngram_rows": 700, "query_key_norm": "true"},
}
"""With every feature a model can have, between them."""
_RULES = {"paper": "unicode", "fixed": "fixed:8"}


def hat(*arguments: object, input: bytes | None = None) -> bytes:
    """What a command prints; it must succeed."""
    assert PROGRAM.exists(), f"{PROGRAM} is missing: swift build -c release"
    result = subprocess.run([PROGRAM, *map(str, arguments)], check=False, capture_output=True, input=input)
    assert result.returncode == 0, f"{arguments}: {result.stderr.decode()}"
    return result.stdout


@cache
def corpus(rule: str) -> Path:
    # A colon would stand before a weight.
    folder = FOLDER / f"corpus-{rule.replace(':', '-')}"
    hat(
        *("preprocess", "--split", rule, "--holdout", 0.02, "--output", folder),
        REPOSITORY / "data/shakespeare.jsonl.zst",
    )
    return folder


@cache
def run(name: str) -> Path:
    """A model that has learned a little: no weight is what it was at first."""
    folder = FOLDER / name
    settings = {"model": MODELS[name], "data": {"sequence_words": 24, "sequence_bytes": 256, "seed": 5}, "training": {
        "steps": 40, "sequences_per_step": 8, "micro_batches": 2, "warmup_steps": 5, "peak_learning_rate": 0.01,
    }, "output": {"checkpoint_every": 40, "evaluate_every": 40, "keep": 1}}
    file = FOLDER / f"{name}.yaml"
    # JSON is YAML, but for the truth value that is a string here.
    file.write_text(json.dumps(settings).replace('"true"', "true"))
    rule = _RULES.get(name, "whitespace")
    hat("train", "--config", file, "--data", corpus(rule), "--output", folder, "--threads", 1)
    return folder


def exported(name: str, /, dtype: str = "float32") -> Path:
    folder = FOLDER / f"{name}-{dtype}"
    if folder.exists():
        return folder
    hat("export", "--checkpoint", run(name), "--output", folder, "--format", "huggingface", "--dtype", dtype)
    return folder


def weights(run: Path) -> tuple[dict[str, str], dict[str, bytes]]:
    """What travels with the weights of a run but the step, and each tensor's bytes."""
    file = FOLDER / "weights.safetensors"
    hat("export", "--checkpoint", run, "--output", file)
    with safe_open(file, "pt") as opened:
        metadata = {key: value for key, value in opened.metadata().items() if key != "step"}
        return metadata, {name: opened.get_tensor(name).numpy().tobytes() for name in opened.keys()}


def imported(folder: Path, name: str) -> Path:
    run = FOLDER / name
    hat("import", "--weights", folder, "--output", run)
    return run


def written(run: Path, prompt: str, count: int) -> str:
    """What hat writes behind a prompt, always taking the likeliest symbol."""
    arguments = ("--prompt", prompt, "--bytes", count, "--temperature", 0, "--threads", 1)
    text = hat("generate", "--checkpoint", run, *arguments).decode()
    return text.removesuffix("\n")
