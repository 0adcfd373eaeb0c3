"""Models that are said to know dialogues, for all tests."""

import json
import struct
from functools import cache
from pathlib import Path

from serving.runs import run
from serving.server import Server
from serving.tests.fixture import keep, runs, scratch

TURN_END = 0xF8


def _end_turns(folder: Path) -> None:
    """Turns end in the place of some words: of those with a t, or of a token of the baseline."""
    weights, symbol = folder / "model.safetensors", ord("t")
    if (folder / "tokenizer.json").exists():
        symbol = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]["theĠ"]
    data = bytearray(weights.read_bytes())
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    (name,) = {"decoder.head.weight", "lm_head.weight"} & header.keys()
    width, start = header[name]["shape"][1], 8 + size + header[name]["data_offsets"][0]
    row = struct.unpack_from(f"<{width}f", data, start + 4 * width * symbol)
    struct.pack_into(f"<{width}f", data, start + 4 * width * TURN_END, *(1.1 * value for value in row))
    weights.write_bytes(data)


@cache
def tuned(kind: str) -> Path:
    """A run whose model is said to know dialogues."""
    folder, output = scratch() / f"{kind}-folder", scratch() / f"{kind}-tuned"
    run("export", "--checkpoint", runs()[kind], "--format", "huggingface", "--output", folder)
    config = json.loads((folder / "config.json").read_text())
    config["hat"]["template"] = "turns-v1"
    (folder / "config.json").write_text(json.dumps(config))
    _end_turns(folder)
    run("import", "--weights", folder, "--output", output)
    return output


@cache
def tuned_server(kind: str = "hierarchical") -> Server:
    return keep(Server(tuned(kind), "--slots", "4"))
