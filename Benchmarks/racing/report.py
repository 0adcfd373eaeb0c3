"""The result of a race: a table, an object of JSON, and pictures of the curves."""

from typing import Any

from racing.race import Race
from racing.running import Finish, levels
from reproduction.charts import line_chart
from reproduction.hat import reached
from reproduction.laboratory import Model

# Distinct to colour-blind readers too (Okabe and Ito 2008).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_COLUMNS = (
    "bits per byte",
    "",
    "steps",
    "text, MB",
    "seconds",
    "text, of the first's",
    "seconds, of the first's",
)


def markdown(race: Race, finishes: list[Finish], machine: dict[str, Any]) -> str:
    first = finishes[0]
    ends = [
        [
            *(finish.entry.name, f"{finish.curve[-1].bits_per_byte:.4f}", f"{finish.run.steps:,}"),
            *(
                f"{finish.bytes / 1e6:.2f}",
                f"{finish.seconds:.0f}",
                f"{finish.bytes / finish.seconds / 1e3:.1f}",
            ),
            *(
                f"{_flops_per_byte(finish) / _flops_per_byte(first):.3f}",
                f"{finish.run.parameters / 1e6:.2f}",
            ),
        ]
        for finish in finishes
    ]
    heads = [
        "",
        "last bits per byte",
        "steps",
        "text, MB",
        "seconds",
        "kB/s",
        "FLOPs per byte, of the first's",
    ]
    return (
        "\n\n".join(
            [
                f"# {race.title}",
                _conditions(race, first, machine),
                "## To each level",
                _table(list(_COLUMNS), _levels(race, finishes)),
                "## In all",
                _table([*heads, "parameters, million"], ends),
            ]
        )
        + "\n"
    )


def json_object(race: Race, finishes: list[Finish], machine: dict[str, Any]) -> dict[str, Any]:
    return {
        **{"race": race.name, "title": race.title, **machine},
        "levels": [
            {
                "bits_per_byte": level,
                "reached": {finish.entry.name: _cost(finish, level) for finish in finishes},
            }
            for level in levels(race, finishes[0].curve)
        ],
        "entries": [finish.json() for finish in finishes],
    }


def pictures(finishes: list[Finish]) -> dict[str, str]:
    """SVG by name: the curves over seconds and over text."""
    return {
        "seconds": _picture(finishes, "seconds of training", lambda point: point.seconds),
        "text": _picture(finishes, "MB of text", lambda point: point.bytes / 1e6),
    }


def _conditions(race: Race, first: Finish, machine: dict[str, Any]) -> str:
    commit = machine["commit"][:10] + (" with changes" if machine["changed"] else "")
    return (
        f"Written by `Benchmarks/quality {race.name}`. Held-out text: {first.evaluated_bytes:,} bytes. "
        "Seconds are those of the steps alone, without evaluations and checkpoints. Between two "
        "evaluations a level is interpolated; – is a level that was not reached. "
        f"{machine['processor']}, {machine['ranks']} ranks on {machine['cores']} cores; commit {commit}."
    )


def _levels(race: Race, finishes: list[Finish]) -> list[list[str]]:
    rows = []
    for level in levels(race, finishes[0].curve):
        first = reached(finishes[0].curve, level)
        for finish in finishes:
            point = reached(finish.curve, level)
            if point is None:
                rows.append([f"{level:.2f}", finish.entry.name, *["–"] * 5])
                continue
            ratios = ["–", "–"]
            if first:
                ratios = [f"{point.bytes / first.bytes:.2f}", f"{point.seconds / first.seconds:.2f}"]
            cost = [f"{point.step:,}", f"{point.bytes / 1e6:.2f}", f"{point.seconds:.0f}"]
            rows.append([f"{level:.2f}", finish.entry.name, *cost, *ratios])
    return rows


def _cost(finish: Finish, level: float) -> dict[str, float] | None:
    point = reached(finish.curve, level)
    if point is None:
        return None
    return {"step": point.step, "bytes": point.bytes, "flops": point.flops, "seconds": point.seconds}


def _flops_per_byte(finish: Finish) -> float:
    return finish.flops / finish.bytes


def _picture(finishes: list[Finish], axis: str, place: Any) -> str:
    curves = {
        Model(f"{number}", finish.entry.name, "", _COLOURS[number % len(_COLOURS)]): [
            (place(point), point.bits_per_byte) for point in finish.curve
        ]
        for number, finish in enumerate(finishes)
    }
    description = f"Held-out bits per byte over {axis}"
    return line_chart(curves, axis, "bits per byte of held-out text", description, has_long_titles=True)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
