"""Curves over a logarithmic axis, each value with its figure for who points at it."""

from dataclasses import dataclass

from reproduction.charts.frame import Frame
from reproduction.charts.scale import Scale, number, padded
from reproduction.charts.svg import element, path, title


@dataclass(frozen=True)
class Curve:
    """Points from left to right, (x, y)."""

    name: str
    colour: str
    points: list[tuple[float, float]]


def line_chart(curves: list[Curve], horizontal: str, vertical: str, description: str) -> str:
    """The axes' titles, units in them; `description` is for who cannot see it."""
    drawn_curves = [curve for curve in curves if curve.points]
    if not drawn_curves:
        return ""
    frame = Frame()
    x, y = _scales(frame, drawn_curves)
    content = frame.vertical_axis(y, vertical) + frame.horizontal_axis(x, horizontal)
    content += frame.legend([(curve.name, curve.colour) for curve in drawn_curves])
    for curve in drawn_curves:
        content += _curve(curve, x, y)
    return frame.drawn(content, description)


def _scales(frame: Frame, curves: list[Curve]) -> tuple[Scale, Scale]:
    across = [point[0] for curve in curves for point in curve.points]
    up = [point[1] for curve in curves for point in curve.points]
    low, high = min(across), max(across)
    if low == high:
        low, high = low / 2, high * 2
    x = Scale(low, high, frame.left + 8, frame.inner_right - 8, logarithmic=True)
    y = Scale(*padded(min(up), max(up)), frame.inner_bottom, frame.top)
    return x, y


def _curve(curve: Curve, x: Scale, y: Scale) -> list[str]:
    places = [(x.place(across), y.place(up)) for across, up in curve.points]
    drawn = [
        element(
            "path", d=path(places), fill="none", stroke=curve.colour, stroke_width=2, stroke_linejoin="round"
        )
    ]
    for (across, up), (left, top) in zip(curve.points, places, strict=False):
        label = title(f"{curve.name}: {up:.3f} at {number(round(across, 3))}")
        drawn.append(element("circle", label, cx=left, cy=top, r=2.6, fill=curve.colour))
    return drawn
