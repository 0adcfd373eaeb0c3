"""Section: how the models learn English."""

from reproduction import paper
from reproduction.evidence import Results
from reproduction.models import MODELS
from reproduction.numbers import count, large
from reproduction.report.document import Chart, Charts, Paragraph, Section, Table
from reproduction.report.sections.curves import bits_chart


def section(results: Results) -> Section:
    runs = {model: results[f"train-{model.name}"] for model in MODELS}
    return Section(
        "Learning English",
        [
            Paragraph(
                "The three models read the same documents in the same order, as many bytes a step, by the "
                f"same schedule. Held-out text: {count(next(iter(runs.values()))['evaluated_bytes'])} "
                "bytes."
            ),
            Charts(
                [
                    Chart(
                        _chart(results, "bytes", 1e6, "training text, MB"),
                        "Held-out bits per byte over the text trained on.",
                    ),
                    Chart(
                        _chart(results, "flops", 1e12, "training compute, TFLOP"),
                        "The same over floating-point operations, counted by the plain algorithm.",
                    ),
                ]
            ),
            Table(
                ["model", "steps", "text", "FLOPs", "seconds", "bytes/s", "FLOP/s", "last bits per byte"],
                [
                    [
                        model.title,
                        count(run["steps"]),
                        f"{run['bytes'] / 1e6:.1f} MB",
                        large(run["flops"]),
                        count(run["seconds"]),
                        large(run["bytes"] / run["seconds"]),
                        large(run["flops"] / run["seconds"]),
                        f"{run['curve'][-1]['bits_per_byte']:.3f}",
                    ]
                    for model, run in runs.items()
                ],
                note=f"Seconds are those of the steps alone. The paper: {paper.STEP_TIME}.",
            ),
        ],
    )


def _chart(results: Results, field: str, unit: float, title: str) -> str:
    return bits_chart(results, "train", MODELS, (field, unit, title), "Held-out")
