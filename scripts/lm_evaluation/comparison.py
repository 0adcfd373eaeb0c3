"""The harness's figures beside those of `evaluate`."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from lm_evaluation.tasks import Figures

# Of perplexities, whose terms are added in another order; relative. A share of answers has to be the same number.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Row:
    task: str
    questions: int
    figure: str
    harness: float
    # None where there is nothing to compare with.
    evaluate: float | None

    @property
    def agrees(self) -> bool:
        if self.evaluate is None:
            return True
        if self.figure.startswith("acc"):
            return self.harness == self.evaluate
        return math.isclose(self.harness, self.evaluate, rel_tol=_TOLERANCE)


def rows(task: str, questions: int, harness: Figures, evaluate: Figures) -> list[Row]:
    """`evaluate` has only what is to be compared."""
    return [Row(task, questions, name, value, evaluate.get(name)) for name, value in harness.items()]


def table(found: Iterable[Row]) -> str:
    heading = ("task", "questions", "figure", "lm_eval", "evaluate", "")
    lines = [heading]
    for row in found:
        compared = "" if row.evaluate is None else f"{row.evaluate:.9f}"
        said = "not compared" if row.evaluate is None else "same" if row.agrees else "DIFFERENT"
        lines.append((row.task, str(row.questions), row.figure, f"{row.harness:.9f}", compared, said))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    is_number = (False, True, False, True, True, False)

    def shown(line: tuple[str, ...]) -> str:
        cells = zip(line, widths, is_number, strict=True)
        return "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells).rstrip()

    return "\n".join(map(shown, lines)) + "\n"
