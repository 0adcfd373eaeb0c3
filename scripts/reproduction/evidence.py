"""Figures by what they are of, from the results of the stages."""

from typing import Any

from reproduction.curves import Point
from reproduction.figures import Figure, figure
from reproduction.measuring import CLEAN

Results = dict[str, Any]


def found(results: Results, model: str, kind: str, name: str, condition: str = CLEAN) -> Figure | None:
    """Of text (`kind` is `text`) or of questions, as they are or perturbed."""
    return figure(_answer(results, model, kind, condition), name)


def drop(results: Results, model: str, kind: str, name: str, perturbation: str) -> Figure | None:
    """By which share of the clean figure the perturbed one is worse."""
    return figure(_answer(results, model, kind, perturbation)["relative_drop"], name)


def difference(results: Results, kind: str, name: str, condition: str = CLEAN) -> Figure | None:
    """The hierarchical model's less the baseline's."""
    return figure(results["measure"][kind][condition]["difference"], name)


def drop_ratio(results: Results, kind: str, name: str, perturbation: str) -> Figure | None:
    """The baseline's drop by the hierarchical model's; None where the latter may be nothing."""
    own = drop(results, "hierarchical", kind, name, perturbation)
    if own is None or not own.is_above(0):
        return None
    return figure(results["measure"][kind][perturbation]["ratio_of_drops"], name)


def loss_of_fixed(results: Results, kind: str, name: str) -> Figure | None:
    """The hierarchical model's less that of fixed patches, on questions."""
    return figure(results["measure-fixed"][kind]["difference"], name)


def german(results: Results, model: str, when: str) -> Figure | None:
    answer = results["adaptation"]["german"][when]
    return figure(answer if model == "hierarchical" else answer["against"], "bits_per_byte")


def german_difference(results: Results, when: str) -> Figure | None:
    """The hierarchical model's bits per byte less the baseline's."""
    return figure(results["adaptation"]["german"][when]["difference"], "bits_per_byte")


def english_after_german(results: Results, model: str) -> tuple[Figure | None, Figure | None, Figure | None]:
    """Bits per byte of English before and after the adaptation, and the rise."""
    answer = results["adaptation"]["english"][model]
    before, after, rise = answer["against"], answer, answer["difference"]
    return figure(before, "bits_per_byte"), figure(after, "bits_per_byte"), figure(rise, "bits_per_byte")


def adaptation_curves(results: Results) -> tuple[list[Point], list[Point]]:
    """Of the hierarchical model and of the baseline."""
    hierarchical, subword = (
        [Point(**point) for point in results[f"adapt-{name}"]["curve"]]
        for name in ("hierarchical", "subword")
    )
    return hierarchical, subword


def _answer(results: Results, model: str, kind: str, condition: str) -> dict[str, Any]:
    if model == "fixed":
        answer: dict[str, Any] = results["measure-fixed"][kind]
        return answer if kind == "text" else answer["against"]
    answer = results["measure"][kind][condition]
    return answer if model == "hierarchical" else answer["against"]
