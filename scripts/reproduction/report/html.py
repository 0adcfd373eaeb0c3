"""A report as one HTML file that needs nothing else."""

import re
from html import escape
from pathlib import Path

from reproduction.report.document import (
    Block,
    Cell,
    Chart,
    Charts,
    Mark,
    Paragraph,
    Report,
    Section,
    Table,
    Verbatim,
)

_STYLE = (Path(__file__).parent / "style.css").read_text("utf-8")


def html(report: Report) -> str:
    lead = "".join(f"<p>{_inline(text)}</p>" for text in report.lead)
    links = "".join(f'<a href="#{section.anchor}">{escape(section.title)}</a>' for section in report.sections)
    sections = "\n".join(map(_section, report.sections))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(report.title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{escape(report.title)}</h1>\n{lead}\n</header>\n<nav>{links}</nav>\n"
        f"<main>\n{sections}\n</main>\n</body>\n</html>\n"
    )


def _section(section: Section) -> str:
    blocks = "\n".join(map(_block, section.blocks))
    return f'<section id="{section.anchor}">\n<h2>{escape(section.title)}</h2>\n{blocks}\n</section>'


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return f"<p>{_inline(text)}</p>"
        case Chart(svg, caption):
            return f"<figure>{svg}<figcaption>{_inline(caption)}</figcaption></figure>"
        case Charts(charts):
            return f'<div class="charts">{"".join(map(_block, charts))}</div>'
        case Verbatim(title, text, is_open):
            state = ' open=""' if is_open else ""
            return f"<details{state}><summary>{_inline(title)}</summary><pre>{escape(text)}</pre></details>"
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    heading = "".join(f"<th>{_inline(name)}</th>" for name in table.heading)
    rows = "\n".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in table.rows)
    style = ' class="numbers"' if table.numbers else ""
    note = f'<p class="note">{_inline(table.note)}</p>' if table.note else ""
    return (
        f'<div class="wide"><table{style}>\n<thead><tr>{heading}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody></table></div>{note}"
    )


def _cell(cell: Cell) -> str:
    if isinstance(cell, Mark):
        return f'<td><span class="mark {cell.tone}">{escape(cell.text)}</span></td>'
    return f"<td>{_intervals(_inline(cell))}</td>"


def _inline(text: str) -> str:
    """Code between backticks, what matters between asterisks, and addresses as links."""
    written = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    written = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", written)
    return re.sub(r"https://[^\s<),]*\w", lambda found: f'<a href="{found[0]}">{found[0]}</a>', written)


def _intervals(text: str) -> str:
    """Intervals step back behind their values."""
    return re.sub(r" (\[[^\]]+\])", r' <span class="interval">\1</span>', text)
