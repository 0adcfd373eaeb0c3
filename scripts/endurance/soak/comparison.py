"""Whether two results are the same."""

import json
from pathlib import Path
from typing import Any

# Fields of a step that are results; the others are timings.
_RESULTS = (
    "step",
    "loss",
    "bits_per_byte",
    "target_bytes",
    "gradient_norm",
    "learning_rate",
    "skipped_steps",
    "epochs",
)


def different_files(right: Path, found: Path, *names: str) -> list[str]:
    """Of two folders, byte by byte; without names, all that is in them."""
    compared = names or sorted(
        {str(path.relative_to(each)) for each in (right, found) for path in each.rglob("*")}
    )
    return [f"{name} differs" for name in compared if _content(right / name) != _content(found / name)]


def different_tensors(right: Path, found: Path) -> list[str]:
    """Of two safetensors files, whatever their metadata."""
    return [] if _tensors(right) == _tensors(found) else [f"the tensors of {found.name} differ"]


def different_logs(right: Path, found: Path) -> list[str]:
    """Of two runs: results of steps, evaluations and steps that were not applied."""
    different = []
    for name, fields in (("metrics.jsonl", _RESULTS), ("evaluations.jsonl", None), ("skipped.jsonl", None)):
        expected, lines = _lines(right / name, fields), _lines(found / name, fields)
        if expected != lines:
            pairs = enumerate(zip(expected, lines, strict=False), start=1)
            first = next((place for place, (one, other) in pairs if one != other), None)
            where = f"from line {first}" if first else f"it has {len(lines)} lines, not {len(expected)}"
            different.append(f"{name} differs: {where}")
    return different


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _tensors(path: Path) -> tuple[dict[str, Any], bytes]:
    content = path.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header.pop("__metadata__", None)
    return header, content[end:]


def _lines(path: Path, fields: tuple[str, ...] | None) -> list[Any]:
    """Numbers as they stand in the file: they are compared digit by digit."""
    if not path.exists():
        return []
    found = [json.loads(line, parse_float=str) for line in path.read_text("utf-8").splitlines()]
    return [{field: line[field] for field in fields} if fields else line for line in found]
