"""The paper's claims beside what was found, and whether they hold here."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from reproduction import paper
from reproduction.adaptation import common_level
from reproduction.curves import Point
from reproduction.figures import Figure, drop, figure, ratio
from reproduction.measuring import PERTURBATIONS
from reproduction.numbers import fixed, percent, times

Results = dict[str, Any]


class Verdict(Enum):
    HOLDS = "holds"
    FAILS = "does not hold"
    OPEN = "undecided"


@dataclass(frozen=True)
class Claim:
    """`reported` is the paper's, at its sizes; `found` is what this run gave."""

    claim: str
    reported: str
    found: str
    verdict: Verdict


def claims(results: Results) -> list[Claim]:
    return [
        _word_accuracy(results),
        _bits_per_byte(results),
        _cloze(results),
        _choice(results),
        _all_caps(results),
        _perturbations(results),
        _fixed_patches(results),
        _adaptation_speed(results),
        _adapted(results),
        _forgetting(results),
    ]


def _word_accuracy(results: Results) -> Claim:
    hierarchical, subword = _both(results, "text", "word_accuracy")
    return Claim(
        "At equal compute as many words are predicted right",
        paper.WORD_ACCURACY,
        f"{percent(hierarchical)} against {percent(subword)}",
        Verdict.FAILS if hierarchical.lies_below(subword) else Verdict.HOLDS,
    )


def _bits_per_byte(results: Results) -> Claim:
    hierarchical, subword = _both(results, "text", "bits_per_byte")
    return Claim(
        "At equal compute text costs as few bits",
        paper.NOT_REPORTED + " for English",
        f"{fixed(hierarchical)} against {fixed(subword)} bits per byte",
        Verdict.FAILS if subword.lies_below(hierarchical) else Verdict.HOLDS,
    )


def _cloze(results: Results) -> Claim:
    hierarchical, subword = _both(results, "cloze", "accuracy")
    return Claim(
        "The last word of a passage is found more often",
        paper.CLOZE,
        f"{percent(hierarchical)} against {percent(subword)}",
        _more(hierarchical, subword),
    )


def _choice(results: Results) -> Claim:
    hierarchical, subword = _both(results, "choice", "accuracy_per_byte")
    return Claim(
        "Multiple choice is answered as well",
        paper.CHOICE,
        f"{percent(hierarchical)} against {percent(subword)} right, by likelihood per byte",
        Verdict.FAILS if hierarchical.lies_below(subword) else Verdict.HOLDS,
    )


def _all_caps(results: Results) -> Claim:
    hierarchical, subword = _drops(results, "all-caps")
    found = ratio(subword, hierarchical)
    return Claim(
        "ALL CAPS harm it less",
        paper.ALL_CAPS,
        f"bits per byte rise by {percent(hierarchical)} against {percent(subword)}"
        + (f": {times(found)} as much" if found else ""),
        _more(subword, hierarchical),
    )


def _perturbations(results: Results) -> Claim:
    verdicts, found = [], []
    for perturbation in PERTURBATIONS[1:]:
        hierarchical, subword = _drops(results, perturbation)
        verdicts.append(_more(subword, hierarchical))
        found.append(f"{perturbation.split(':')[0]} {percent(hierarchical)} against {percent(subword)}")
    return Claim("Misspelt text harms it less", paper.PERTURBED, "; ".join(found), _all(verdicts))


def _fixed_patches(results: Results) -> Claim:
    words = _figure(results, "hierarchical", "choice", "accuracy_per_byte")
    patches = _figure(results, "fixed", "choice", "accuracy_per_byte")
    spelled = _figure(results, "hierarchical", "text", "bits_per_byte")
    patched = _figure(results, "fixed", "text", "bits_per_byte")
    return Claim(
        "Words are better units than patches of 8 bytes",
        f"{paper.FIXED_CHOICE}, {paper.FIXED_CLOZE}",
        f"choice {percent(words)} against {percent(patches)}; "
        f"{fixed(spelled)} against {fixed(patched)} bits per byte",
        _all([_more(words, patches), _more(patched, spelled)]),
    )


def _adaptation_speed(results: Results) -> Claim:
    curves = adaptation_curves(results)
    found = common_level(*curves)
    value = found.ratio or 0
    return Claim(
        "It learns German faster",
        paper.SPEED_RATIO,
        f"{value:.2f} times fewer FLOPs to {found.bits_per_byte:.3f} bits per byte, the lowest level both reached",
        Verdict.HOLDS if value > 1.05 else Verdict.FAILS if value < 0.95 else Verdict.OPEN,
    )


def _adapted(results: Results) -> Claim:
    hierarchical, subword = (
        _required(figure(results["adaptation"][name]["german"]["after"], "bits_per_byte"))
        for name in ("hierarchical", "subword")
    )
    return Claim(
        "It ends with better German",
        paper.ADAPTED,
        f"{fixed(hierarchical)} against {fixed(subword)} bits per byte",
        _more(subword, hierarchical),
    )


def _forgetting(results: Results) -> Claim:
    hierarchical, subword = (forgotten(results, name) for name in ("hierarchical", "subword"))
    return Claim(
        "It forgets less English",
        paper.FORGETTING,
        f"bits per byte of English rise by {100 * hierarchical:.0f} % against {100 * subword:.0f} %",
        Verdict.HOLDS if hierarchical < 0.95 * subword else
        Verdict.FAILS if subword < 0.95 * hierarchical else Verdict.OPEN,
    )


def forgotten(results: Results, name: str) -> float:
    """By which share English costs more bits after German."""
    english = results["adaptation"][name]["english"]
    before, after = (english[when]["bits_per_byte"] for when in ("before", "after"))
    return after / before - 1


def adaptation_curves(results: Results) -> tuple[list[Point], list[Point]]:
    hierarchical, subword = (
        [Point(**point) for point in results[f"adapt-{name}"]["curve"]] for name in ("hierarchical", "subword")
    )
    return hierarchical, subword


def _both(results: Results, kind: str, name: str) -> tuple[Figure, Figure]:
    return _figure(results, "hierarchical", kind, name), _figure(results, "subword", kind, name)


def _figure(results: Results, model: str, kind: str, name: str) -> Figure:
    return _required(figure(results[f"measure-{model}"][kind]["clean"], name))


def _drops(results: Results, perturbation: str) -> tuple[Figure, Figure]:
    hierarchical, subword = (
        _required(drop(results[f"measure-{name}"]["text"][perturbation], "bits_per_byte"))
        for name in ("hierarchical", "subword")
    )
    return hierarchical, subword


def _required(found: Figure | None) -> Figure:
    assert found is not None, "every figure of text and every accuracy is a number"
    return found


def _more(more: Figure, less: Figure) -> Verdict:
    if less.lies_below(more):
        return Verdict.HOLDS
    return Verdict.FAILS if more.lies_below(less) else Verdict.OPEN


def _all(verdicts: list[Verdict]) -> Verdict:
    if all(verdict is Verdict.HOLDS for verdict in verdicts):
        return Verdict.HOLDS
    return Verdict.FAILS if Verdict.FAILS in verdicts else Verdict.OPEN
