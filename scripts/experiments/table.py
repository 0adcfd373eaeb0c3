"""The table of a search, in Markdown: each trial's mean over the seeds, and its difference to the base."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from experiments.results import LAST_STEPS, Line, Results
from experiments.search import Search, Trial

_HEADINGS = {"grid": "All together", "trials": "Other trials"}
_COLUMNS = (
    "held out",
    "seeds apart by",
    "against the base",
    "in training",
    "FLOPs",
    "text",
    "seconds",
    "seeds",
)


@dataclass(frozen=True)
class _Row:
    """A trial's results, one for each seed that is finished."""

    trial: Trial
    lines: tuple[Line, ...]

    def mean(self, name: str) -> float | None:
        values = [line[name] for line in self.lines]
        return None if not values or None in values else statistics.fmean(values)

    @property
    def spread(self) -> float | None:
        values = [line["held_out"] for line in self.lines]
        return None if len(values) < 2 else max(values) - min(values)

    def difference(self, base: "_Row") -> float | None:
        """Of the seeds that both have finished."""
        others = {line["trial"]["seed"]: line["held_out"] for line in base.lines}
        pairs = [(line["held_out"], others.get(line["trial"]["seed"])) for line in self.lines]
        found = [own - other for own, other in pairs if other is not None]
        return statistics.fmean(found) if found else None


def markdown(search: Search, results: Results) -> str:
    rows = [_row(search, trial, results) for trial in search.trials]
    base = rows[0]
    finished = [line for row in rows for line in row.lines]
    parts = [
        f"# {search.title}",
        f"Written by `scripts/search {search.name}`; [how to read it](README.md).",
        _conditions(search, base, len(finished)),
    ]
    for axis in dict.fromkeys(row.trial.axis for row in rows[1:]):
        parts.append(f"## {_HEADINGS.get(axis, axis)}")
        parts.append(_table([base, *(row for row in rows if row.trial.axis == axis)], base))
    if finished:
        parts.append(_sources(finished))
    return "\n\n".join(parts) + "\n"


def _row(search: Search, trial: Trial, results: Results) -> _Row:
    found = (results.of(search, trial, seed) for seed in search.seeds)
    return _Row(trial, tuple(line for line in found if line is not None))


def _conditions(search: Search, base: _Row, finished: int) -> str:
    settings = ", ".join(f"`{name}` {value}" for name, value in search.settings.items())
    text = f"Base: {search.base}{f' with {settings}' if settings else ''}; {search.steps:,} steps"
    if sizes := {line["bytes"] for line in base.lines}:
        text += f", {max(sizes) / 1e6:.1f} MB of text"
    if search.match:
        text += f"; shapes of equal training FLOPs to {search.match}"
    text += f"; seeds {', '.join(map(str, search.seeds))}."
    wanted = len(search.trials) * len(search.seeds)
    missing = wanted - finished
    return text + (f" **Still to do: {missing} of {wanted} runs.**" if missing else "")


def _table(rows: list[_Row], base: _Row) -> str:
    best = min((value for row in rows if (value := row.mean("held_out")) is not None), default=None)
    lines = [_cells(["", *_COLUMNS]), _cells(["---", *["---:"] * len(_COLUMNS)])]
    for row in rows:
        held_out = row.mean("held_out")
        shown = _number(held_out, "{:.4f}")
        lines.append(
            _cells(
                [
                    row.trial.name,
                    f"**{shown}**" if held_out is not None and held_out == best else shown,
                    _number(row.spread, "{:.4f}"),
                    "" if row is base else _number(row.difference(base), "{:+.4f}"),
                    _number(row.mean("training"), "{:.4f}"),
                    _number(row.mean("flops_ratio"), "{:.3f}"),
                    _number(_ratio(row, base, "bytes"), "{:.3f}"),
                    _number(row.mean("seconds"), "{:,.0f}"),
                    str(len(row.lines)),
                ]
            )
        )
    return "\n".join(lines)


def _ratio(row: _Row, base: _Row, name: str) -> float | None:
    own, other = row.mean(name), base.mean(name)
    return own / other if own is not None and other else None


def _sources(lines: list[Line]) -> str:
    def each(found: Callable[[Line], str]) -> str:
        return ", ".join(dict.fromkeys(map(found, lines)))

    sizes = each(lambda line: format(line["held_out_bytes"], ","))
    corpora = each(lambda line: line["corpus"]["fingerprint"])
    commits = each(lambda line: line["commit"][:10] + (" with changes" if line["changed"] else ""))
    machines = each(lambda line: f"{line['processor']}, {line['ranks']} ranks on {line['cores']} cores")
    return (
        f"Held-out text: {sizes} bytes. In training: mean of the last {LAST_STEPS} steps.\n"
        f"Corpus: {corpora}. Commits: {commits}. Machines: {machines}."
    )


def _number(value: float | None, shape: str) -> str:
    return "–" if value is None else shape.format(value)


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
