"""SVG elements as text."""

from html import escape


def element(name: str, content: str = "", **attributes: object) -> str:
    """Underscores of attribute names become hyphens; what is None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text(content: str, x: float, y: float, **attributes: object) -> str:
    return element("text", escape(content), x=x, y=y, **attributes)


def title(content: str) -> str:
    """What is shown to who points at the element around it, and read to who cannot see it."""
    return element("title", escape(content))


def path(points: list[tuple[float, float]]) -> str:
    """The `d` of straight lines."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _value(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
