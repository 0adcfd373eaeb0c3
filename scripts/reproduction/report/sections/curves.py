"""Bits per byte of held-out text while models learn."""

from reproduction.charts.lines import Curve, line_chart
from reproduction.evidence import Results
from reproduction.models import Model
from reproduction.report.sections.palette import COLOURS


def bits_chart(
    results: Results, stage: str, models: tuple[Model, ...], axis: tuple[str, float, str], text: str
) -> str:
    """One curve a model of the `stage` it went through, over an axis: the points' field, its unit, its title."""
    field, unit, title = axis
    curves = [
        Curve(
            *(model.title, COLOURS[model.name]),
            [
                (point[field] / unit, point["bits_per_byte"])
                for point in results[f"{stage}-{model.name}"]["curve"]
            ],
        )
        for model in models
    ]
    return line_chart(curves, title, "bits per byte", f"{text} bits per byte over {title}")
