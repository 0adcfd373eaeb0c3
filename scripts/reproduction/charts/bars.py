"""Groups of bars, each with a whisker for its interval."""

from dataclasses import dataclass

from reproduction.charts.frame import INK, QUIET, Frame
from reproduction.charts.scale import Scale, padded
from reproduction.charts.svg import element, path, text, title


@dataclass(frozen=True)
class Bar:
    value: float
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Series:
    """A bar for each group; None where there is none."""

    name: str
    colour: str
    bars: list[Bar | None]


def bar_chart(groups: list[str], series: list[Series], vertical: str, description: str) -> str:
    """Values are shares, shown in percent."""
    frame = Frame(height=290)
    values = [0.0]
    for one in series:
        for bar in filter(None, one.bars):
            values += [bar.value, *(bar.interval or ())]
    low, high = padded(min(values), max(values))
    y = Scale(low if min(values) < 0 else 0, high, frame.inner_bottom, frame.top)
    content = frame.vertical_axis(y, vertical, percent)
    content += frame.legend([(one.name, one.colour) for one in series])
    room = (frame.inner_right - frame.left) / len(groups)
    for number, group in enumerate(groups):
        middle = frame.left + room * (number + 0.5)
        content.append(text(group, middle, frame.inner_bottom + 20, text_anchor="middle", fill=INK))
        content += _group([(one, one.bars[number]) for one in series], middle, room, y)
    zero = y.place(0)
    content.append(
        element("path", d=path([(frame.left, zero), (frame.inner_right, zero)]), stroke=QUIET, fill="none")
    )
    return frame.drawn(content, description)


def percent(value: float) -> str:
    return f"{100 * value:.4g} %"


def _group(bars: list[tuple[Series, Bar | None]], middle: float, room: float, y: Scale) -> list[str]:
    width = min(36.0, room * 0.7 / len(bars))
    left = middle - width * len(bars) / 2
    drawn: list[str] = []
    for number, (series, bar) in enumerate(bars):
        if bar:
            drawn += _bar(series, bar, left + number * width, width, y)
    return drawn


def _bar(series: Series, bar: Bar, left: float, width: float, y: Scale) -> list[str]:
    top, bottom = sorted((y.place(bar.value), y.place(0)))
    label = title(f"{series.name}: {percent(bar.value)}{_spoken(bar)}")
    drawn = [
        element(
            *("rect", label),
            x=left + 1.5,
            y=top,
            width=width - 3,
            height=max(0.5, bottom - top),
            fill=series.colour,
            rx=1.5,
        )
    ]
    if bar.interval:
        low, high = (y.place(end) for end in bar.interval)
        middle = left + width / 2
        whisker = path([(middle, low), (middle, high)])
        whisker += path([(middle - 4, low), (middle + 4, low)]) + path(
            [(middle - 4, high), (middle + 4, high)]
        )
        drawn.append(element("path", d=whisker, stroke=INK, stroke_width=1.2, fill="none"))
    return drawn


def _spoken(bar: Bar) -> str:
    return f", {percent(bar.interval[0])} to {percent(bar.interval[1])}" if bar.interval else ""
