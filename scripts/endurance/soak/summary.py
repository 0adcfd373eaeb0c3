"""What all rounds together have shown."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from endurance.journal import Entry
from endurance.kinds import grouped


def summary(entries: Iterable[Entry], seed: int) -> dict[str, Any]:
    """Rounds by scenario, events, and each kind of failure with its count and how to repeat a round."""
    listed = list(entries)
    events: Counter[str] = Counter()
    for entry in listed:
        events.update(entry["events"])
    failures = [
        (
            f"{entry['scenario']}: {failure}",
            f"scripts/soak --folder FOLDER --seed {seed} --round {entry['round']}",
        )
        for entry in listed
        for failure in entry["failures"]
    ]
    return {
        "seed": seed,
        "rounds": len(listed),
        "hours": round(sum(entry["seconds"] for entry in listed) / 3600, 3),
        "scenarios": dict(Counter(_name(entry) for entry in listed).most_common()),
        "events": dict(events.most_common()),
        "failed_rounds": sum(1 for entry in listed if entry["failures"]),
        "failures": grouped(failures),
    }


def text(found: dict[str, Any]) -> str:
    lines = [f"{found['rounds']} rounds in {found['hours']:.2f} hours, {found['failed_rounds']} failed"]
    for name in ("scenarios", "events"):
        lines.append(f"{name}: " + ", ".join(f"{what} {count}" for what, count in found[name].items()))
    for group in found["failures"]:
        lines += [f"{group['count']} x {group['kind']}", f"    {group['example']}"]
    return "\n".join(lines)


def _name(entry: Entry) -> str:
    if entry["scenario"] != "train":
        return f"{entry['scenario']} on {entry['ranks']}"
    nodes = " over two nodes" if entry["nodes"] > 1 else ""
    return f"train on {entry['ranks']}{nodes}, stage {entry['zero_stage']}"
