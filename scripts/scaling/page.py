"""The page of the laws, and its chart."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from reproduction.charts import law_chart
from reproduction.evidence import large
from reproduction.laboratory import RECOMMENDED, SUBWORD
from scaling import fit
from scaling.fit import Coefficients, Law, central
from scaling.frontier import FARTHEST, Comparison, beyond, has_frontier, optimum
from scaling.runs import Measured, ScalingRun

HIERARCHICAL = "hierarchical"
BASELINE = "subword"
# The search of each kind's runs.
KINDS = {HIERARCHICAL: "scaling-hierarchical", BASELINE: "scaling-subword"}
_TITLES = {HIERARCHICAL: "Hierarchical", BASELINE: "Subword"}
_MODELS = {
    HIERARCHICAL: replace(RECOMMENDED, title=_TITLES[HIERARCHICAL]),
    BASELINE: replace(SUBWORD, title=_TITLES[BASELINE]),
}
# Multiples of the largest measured compute, of the table of frontiers; the chart ends at the last.
_TIMES = (0.1, 0.3, 1, 3, 10)
_PLACES = 40


@dataclass(frozen=True)
class Pair:
    """Runs of both kinds with the same name and seed: equal text, and FLOPs as equal as the match."""

    hierarchical: ScalingRun
    subword: ScalingRun

    @property
    def difference(self) -> float:
        return self.hierarchical.bits_per_byte - self.subword.bits_per_byte


def page(found: Mapping[str, Measured], laws: Mapping[str, Law]) -> str:
    comparison = _comparison(found, laws)
    written = _TEMPLATES.get_template("scaling-laws.jinja").render(
        found=found,
        laws=laws,
        comparison=comparison,
        stands=comparison.stands(_TIMES) if comparison.is_determined else [],
        ends=[comparison.stand(each) for each in (comparison.low, comparison.high)]
        if comparison.is_determined
        else [],
        meetings=comparison.meetings() if comparison.is_determined else [],
        pairs=pairs(found),
    )
    return re.sub(r"\n{3,}", "\n\n", written).strip() + "\n"


def picture(found: Mapping[str, Measured], laws: Mapping[str, Law]) -> str:
    """Measured losses over compute, and the frontiers of the fits."""
    comparison = _comparison(found, laws)
    low, high = comparison.low, comparison.high * _TIMES[-1]
    places = [low * (high / low) ** (place / _PLACES) for place in range(_PLACES + 1)]
    curves = {}
    for kind, law in laws.items():
        resampled = [each for each in law.resampled if has_frontier(each)]
        if has_frontier(law.coefficients) and resampled:
            curves[_MODELS[kind]] = [
                _band(law.coefficients, resampled, place, comparison.smallest) for place in places
            ]
    points = {
        _MODELS[kind]: [(run.compute / 1e12, run.bits_per_byte) for run in each.runs]
        for kind, each in found.items()
    }
    axis = "training compute, TFLOP"
    return law_chart(points, curves, axis, "bits per byte", f"Held-out bits per byte over {axis}") + "\n"


def pairs(found: Mapping[str, Measured]) -> list[Pair]:
    others = {(run.size, run.steps, run.seed): run for run in found[BASELINE].runs}
    return [
        Pair(run, others[name])
        for run in _in_order(found[HIERARCHICAL].runs)
        if (name := (run.size, run.steps, run.seed)) in others
    ]


def _comparison(found: Mapping[str, Measured], laws: Mapping[str, Law]) -> Comparison:
    compute = [[run.compute for run in each.runs] for each in found.values()]
    low, high = max(map(min, compute)), min(map(max, compute))
    return Comparison(laws[HIERARCHICAL], laws[BASELINE], low, high)


def _band(
    law: Coefficients, resampled: list[Coefficients], compute: float, smallest: float
) -> tuple[float, float, float, float]:
    ends = central([optimum(each, compute, smallest).bits_per_byte for each in resampled])
    bits = optimum(law, compute, smallest).bits_per_byte
    return compute / 1e12, round(bits, 5), round(ends[0], 5), round(ends[1], 5)


def _in_order(runs: Sequence[ScalingRun]) -> list[ScalingRun]:
    """By size, then by length. FLOPs per byte of one size differ a little, by the words of its text."""
    cost = {run.size: run.flops_per_byte for run in runs}
    return sorted(runs, key=lambda run: (cost[run.size], run.steps, run.seed))


def _sized(flops_per_byte: float, runs: Sequence[ScalingRun]) -> str:
    """Beside the nearest measured size."""
    nearest = min(runs, key=lambda run: abs(math.log(run.flops_per_byte / flops_per_byte)))
    return f"{_digits(flops_per_byte / nearest.flops_per_byte, 2)} × `{nearest.size}`"


def _outside(value: float, measured: tuple[float, float]) -> str:
    times = beyond(value, measured)
    if times == 1:
        return "within what was measured"
    return f"{_digits(times, 2)} times the {'largest' if times > 1 else 'smallest'} measured"


def _megabytes(size: float) -> str:
    return f"{_digits(size / 1e9, 3)} GB" if size >= 1e9 else f"{_digits(size / 1e6, 3)} MB"


def _digits(value: float, count: int) -> str:
    """So many, and zeros: 1,900."""
    return f"{float(f'{value:.{count}g}'):,.12g}"


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    **{"large": large, "sized": _sized, "outside": _outside, "megabytes": _megabytes},
    "percent": lambda share: f"{100 * share:.0f} %",
    **{"digits": _digits, "in_order": _in_order},
}
_TEMPLATES.globals |= {
    **{"kinds": KINDS, "titles": _TITLES, "fit": fit, "farthest": FARTHEST},
    "expected": lambda law, run: law.coefficients.bits_per_byte(run.flops_per_byte, run.text_bytes),
}
