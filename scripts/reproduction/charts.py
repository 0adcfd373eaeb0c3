"""Charts of reports: drawn by matplotlib, as SVG elements to embed in the page."""

import io
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator, PercentFormatter

from reproduction.evidence import Figure
from reproduction.laboratory import Model

_SVG = "http://www.w3.org/2000/svg"
# HTML knows SVG's elements without a prefix, and the attribute xlink:href by this one.
ElementTree.register_namespace("", _SVG)
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")

_INK, _QUIET, _GRID = "#1d2a35", "#5d6b78", "#e3e8ed"
_STYLE = {
    **{"figure.figsize": (5.6, 3.1), "figure.subplot.left": 0.1, "figure.subplot.right": 0.99},
    **{"figure.subplot.top": 0.9, "figure.subplot.bottom": 0.17},
    # Text stays text, in the page's font. The salt makes equal charts equal bytes.
    **{"svg.fonttype": "none", "svg.hashsalt": "hat", "font.family": "DejaVu Sans", "font.size": 9.5},
    **{"text.color": _INK, "axes.labelcolor": _QUIET, "axes.titlecolor": _QUIET, "axes.titlesize": 9.5},
    **{"axes.spines.left": False, "axes.spines.right": False, "axes.spines.top": False},
    **{"axes.edgecolor": _QUIET, "xtick.color": _QUIET, "ytick.color": _QUIET, "ytick.left": False},
    **{"axes.grid": True, "axes.grid.axis": "y", "grid.color": _GRID, "axes.axisbelow": True},
    **{"lines.markersize": 3.2, "legend.frameon": False, "errorbar.capsize": 3},
}
# An artist whose id starts like this has tooltips, separated by bars: one, or one for each of its markers.
_TOOLTIPS = "tooltips|"


def line_chart(
    curves: Mapping[Model, Sequence[tuple[float, float]]],
    horizontal: str,
    vertical: str,
    description: str,
    has_long_titles: bool = False,
) -> str:
    """Curves of (x, y), x on a logarithmic axis. Empty without points. Long titles are put among them."""
    drawn = {model: points for model, points in curves.items() if points}
    if not drawn:
        return ""
    with matplotlib.style.context(["default", _STYLE]):
        canvas, axes = _canvas(vertical)
        for model, points in drawn.items():
            tooltips = "|".join(f"{model.title}: {y:.3f} at {_number(round(x, 3))}" for x, y in points)
            gid = _TOOLTIPS + tooltips
            axes.plot(*zip(*points, strict=True), marker="o", color=model.colour, label=model.title, gid=gid)
        _set_logarithmic(axes, horizontal)
        if has_long_titles:
            axes.legend(loc="upper right", handlelength=1.2)
        else:
            _add_legend(axes)
        return _svg(canvas, description)


def law_chart(
    measured: Mapping[Model, Sequence[tuple[float, float]]],
    laws: Mapping[Model, Sequence[tuple[float, float, float, float]]],
    horizontal: str,
    vertical: str,
    description: str,
) -> str:
    """Points of (x, y), and curves of (x, y, low, high) within their bands, x on a logarithmic axis."""
    with matplotlib.style.context(["default", _STYLE]):
        canvas, axes = _canvas(vertical)
        for model, curve in laws.items():
            x, y, low, high = zip(*curve, strict=True)
            axes.plot(x, y, color=model.colour, label=model.title)
            axes.fill_between(x, low, high, color=model.colour, alpha=0.15, linewidth=0)
        for model, points in measured.items():
            tooltips = "|".join(f"{model.title}: {y:.3f} at {_number(round(x, 3))}" for x, y in points)
            gid = _TOOLTIPS + tooltips
            axes.plot(*zip(*points, strict=True), linestyle="", marker="o", color=model.colour, gid=gid)
        _set_logarithmic(axes, horizontal)
        _add_legend(axes)
        return _svg(canvas, description)


def bar_chart(
    groups: list[str], series: Mapping[Model, list[Figure | None]], vertical: str, description: str
) -> str:
    """Groups of bars in percent, one of each model that has a figure, with its interval."""
    width = min(0.3, 0.8 / len(series))
    with matplotlib.style.context(["default", _STYLE]):
        canvas, axes = _canvas(vertical)
        for place, (model, figures) in enumerate(series.items()):
            axes.bar(0, 0, color=model.colour, label=model.title)
            for group, figure in enumerate(figures):
                if figure:
                    x = group + (place - (len(series) - 1) / 2) * width
                    _bar(axes, x, width * 0.94, model, figure)
        axes.axhline(0, color=_QUIET, linewidth=0.8)
        axes.spines["bottom"].set_visible(False)
        axes.set_xlim(-0.5, len(groups) - 0.5)
        axes.set_xticks(range(len(groups)), groups)
        axes.tick_params("x", length=0, pad=7, labelcolor=_INK)
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        _add_legend(axes)
        return _svg(canvas, description)


def _bar(axes: Axes, x: float, width: float, model: Model, figure: Figure) -> None:
    tooltip = f"{model.title}: {100 * figure.value:.1f} %"
    if figure.interval:
        low, high = figure.interval
        tooltip += f" [{100 * low:.1f}, {100 * high:.1f}]"
        axes.errorbar(x, figure.value, [[figure.value - low], [high - figure.value]], ecolor=_INK)
    axes.bar(x, figure.value, width, color=model.colour, gid=_TOOLTIPS + tooltip)


def _canvas(vertical: str) -> tuple[Canvas, Axes]:
    canvas = Canvas()
    axes = canvas.add_subplot()
    axes.set_title(vertical, loc="left", x=-0.1)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    return canvas, axes


def _set_logarithmic(axes: Axes, horizontal: str) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(horizontal, loc="right")


def _number(value: float) -> str:
    return f"{value:,.6g}"


def _add_legend(axes: Axes) -> None:
    """Above the axes, beside the title."""
    axes.legend(loc="lower right", bbox_to_anchor=(1.02, 0.98), ncols=4, handlelength=1.2, columnspacing=1.4)


def _svg(canvas: Canvas, description: str) -> str:
    """The `svg` element, with tooltips, and without ids that would occur twice in a page."""
    written = io.BytesIO()
    canvas.savefig(written, format="svg", transparent=True, metadata={"Title": description, "Date": None})
    root = ElementTree.fromstring(written.getvalue())
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    for group in root.iter(f"{{{_SVG}}}g"):
        name = group.attrib.pop("id", "")
        if name.startswith(_TOOLTIPS):
            markers = list(group.iter(f"{{{_SVG}}}use"))
            for element, tooltip in zip(markers or [group], name.split("|")[1:], strict=True):
                title = ElementTree.Element(f"{{{_SVG}}}title")
                title.text = tooltip
                element.insert(0, title)
    return ElementTree.tostring(root, "unicode").replace("\n", "")
