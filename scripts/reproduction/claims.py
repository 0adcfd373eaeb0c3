"""The paper's claims beside what was found, and whether they hold here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from reproduction import evidence, paper
from reproduction.adaptation import common_level
from reproduction.evidence import Results
from reproduction.figures import Figure
from reproduction.measuring import PERTURBATIONS
from reproduction.numbers import fixed, percent, times


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
    return Claim(
        "At equal compute as many words are predicted right",
        paper.WORD_ACCURACY,
        f"{_both(results, 'text', 'word_accuracy', percent)} of the words",
        _no_less(evidence.difference(results, "text", "word_accuracy")),
    )


def _bits_per_byte(results: Results) -> Claim:
    return Claim(
        "At equal compute text costs as few bits",
        paper.NOT_REPORTED + " for English",
        f"{_both(results, 'text', 'bits_per_byte', fixed)} bits per byte",
        _no_less(_negative(evidence.difference(results, "text", "bits_per_byte"))),
    )


def _cloze(results: Results) -> Claim:
    return Claim(
        "The last word of a passage is found more often",
        paper.CLOZE,
        _both(results, "cloze", "accuracy", percent),
        _more(evidence.difference(results, "cloze", "accuracy")),
    )


def _choice(results: Results) -> Claim:
    return Claim(
        "Multiple choice is answered as well",
        paper.CHOICE,
        f"{_both(results, 'choice', 'accuracy_per_byte', percent)} right, by likelihood per byte",
        _no_less(evidence.difference(results, "choice", "accuracy_per_byte")),
    )


def _all_caps(results: Results) -> Claim:
    ratio = evidence.drop_ratio(results, "text", "bits_per_byte", "all-caps")
    return Claim(
        "ALL CAPS harm it less",
        paper.ALL_CAPS,
        f"bits per byte rise by {_drops(results, 'all-caps')}"
        + (f": {times(ratio)} as much" if ratio else ""),
        _more(ratio, than=1),
    )


def _perturbations(results: Results) -> Claim:
    kinds = PERTURBATIONS[1:]
    return Claim(
        "Misspelt text harms it less",
        paper.PERTURBED,
        "bits per byte rise: " + "; ".join(f"{kind.split(':')[0]} {_drops(results, kind)}" for kind in kinds),
        _all(_more(evidence.drop_ratio(results, "text", "bits_per_byte", kind), than=1) for kind in kinds),
    )


def _fixed_patches(results: Results) -> Claim:
    names = {"choice": "accuracy_per_byte", "cloze": "accuracy"}
    found = (
        f"{kind} {percent(evidence.found(results, 'hierarchical', kind, name))} against "
        f"{percent(evidence.found(results, 'fixed', kind, name))}"
        for kind, name in names.items()
    )
    return Claim(
        "Words are better units than patches of 8 bytes",
        f"{paper.FIXED_CHOICE}, {paper.FIXED_CLOZE}",
        "; ".join(found),
        _all(_more(evidence.loss_of_fixed(results, kind, name)) for kind, name in names.items()),
    )


def _adaptation_speed(results: Results) -> Claim:
    level = common_level(*evidence.adaptation_curves(results))
    ratio = level.ratio or 0
    return Claim(
        "It learns German faster",
        paper.SPEED_RATIO,
        f"speed ratio {ratio:.2f} at {level.bits_per_byte:.3f} bits per byte, the lowest level both reached",
        Verdict.HOLDS if ratio > 1.05 else Verdict.FAILS if ratio < 0.95 else Verdict.OPEN,
    )


def _adapted(results: Results) -> Claim:
    hierarchical, subword = (evidence.german(results, name, "after") for name in ("hierarchical", "subword"))
    return Claim(
        "It ends with better German",
        paper.ADAPTED,
        f"{fixed(hierarchical)} against {fixed(subword)} bits per byte",
        _more(_negative(evidence.german_difference(results, "after"))),
    )


def _forgetting(results: Results) -> Claim:
    hierarchical, subword = (
        evidence.english_after_german(results, name)[2] for name in ("hierarchical", "subword")
    )
    return Claim(
        "It forgets less English",
        paper.FORGETTING,
        f"bits per byte of English rise by {fixed(hierarchical)} against {fixed(subword)}",
        _apart(hierarchical, subword),
    )


def _both(results: Results, kind: str, name: str, written: Callable[[Figure | None], str]) -> str:
    hierarchical, subword = (
        evidence.found(results, model, kind, name) for model in ("hierarchical", "subword")
    )
    return f"{written(hierarchical)} against {written(subword)}"


def _drops(results: Results, perturbation: str) -> str:
    hierarchical, subword = (
        percent(evidence.drop(results, model, "text", "bits_per_byte", perturbation))
        for model in ("hierarchical", "subword")
    )
    return f"{hierarchical} against {subword}"


def _negative(found: Figure | None) -> Figure | None:
    """For figures of which less is better."""
    if found is None:
        return None
    return Figure(-found.value, (-found.interval[1], -found.interval[0]) if found.interval else None)


def _more(found: Figure | None, than: float = 0) -> Verdict:
    if found is None:
        return Verdict.OPEN
    return Verdict.HOLDS if found.is_above(than) else Verdict.FAILS if found.is_below(than) else Verdict.OPEN


def _no_less(found: Figure | None) -> Verdict:
    """For claims that it is as good."""
    return Verdict.FAILS if found is not None and found.is_below(0) else Verdict.HOLDS


def _apart(less: Figure | None, more: Figure | None) -> Verdict:
    """For figures that are not of pairs: by intervals that lie apart."""
    if not (less and more and less.interval and more.interval):
        return Verdict.OPEN
    if less.is_below(more.interval[0]):
        return Verdict.HOLDS
    return Verdict.FAILS if less.is_above(more.interval[1]) else Verdict.OPEN


def _all(verdicts: Iterable[Verdict]) -> Verdict:
    found = set(verdicts)
    return found.pop() if len(found) == 1 else Verdict.FAILS if Verdict.FAILS in found else Verdict.OPEN
