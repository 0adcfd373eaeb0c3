"""The report: one Markdown template makes results.md and, with charts and folded text, report.html."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token

from reproduction import measuring
from reproduction.adaptation import common_level, levels
from reproduction.charts import bar_chart, line_chart
from reproduction.claims import PAPER, claims
from reproduction.commands import duration
from reproduction.evidence import Evidence, Figure, Results, count, fixed, large, percent
from reproduction.gap import SHARES, Gap, common_compute, gaps
from reproduction.laboratory import COMPARED, HIERARCHICAL, MODELS, SUBWORD, Model


def markdown(results: Results, seconds: dict[str, float]) -> str:
    """`seconds` has the time of each stage."""
    written = re.sub(r" +$", "", _render(results, seconds, html=False), flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", written).strip() + "\n"


def html(results: Results, seconds: dict[str, float]) -> str:
    """One file, which needs no other."""
    parser = MarkdownIt("commonmark", {"html": True, "xhtmlOut": True}).enable("table")
    parser.add_render_rule("text", _text)
    page = parser.render(_render(results, seconds, html=True))
    page = page.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
    head, *parts = re.split(r"^<h2>(.*)</h2>$", page, flags=re.MULTILINE)
    sections = list(zip(parts[::2], parts[1::2], strict=True))
    title = re.findall("<h1>(.*)</h1>", head)[0]
    return _TEMPLATES.get_template("page.html").render(title=title, head=head, sections=sections)


def _render(results: Results, seconds: dict[str, float], html: bool) -> str:
    evidence = Evidence(results)
    german = {model.name: evidence.curve("adapt", model.name) for model in COMPARED}
    pairs = {model.name: (german[model.name], german[SUBWORD.name]) for model in HIERARCHICAL}
    return _TEMPLATES.get_template("report.md").render(
        **{"html": html, "results": results, "seconds": seconds, "evidence": evidence},
        claims=claims(evidence),
        gaps=_gaps(evidence),
        levels={name: levels(*pair) for name, pair in pairs.items()},
        common={name: common_level(*pair) for name, pair in pairs.items()},
        packages=[package for text in results["texts"].values() for package in text["packages"]],
        curves=lambda *arguments: _curves(results, *arguments),
        gap_chart=lambda: _gap_chart(evidence),
        drops=lambda *arguments: _drops(evidence, *arguments),
    )


def _curves(
    results: Results, stage: str, models: tuple[Model, ...], field: str, unit: float, axis: str
) -> str:
    """Bits per byte of held-out text over `field`, which is divided by `unit`."""
    found = {model: results[f"{stage}-{model.name}"]["curve"] for model in models}
    curves = {
        model: [(point[field] / unit, point["bits_per_byte"]) for point in points]
        for model, points in found.items()
    }
    return line_chart(curves, axis, "bits per byte", f"Held-out bits per byte over {axis}")


def _gaps(evidence: Evidence) -> dict[str, list[Gap]]:
    """Of each hierarchical model, at the same shares of the compute that all of them and the baseline had."""
    found = {model.name: evidence.curve("train", model.name) for model in COMPARED}
    compute = common_compute(list(found.values()))
    flops = [share * compute for share in SHARES]
    return {model.name: gaps(found[model.name], found[SUBWORD.name], flops) for model in HIERARCHICAL}


def _gap_chart(evidence: Evidence) -> str:
    baseline = evidence.curve("train", SUBWORD.name)
    found = {model: evidence.curve("train", model.name) for model in HIERARCHICAL}
    curves = {
        model: [
            (gap.flops / 1e12, gap.difference)
            for gap in gaps(curve, baseline, (point.flops for point in curve))
        ]
        for model, curve in found.items()
    }
    axis = "training compute, TFLOP"
    return line_chart(
        curves, axis, "bits per byte above the baseline", f"Distance from the baseline over {axis}"
    )


def _drops(evidence: Evidence, kind: str, name: str, title: str) -> str:
    series = {
        model: [evidence.drop(model.name, kind, name, each) for each in measuring.PERTURBATIONS]
        for model in COMPARED
    }
    groups = list(measuring.PERTURBATIONS.values())
    return bar_chart(groups, series, "relative drop", f"{title}: relative drop under each perturbation")


def _text(_: Any, tokens: list[Token], index: int, *__: Any) -> str:
    """Makes intervals less prominent than their values, and keeps percent signs with their numbers."""
    text = re.sub(r"(\d) %", "\\1\N{NO-BREAK SPACE}%", escapeHtml(tokens[index].content))
    return re.sub(r" (\[-?[\d.,]+, -?[\d.,]+\])", r' <span class="interval">\1</span>', text)


def _plain(text: str) -> str:
    """Text from outside, escaped so that Markdown shows it as it is."""
    return re.sub(r"([\\`*_\[\]<>|&~])", r"\\\1", " ".join(text.split()))


def _verbatim(text: str) -> str:
    """A code block, whatever the text contains."""
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())


def _choice(question: Results) -> str:
    choices = enumerate(question["choices"])
    arrows = (f"\n\n{'→' if number == question['answer'] else '  '} {text}" for number, text in choices)
    return str(question["context"]) + "".join(arrows)


def _ngrams(settings: dict[str, str]) -> str:
    """The model's tables of n-grams, from its complete settings."""
    for units in ("byte", "token"):
        longest = int(settings.get(f"model.{units}_ngrams", 0))
        if longest:
            return f"of {units}s, to length {longest}"
    return "none"


def _sample(samples: Results, prompt: str) -> str:
    """What each model wrote after the prompt, which ends at the bar."""
    written = {model.title: samples[model.name][prompt].removeprefix(prompt).rstrip() for model in MODELS}
    return "\n\n".join(f"{title}\n{prompt}|{text}" for title, text in written.items())


def _without_interval(figure: Figure | None) -> Figure | None:
    return replace(figure, interval=None) if figure else None


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    **{"count": count, "large": large, "duration": duration, "without_interval": _without_interval},
    **{"ngrams": _ngrams, "plain": _plain, "verbatim": _verbatim, "choice": _choice, "sample": _sample},
    "anchor": lambda title: "-".join(re.findall(r"\w+", title.lower())),
}
_TEMPLATES.globals |= {
    **{"models": MODELS, "compared": COMPARED, "hierarchical": HIERARCHICAL},
    **{"titles": {model.name: model.title for model in MODELS}},
    **{"paper": PAPER, "fixed": fixed, "percent": percent, "measuring": measuring},
}
