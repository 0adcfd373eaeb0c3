"""How many steps there is time for, from the speed of a few."""

import math
import statistics
from collections.abc import Iterable

from reproduction.curves import Step

# The first steps fill caches and wait for the first text.
_WARM_UP = 3
MEASURED = 12
EVALUATIONS = 24
ADAPTATION_EVALUATIONS = 40
FEWEST = 40


def step_seconds(steps: list[Step]) -> float:
    return statistics.median(step.seconds for step in steps[_WARM_UP:])


def steps(
    seconds: float, seconds_per_step: Iterable[float], evaluations: int, steps_per_evaluation: float
) -> int:
    """As many as all runs together have time for, their evaluations included.

    An evaluation costs `steps_per_evaluation` steps: a pass forward of what it reads.
    """
    affordable = seconds / sum(seconds_per_step) - evaluations * steps_per_evaluation
    return max(FEWEST, _rounded(affordable))


def _rounded(count: float) -> int:
    """To two digits, so that steps divide into evaluations and a reader can remember them."""
    if count < 100:
        return int(count)
    unit = 10 ** (len(str(int(count))) - 2)
    return int(count // unit * unit)


def every(steps: int, times: int) -> int:
    """Steps between evaluations, for at most so many of them."""
    return math.ceil(steps / times)
