"""Section: how fast the models of equal compute write."""

from typing import Any

from reproduction import paper
from reproduction.evidence import Results
from reproduction.numbers import large
from reproduction.report.document import Paragraph, Section, Table
from reproduction.report.sections.palette import TITLES


def section(results: Results) -> Section:
    found = results["inference"]
    return Section(
        "Speed of writing",
        [
            Paragraph(
                "Bytes a second for one document and for sixteen at once, with caches of keys and values "
                "and of word embeddings: reading the prompt, and writing; beside it the FLOPs of a byte "
                f"written, and how fast the same is without caches. The paper: {paper.CACHE}."
            ),
            Table(
                [
                    *("model", "documents", "prompt, bytes/s", "writing, bytes/s", "FLOPs per byte"),
                    *("words from the cache", "without caches, bytes/s", "memory"),
                ],
                [_row(measurement) for measurement in found["measurements"]],
                note="; ".join(
                    f"{ratio['batch']} at once: the hierarchical model reads "
                    f"{ratio['prompt_bytes_per_second']:.2f} times and writes "
                    f"{ratio['decode_bytes_per_second']:.2f} times as fast as the baseline"
                    for ratio in found["ratios"]
                )
                + ".",
            ),
        ],
    )


def _row(found: dict[str, Any]) -> list[str]:
    writing = found["decode"]
    hits = writing.get("embedding_hit_rate")
    return [
        *(TITLES[found["model"]], str(found["batch"])),
        *(large(found["prompt"]["bytes_per_second"]), large(writing["bytes_per_second"])),
        *(large(writing["flops_per_byte"]), "–" if hits is None else f"{100 * hits:.0f} %"),
        *(large(found["uncached_bytes_per_second"]), f"{found['peak_resident_bytes'] / 2**20:.0f} MiB"),
    ]
