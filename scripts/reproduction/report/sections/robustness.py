"""Section: what perturbed text does to both models."""

from reproduction import evidence, paper
from reproduction.charts.bars import Bar, Series, bar_chart
from reproduction.evidence import Results
from reproduction.figures import Figure
from reproduction.measuring import PERTURBATIONS
from reproduction.models import COMPARED
from reproduction.numbers import fixed, percent
from reproduction.report.document import Block, Chart, Charts, Paragraph, Section, Table
from reproduction.report.sections.palette import COLOURS

_METRICS = (
    ("text", "bits_per_byte", "Bits per byte of perturbed text"),
    ("text", "word_accuracy", "Words right in perturbed text"),
    ("cloze", "perplexity_per_byte", "Cloze, context perturbed: perplexity per byte"),
    ("cloze", "accuracy", "Cloze, context perturbed: right"),
    ("choice", "accuracy_per_byte", "Choice, context perturbed: right, per byte"),
)
_CHARTED = _METRICS[:3] + _METRICS[4:]

SPOKEN = {
    "all-caps": "ALL CAPS",
    "permute:0.1": "10 % permuted",
    "replace:0.1": "10 % replaced",
    "delete:0.1": "10 % deleted",
}


def section(results: Results) -> Section:
    blocks: list[Block] = [
        Paragraph(
            "By which share each figure is worse under perturbation: less is more robust. Of text the "
            "perturbed text itself is predicted; of questions the context is perturbed, and the answer "
            f"scored as it is. The paper: {paper.ALL_CAPS}; {paper.PERTURBED}."
        )
    ]
    charts = [
        Chart(_chart(results, kind, name, title), f"{title}: relative drop.")
        for kind, name, title in _CHARTED
    ]
    blocks.append(Charts(charts))
    blocks.append(
        Table(
            [
                *("figure", "perturbation", *(f"{model.title}, perturbed" for model in COMPARED)),
                *(*(f"{model.title}, drop" for model in COMPARED), "ratio of drops"),
            ],
            [_row(results, metric, perturbation) for metric in _METRICS for perturbation in PERTURBATIONS],
            note="The ratio is the baseline's drop by the hierarchical model's, its interval of pairs; none "
            "where the hierarchical model's drop may be nothing. A model that knows less has less to lose: read "
            "the drops beside the figures.",
        )
    )
    return Section("Robustness", blocks)


def _row(results: Results, metric: tuple[str, str, str], perturbation: str) -> list[str]:
    kind, name, title = metric
    drops = [percent(evidence.drop(results, model.name, kind, name, perturbation)) for model in COMPARED]
    ratio = fixed(evidence.drop_ratio(results, kind, name, perturbation), 2)
    return [title, SPOKEN[perturbation], *_perturbed(results, kind, name, perturbation), *drops, ratio]


def _perturbed(results: Results, kind: str, name: str, perturbation: str) -> list[str]:
    """Without their intervals: what is compared are the drops."""
    found = (evidence.found(results, model.name, kind, name, perturbation) for model in COMPARED)
    written = percent if "accuracy" in name else fixed
    return [written(Figure(figure.value) if figure else None) for figure in found]


def _chart(results: Results, kind: str, name: str, title: str) -> str:
    series = []
    for model in COMPARED:
        drops = [evidence.drop(results, model.name, kind, name, each) for each in PERTURBATIONS]
        bars = [Bar(found.value, found.interval) if found else None for found in drops]
        series.append(Series(model.title, COLOURS[model.name], bars))
    groups = [SPOKEN[perturbation] for perturbation in PERTURBATIONS]
    return bar_chart(groups, series, "relative drop", f"{title}: relative drop under each perturbation")
