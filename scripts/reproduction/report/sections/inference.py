"""Section: how fast the models of equal compute write."""

from reproduction import paper
from reproduction.claims import Results
from reproduction.numbers import large
from reproduction.report.document import Paragraph, Section, Table


def section(results: Results) -> Section:
    return Section(
        "Speed of writing",
        [
            Paragraph(
                "Bytes a second with caches of keys and values, and of word embeddings: reading the prompt, and writing. "
                f"The paper: {paper.CACHE}."
            ),
            Table(
                ["model", "batch", "prompt, bytes/s", "writing, bytes/s"],
                [
                    [
                        row["model"],
                        str(row["batch"]),
                        large(row["prompt_bytes_per_second"]),
                        large(row["bytes_per_second"]),
                    ]
                    for row in results["inference"]["measured"]
                ],
            ),
        ],
    )
