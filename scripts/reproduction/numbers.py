"""Numbers as the report writes them, with their intervals."""

from collections.abc import Callable

from reproduction.figures import Figure


def percent(found: Figure | None) -> str:
    return _with_interval(found, lambda value: f"{100 * value:.1f}", " %")


def fixed(found: Figure | None, digits: int = 3) -> str:
    return _with_interval(found, lambda value: f"{value:,.{digits}f}")


def times(found: Figure | None) -> str:
    return _with_interval(found, lambda value: f"{value:.2f}", " times")


def count(value: float) -> str:
    return f"{value:,.0f}"


def large(value: float) -> str:
    """To three digits, with the usual letter."""
    for unit, letter in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.3g} {letter}"
    return f"{value:.3g}"


def _with_interval(found: Figure | None, written: Callable[[float], str], unit: str = "") -> str:
    if found is None:
        return "–"
    value = written(found.value) + unit
    if found.interval is None:
        return value
    low, high = (written(end) for end in found.interval)
    return f"{value} [{low}, {high}]"
