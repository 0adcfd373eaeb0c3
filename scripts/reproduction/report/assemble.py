"""The report of a reproduction's results."""

from reproduction import paper
from reproduction.evidence import Results
from reproduction.progress import duration
from reproduction.report.document import Report
from reproduction.report.sections import (
    accuracy,
    adapting,
    inference,
    learning,
    neighbours,
    robustness,
    samples,
    setup,
    summary,
)


def assemble(results: Results, seconds: dict[str, float]) -> Report:
    """`seconds` are those each stage took."""
    size = results["train-hierarchical"]["bytes"] / 1e6
    parameters = results["match"]["hierarchical"]["total_parameters"] / 1e6
    return Report(
        "The paper's claims, put to the test",
        [
            "A hierarchical autoregressive transformer (bytes in, words inside, bytes out) against a "
            "subword model trained by the same trainer on the same text at the same compute, and against "
            f"itself with patches of 8 bytes for words. The paper: {paper.ADDRESS}.",
            f"Made by one command in {duration(sum(seconds.values()))}, with {parameters:.1f} million "
            f"parameters trained on {size:.0f} MB where the paper has 1 to 7 billion and 1.2 TB. What "
            "holds here need not hold there, nor the other way.",
        ],
        [
            summary.section(results),
            learning.section(results),
            accuracy.section(results),
            robustness.section(results),
            adapting.section(results),
            neighbours.section(results),
            inference.section(results),
            samples.section(results),
            setup.section(results, seconds),
        ],
    )
