"""The report of a reproduction's results."""

from reproduction import paper
from reproduction.evidence import Results
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


def assemble(results: Results, seconds: dict[str, float], hours: float) -> Report:
    """`seconds` are those each stage took."""
    return Report(
        "The paper's claims, put to the test",
        [
            "A hierarchical autoregressive transformer (bytes in, words inside, bytes out) against a "
            "subword model trained by the same trainer on the same text at the same compute, and against "
            f"itself with patches of 8 bytes for words. The paper: {paper.ADDRESS}.",
            f"Made by one command in {sum(seconds.values()) / 3600:.1f} hours on two cores: models a "
            "thousand times smaller than the paper's, trained on a millionth of its text. What holds "
            "here need not hold there, nor the other way.",
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
