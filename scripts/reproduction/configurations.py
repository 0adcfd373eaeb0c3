"""The settings of the runs, beside the sizes of the models."""

import math

# What the three runs have in common. Sequences end by bytes, so that every model sees the same text.
SEQUENCE_BYTES = 2048


def training_values(
    steps: int,
    ranks: int,
    evaluate_every: int,
    sequences: int,
    size: int = SEQUENCE_BYTES,
) -> dict[str, object]:
    """For `--set`. A checkpoint now and then, so that a stopped run loses little."""
    return {
        "data.sequence_bytes": size,
        # So many that the bytes are what ends a sequence, whatever the units.
        "data.sequence_words": size // 2,
        "training.steps": steps,
        "training.sequences_per_step": sequences,
        "training.micro_batches": max(2, ranks),
        "training.warmup_steps": max(5, min(500, steps // 20)),
        "output.evaluate_every": evaluate_every,
        "output.checkpoint_every": max(20, steps // 10),
        "output.keep": 1,
    }


def equal_flops(
    bytes_per_step: float, flops_per_byte: float, other_flops_per_byte: float, micro_batches: int
) -> tuple[int, int]:
    """Sequences a step, and bytes a sequence, with which the other model spends as many FLOPs a step."""
    wanted = bytes_per_step * flops_per_byte / other_flops_per_byte
    groups = max(1, round(wanted / SEQUENCE_BYTES / micro_batches))
    sequences = groups * micro_batches
    return sequences, math.floor(wanted / sequences)
