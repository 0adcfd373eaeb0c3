"""What a training run wrote down, and what can be read off its curve."""

import json
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Step:
    """Of a line of metrics.jsonl. `flops` by the plain algorithm, nothing saved."""

    step: int
    bytes: int
    flops: float
    seconds: float
    bits_per_byte: float


@dataclass(frozen=True)
class Point:
    """The model on held-out text, after that many bytes, FLOPs and seconds of training."""

    step: int
    bytes: int
    flops: float
    seconds: float
    bits_per_byte: float


def read_steps(run: Path) -> list[Step]:
    """In order, each once: a step that was repeated after a stop counts with its last line."""
    found = {line["step"]: line for line in _lines(run / "metrics.jsonl")}
    return [
        Step(
            step=number,
            bytes=line["target_bytes"],
            flops=line["model_flops_per_second"] * line["step_seconds"],
            seconds=line["step_seconds"],
            bits_per_byte=line["bits_per_byte"],
        )
        for number, line in sorted(found.items())
    ]


def read_curve(run: Path) -> list[Point]:
    """The evaluations, with what training had cost before each."""
    steps = read_steps(run)
    numbers = [step.step for step in steps]
    totals = [(0, 0.0, 0.0)]
    for step in steps:
        size, flops, seconds = totals[-1]
        totals.append((size + step.bytes, flops + step.flops, seconds + step.seconds))
    found = {line["step"]: line["bits_per_byte"] for line in _lines(run / "evaluations.jsonl")}
    return [
        Point(number, *totals[bisect_right(numbers, number)], bits_per_byte)
        for number, bits_per_byte in sorted(found.items())
    ]


def evaluated_bytes(run: Path) -> int:
    """Held-out text that every evaluation measured."""
    lines = _lines(run / "evaluations.jsonl")
    return int(lines[-1]["text_bytes"]) if lines else 0


def flops_to_reach(curve: list[Point], bits_per_byte: float) -> float | None:
    """Where the curve is first as low, on the line between two evaluations; None where it never is."""
    for before, after in zip([None, *curve], curve, strict=False):
        if after.bits_per_byte > bits_per_byte:
            continue
        if before is None:
            return after.flops
        part = (before.bits_per_byte - bits_per_byte) / (before.bits_per_byte - after.bits_per_byte)
        return before.flops + part * (after.flops - before.flops)
    return None


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
