"""What a report is made of. In texts backticks mark code, two asterisks what matters."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Paragraph:
    text: str


@dataclass(frozen=True)
class Mark:
    """A word of judgement in a table; `tone` is `good`, `bad` or `open`."""

    text: str
    tone: str


Cell = str | Mark


@dataclass(frozen=True)
class Table:
    """The first column names the row; `numbers` says that the others are figures, set to the right."""

    heading: list[str]
    rows: Sequence[Sequence[Cell]]
    numbers: bool = True
    note: str = ""


@dataclass(frozen=True)
class Chart:
    """An SVG, for the HTML alone."""

    svg: str
    caption: str


@dataclass(frozen=True)
class Charts:
    """Side by side where the page is wide enough."""

    charts: list[Chart]


@dataclass(frozen=True)
class Verbatim:
    """Text as it is, folded away behind its title."""

    title: str
    text: str
    open: bool = False


Block = Paragraph | Table | Chart | Charts | Verbatim


@dataclass(frozen=True)
class Section:
    title: str
    blocks: list[Block] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        return "-".join("".join(c if c.isalnum() else " " for c in self.title.lower()).split())


@dataclass(frozen=True)
class Report:
    title: str
    lead: list[str]
    sections: list[Section]
