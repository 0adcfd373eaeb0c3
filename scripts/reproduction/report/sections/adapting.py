"""Section: going on with German."""

from reproduction import evidence, paper
from reproduction.adaptation import Level, common_level, levels
from reproduction.evidence import Results
from reproduction.models import COMPARED
from reproduction.numbers import count, fixed, large
from reproduction.report.document import Block, Chart, Charts, Paragraph, Section, Table
from reproduction.report.sections.curves import bits_chart


def section(results: Results) -> Section:
    runs = {model.name: results[f"adapt-{model.name}"] for model in COMPARED}
    cost = {name: run["flops"] / run["steps"] for name, run in runs.items()}
    common = common_level(*evidence.adaptation_curves(results))
    blocks: list[Block] = [
        Paragraph(
            "Both models go on with German, with a fresh optimiser and schedule, each with the units it "
            "knows: English words' tokens cut German into shorter pieces, so that a byte costs the "
            "baseline more. Batches are such that a step costs both the same: "
            f"{large(cost['hierarchical'])} and {large(cost['subword'])}FLOP, for "
            f"{_step_bytes(runs['hierarchical'])} and {_step_bytes(runs['subword'])} bytes. Evaluations on "
            f"the way read {count(runs['hierarchical']['evaluated_bytes'])} and "
            f"{count(runs['subword']['evaluated_bytes'])} bytes of held-out German."
        ),
        Charts(
            [
                Chart(
                    _chart(results, "flops", 1e12, "compute since English, TFLOP"),
                    "Held-out German over floating-point operations: what the speed ratio is read off.",
                ),
                Chart(
                    _chart(results, "bytes", 1e6, "German text, MB"), "The same over the German text read."
                ),
            ]
        ),
        Paragraph(f"**The speed ratio.** {_sentence(common)} The paper: {paper.SPEED_RATIO}."),
        Table(
            ["bits per byte", "hierarchical, FLOPs", "baseline, FLOPs", "ratio"],
            [_level(level) for level in levels(*evidence.adaptation_curves(results))],
            note="FLOPs to the levels that the hierarchical model reaches on its way, read off the curves "
            "between two evaluations; nothing is extrapolated.",
        ),
        Table(
            ["bits per byte", "English before", "English after", "rise", "German before", "German after"],
            [_languages(results, model.name, model.title) for model in COMPARED],
            note="All held-out text of each language. German after, hierarchical less baseline: "
            f"{fixed(evidence.german_difference(results, 'after'))}. The paper: {paper.ADAPTED}; "
            f"{paper.FORGETTING}.",
        ),
    ]
    return Section("Adapting to German", blocks)


def _step_bytes(run: Results) -> str:
    return count(run["bytes"] / run["steps"])


def _sentence(common: Level) -> str:
    if common.ratio is None:
        return "No level was reached by both."
    return (
        f"The lowest level that both reached is {common.bits_per_byte:.3f} bits per byte: the baseline "
        f"needed {large(common.subword_flops or 0)}FLOP for it, the hierarchical model "
        f"{large(common.hierarchical_flops or 0)}FLOP: a ratio of {common.ratio:.2f}."
    )


def _level(level: Level) -> list[str]:
    ratio = "–"
    if level.ratio is not None:
        ratio = f"{level.ratio:.2f}"
    elif level.bound is not None:
        ratio = f"more than {level.bound:.2f}"
    return [
        f"{level.bits_per_byte:.3f}",
        *(_flops(level.hierarchical_flops), _flops(level.subword_flops)),
        ratio,
    ]


def _flops(flops: float | None) -> str:
    return "not reached" if flops is None else large(flops)


def _languages(results: Results, name: str, title: str) -> list[str]:
    english = [fixed(figure) for figure in evidence.english_after_german(results, name)]
    german = [fixed(evidence.german(results, name, when)) for when in ("before", "after")]
    return [title, *english, *german]


def _chart(results: Results, field: str, unit: float, title: str) -> str:
    return bits_chart(results, "adapt", COMPARED, (field, unit, title), "Held-out German")
