"""A report as Markdown: everything but the charts and what is folded away."""

from reproduction.report.document import Block, Cell, Mark, Paragraph, Report, Section, Table, Verbatim


def markdown(report: Report) -> str:
    parts = [f"# {report.title}", *report.lead]
    for section in report.sections:
        parts += _section(section)
    return "\n\n".join(parts) + "\n"


def _section(section: Section) -> list[str]:
    blocks = [text for block in section.blocks if (text := _block(block))]
    return [f"## {section.title}", *blocks] if blocks else []


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return text
        case Table():
            return _table(block)
        case Verbatim(title, text, True):
            return f"{title}:\n\n" + "\n".join(f"    {line}".rstrip() for line in text.splitlines())
        case _:
            return ""


def _table(table: Table) -> str:
    rule = ["---"] + ["---:" if table.numbers else "---"] * (len(table.heading) - 1)
    rows = [_row(table.heading), _row(rule), *(_row([_cell(cell) for cell in row]) for row in table.rows)]
    return "\n".join(rows) + (f"\n\n{table.note}" if table.note else "")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    text = f"**{cell.text}**" if isinstance(cell, Mark) else cell
    return text.replace("|", "\\|").replace("\n", " ")
