"""What charts have in common: margins, axes, legend."""

from collections.abc import Callable
from dataclasses import dataclass

from reproduction.charts.scale import Scale, number
from reproduction.charts.svg import element, path, text, title

INK = "#1d2a35"
QUIET = "#5d6b78"
GRID = "#e3e8ed"

FONT_SIZE = 13


@dataclass(frozen=True)
class Frame:
    """Pixels; the chart grows and shrinks with the page."""

    width: float = 540
    height: float = 310
    left: float = 56
    right: float = 16
    top: float = 40
    bottom: float = 50

    @property
    def inner_right(self) -> float:
        return self.width - self.right

    @property
    def inner_bottom(self) -> float:
        return self.height - self.bottom

    def drawn(self, content: list[str], description: str) -> str:
        return element(
            "svg",
            title(description) + "".join(content),
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {self.width:g} {self.height:g}",
            role="img",
            font_size=FONT_SIZE,
            font_family="inherit",
        )

    def vertical_axis(self, scale: Scale, name: str, shown: Callable[[float], str] = number) -> list[str]:
        drawn = [text(name, 0, 14, fill=QUIET)]
        for tick in scale.ticks():
            y = scale.place(tick)
            drawn.append(
                element("path", d=path([(self.left, y), (self.inner_right, y)]), stroke=GRID, fill="none")
            )
            drawn.append(text(shown(tick), self.left - 8, y + 4.5, text_anchor="end", fill=QUIET))
        return drawn

    def horizontal_axis(self, scale: Scale, name: str) -> list[str]:
        bottom = self.inner_bottom
        drawn = [
            element(
                "path", d=path([(self.left, bottom), (self.inner_right, bottom)]), stroke=QUIET, fill="none"
            ),
            text(name, self.inner_right, self.height - 8, text_anchor="end", fill=QUIET),
        ]
        for tick in scale.ticks(6):
            x = scale.place(tick)
            drawn.append(element("path", d=path([(x, bottom), (x, bottom + 5)]), stroke=QUIET, fill="none"))
            drawn.append(text(number(tick), x, bottom + 19, text_anchor="middle", fill=QUIET))
        return drawn

    def legend(self, entries: list[tuple[str, str]]) -> list[str]:
        """Names with their colours, at the upper right."""
        drawn: list[str] = []
        x = self.inner_right
        for name, colour in reversed(entries):
            x -= _width(name)
            drawn.append(text(name, x, 14, fill=INK))
            x -= 17
            drawn.append(element("rect", x=x, y=4, width=11, height=11, rx=2, fill=colour))
            x -= 20
        return drawn


def _width(name: str) -> float:
    """About: what fonts make of it differs."""
    return len(name) * FONT_SIZE * 0.54
