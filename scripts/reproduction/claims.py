"""The paper's claims, what was measured here, and whether they hold here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from reproduction.adaptation import common_level
from reproduction.evidence import Evidence, Figure, fixed, percent
from reproduction.measuring import PERTURBATIONS

# What the paper reports at 1B to 7B parameters (arXiv 2501.10322 v2). Collected from summaries and reading
# notes of it: check the paper itself before you rely on a number.
PAPER = {
    "address": "https://arxiv.org/abs/2501.10322",
    "word_accuracy": "35.5 / 37.8 / 39.0 % vs. 35.3 / 37.7 / 39.2 % at 1B / 3B / 7B (Table 1)",
    "cloze": "LAMBADA at 7B: 43.1 % vs. 25.6 % (Table 1)",
    "choice": "17 tasks: equal or better, except ARC, 1–3 points worse (Table 1)",
    "all_caps": "the baseline's drop is about 3 times as large (§4.4)",
    "perturbed": "10 % of characters permuted, replaced or deleted: a smaller drop in each case (§4.4, B.5)",
    "fixed": "HellaSwag 2.7 points worse, LAMBADA 8.4 points worse (§4.3)",
    "speed_ratio": "1.9 times as fast (§4.5)",
    "adapted": "better German (§4.5); Chinese: 0.80 vs. 0.94 bits per byte (C.3)",
    "forgetting": "less English is lost (§4.5)",
    "units": "5.97 bytes per word, 4.12 bytes per token with a vocabulary of 64 k (Fig. 2)",
    "step_time": "0.9 / 2.3 / 4.5 s vs. 0.9 / 1.6 / 4.7 s per step on 256 GPUs at 1B / 3B / 7B (Table 4)",
    "cache": "its key-value cache is 6–13 % smaller (A.5)",
    "none": "not reported",
}


class Verdict(Enum):
    HOLDS = "holds"
    FAILS = "does not hold"
    OPEN = "undecided"


@dataclass(frozen=True)
class Claim:
    """`reported` is what the paper has, at its sizes; `found` is what this run measured."""

    claim: str
    reported: str
    found: str
    verdict: Verdict


def claims(evidence: Evidence) -> list[Claim]:
    return [
        Claim(
            "At equal compute, it predicts as many words correctly",
            PAPER["word_accuracy"],
            f"{_values(evidence, 'text', 'word_accuracy', percent)} of words",
            _no_worse(evidence.difference("text", "word_accuracy")),
        ),
        Claim(
            "At equal compute, it needs as few bits per byte",
            PAPER["none"] + " for English",
            f"{_values(evidence, 'text', 'bits_per_byte', fixed)} bits per byte",
            _no_worse(_negative(evidence.difference("text", "bits_per_byte"))),
        ),
        Claim(
            "It finds the last word of a passage more often",
            PAPER["cloze"],
            f"{_values(evidence, 'cloze', 'accuracy', percent)} correct",
            _better(evidence.difference("cloze", "accuracy")),
        ),
        Claim(
            "It answers multiple-choice questions as well",
            PAPER["choice"],
            f"{_values(evidence, 'choice', 'accuracy_per_byte', percent)} correct, by likelihood per byte",
            _no_worse(evidence.difference("choice", "accuracy_per_byte")),
        ),
        _all_caps(evidence),
        _misspellings(evidence),
        _fixed_patches(evidence),
        _adaptation_speed(evidence),
        Claim(
            "It models German better after adaptation",
            PAPER["adapted"],
            f"{_pair(fixed, *(evidence.german(name, 'after') for name in _COMPARED))} bits per byte",
            _better(_negative(evidence.german_difference())),
        ),
        _forgetting(evidence),
    ]


_COMPARED = ("hierarchical", "subword")


def _all_caps(evidence: Evidence) -> Claim:
    ratio = evidence.drop_ratio("text", "bits_per_byte", "all-caps")
    return Claim(
        "ALL CAPS harm it less",
        PAPER["all_caps"],
        f"bits per byte increase by {_drops(evidence, 'all-caps')}"
        + (f"; ratio {fixed(ratio, 2)}" if ratio else ""),
        _better(ratio, than=1),
    )


def _misspellings(evidence: Evidence) -> Claim:
    kinds = [kind for kind in PERTURBATIONS if kind != "all-caps"]
    return Claim(
        "Misspellings harm it less",
        PAPER["perturbed"],
        "bits per byte increase: "
        + "; ".join(f"{PERTURBATIONS[kind]} {_drops(evidence, kind)}" for kind in kinds),
        _all(_better(evidence.drop_ratio("text", "bits_per_byte", kind), than=1) for kind in kinds),
    )


def _fixed_patches(evidence: Evidence) -> Claim:
    metrics = {"choice": "accuracy_per_byte", "cloze": "accuracy"}
    models = ("hierarchical", "fixed")
    found = (
        f"{kind} {_pair(percent, *(evidence.value(model, kind, name) for model in models))}"
        for kind, name in metrics.items()
    )
    return Claim(
        "Words are better units than patches of 8 bytes",
        PAPER["fixed"],
        f"words vs. patches: {'; '.join(found)}",
        _all(_better(evidence.difference_to_fixed(kind, name)) for kind, name in metrics.items()),
    )


def _adaptation_speed(evidence: Evidence) -> Claim:
    level = common_level(*evidence.adaptation_curves())
    ratio = level.ratio or 0
    return Claim(
        "It learns German faster",
        PAPER["speed_ratio"],
        f"speed ratio {ratio:.2f} at {level.bits_per_byte:.3f} bits per byte, the lowest level both reached",
        Verdict.HOLDS if ratio > 1.05 else Verdict.FAILS if ratio < 0.95 else Verdict.OPEN,
    )


def _forgetting(evidence: Evidence) -> Claim:
    """Unlike the others, these two figures are no pair: the verdict needs separate intervals."""
    hierarchical, subword = (evidence.english(name)[2] for name in _COMPARED)
    verdict = Verdict.OPEN
    if hierarchical and subword and hierarchical.interval and subword.interval:
        if hierarchical.is_below(subword.interval[0]):
            verdict = Verdict.HOLDS
        elif hierarchical.is_above(subword.interval[1]):
            verdict = Verdict.FAILS
    found = f"bits per byte of English increase by {_pair(fixed, hierarchical, subword)}"
    return Claim("It forgets less English", PAPER["forgetting"], found, verdict)


def _values(evidence: Evidence, kind: str, name: str, written: Callable[[Figure | None], str]) -> str:
    return _pair(written, *(evidence.value(model, kind, name) for model in _COMPARED))


def _drops(evidence: Evidence, perturbation: str) -> str:
    return _pair(percent, *(evidence.drop(each, "text", "bits_per_byte", perturbation) for each in _COMPARED))


def _pair(written: Callable[[Figure | None], str], *figures: Figure | None) -> str:
    return " vs. ".join(map(written, figures))


def _negative(found: Figure | None) -> Figure | None:
    """For metrics where lower is better."""
    return -found if found else None


def _better(found: Figure | None, than: float = 0) -> Verdict:
    if found is None:
        return Verdict.OPEN
    return Verdict.HOLDS if found.is_above(than) else Verdict.FAILS if found.is_below(than) else Verdict.OPEN


def _no_worse(found: Figure | None) -> Verdict:
    """For claims that the model is as good."""
    return Verdict.FAILS if found is not None and found.is_below(0) else Verdict.HOLDS


def _all(verdicts: Iterable[Verdict]) -> Verdict:
    found = set(verdicts)
    return found.pop() if len(found) == 1 else Verdict.FAILS if Verdict.FAILS in found else Verdict.OPEN
