"""The paper's claims, what was measured here, and whether they hold here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from reproduction.adaptation import common_level
from reproduction.evidence import Evidence, Figure, fixed, percent
from reproduction.laboratory import HIERARCHICAL
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
class Finding:
    """What was measured of a hierarchical model, and whether the claim holds for it."""

    text: str
    verdict: Verdict


@dataclass(frozen=True)
class Claim:
    """`reported` is what the paper has, at its sizes; `baseline` is what the baseline has here.

    `findings` are by the model's name. A model without one was not tested.
    """

    claim: str
    reported: str
    baseline: str
    findings: dict[str, Finding]


def claims(evidence: Evidence) -> list[Claim]:
    return [
        _metric(
            evidence,
            "At equal compute, it predicts as many words correctly",
            PAPER["word_accuracy"],
            "text",
            "word_accuracy",
            lambda found: f"{percent(found)} of words",
            _no_worse,
        ),
        _metric(
            evidence,
            "At equal compute, it needs as few bits per byte",
            PAPER["none"] + " for English",
            "text",
            "bits_per_byte",
            fixed,
            lambda found: _no_worse(_negative(found)),
        ),
        _metric(
            evidence,
            "It finds the last word of a passage more often",
            PAPER["cloze"],
            "cloze",
            "accuracy",
            percent,
            _better,
        ),
        _metric(
            evidence,
            "It answers multiple-choice questions as well",
            PAPER["choice"],
            "choice",
            "accuracy_per_byte",
            percent,
            _no_worse,
        ),
        _all_caps(evidence),
        _misspellings(evidence),
        _fixed_patches(evidence),
        _adaptation_speed(evidence),
        Claim(
            *("It models German better after adaptation", PAPER["adapted"]),
            fixed(evidence.german("subword", "after")),
            _of_each(
                lambda model: Finding(
                    fixed(evidence.german(model, "after")),
                    _better(_negative(evidence.german_difference(model))),
                )
            ),
        ),
        _forgetting(evidence),
    ]


def _of_each(found: Callable[[str], Finding]) -> dict[str, Finding]:
    return {model.name: found(model.name) for model in HIERARCHICAL}


def _metric(
    evidence: Evidence,
    claim: str,
    reported: str,
    kind: str,
    name: str,
    written: Callable[[Figure | None], str],
    judged: Callable[[Figure | None], Verdict],
) -> Claim:
    """A claim about an unperturbed metric, judged by the difference from the baseline."""
    return Claim(
        *(claim, reported, written(evidence.value("subword", kind, name))),
        _of_each(
            lambda model: Finding(
                written(evidence.value(model, kind, name)), judged(evidence.difference(model, kind, name))
            )
        ),
    )


def _all_caps(evidence: Evidence) -> Claim:
    def found(model: str) -> Finding:
        ratio = evidence.drop_ratio(model, *_BITS, "all-caps")
        text = percent(evidence.drop(model, *_BITS, "all-caps"))
        return Finding(text + (f"; ratio {fixed(ratio, 2)}" if ratio else ""), _better(ratio, than=1))

    drop = percent(evidence.drop("subword", *_BITS, "all-caps"))
    return Claim(
        "ALL CAPS harm it less", PAPER["all_caps"], f"bits per byte increase by {drop}", _of_each(found)
    )


def _misspellings(evidence: Evidence) -> Claim:
    kinds = [kind for kind in PERTURBATIONS if kind != "all-caps"]

    def drops(model: str) -> str:
        found = (f"{PERTURBATIONS[kind]} {percent(evidence.drop(model, *_BITS, kind))}" for kind in kinds)
        return "; ".join(found)

    def verdict(model: str) -> Verdict:
        return _all(_better(evidence.drop_ratio(model, *_BITS, kind), than=1) for kind in kinds)

    return Claim(
        *("Misspellings harm it less", PAPER["perturbed"]),
        "bits per byte increase: " + drops("subword"),
        _of_each(lambda model: Finding(drops(model), verdict(model))),
    )


def _fixed_patches(evidence: Evidence) -> Claim:
    """Tested with the recommended recipe only, and without the baseline."""
    metrics = {"choice": "accuracy_per_byte", "cloze": "accuracy"}
    found = (
        f"{kind} {' vs. '.join(percent(evidence.value(model, kind, name)) for model in ('recommended', 'fixed'))}"
        for kind, name in metrics.items()
    )
    verdict = _all(_better(evidence.difference_to_fixed(kind, name)) for kind, name in metrics.items())
    finding = Finding(f"words vs. patches: {'; '.join(found)}", verdict)
    return Claim(
        "Words are better units than patches of 8 bytes", PAPER["fixed"], "–", {"recommended": finding}
    )


def _adaptation_speed(evidence: Evidence) -> Claim:
    def found(model: str) -> Finding:
        level = common_level(evidence.curve("adapt", model), evidence.curve("adapt", "subword"))
        ratio = level.ratio or 0
        return Finding(
            f"speed ratio {ratio:.2f} at {level.bits_per_byte:.3f} bits per byte, the lowest level both reached",
            Verdict.HOLDS if ratio > 1.05 else Verdict.FAILS if ratio < 0.95 else Verdict.OPEN,
        )

    return Claim("It learns German faster", PAPER["speed_ratio"], "1", _of_each(found))


def _forgetting(evidence: Evidence) -> Claim:
    """Unlike the others, these two figures are no pair: the verdict needs separate intervals."""
    subword = evidence.english("subword")[2]

    def found(model: str) -> Finding:
        own, verdict = evidence.english(model)[2], Verdict.OPEN
        if own and subword and own.interval and subword.interval:
            if own.is_below(subword.interval[0]):
                verdict = Verdict.HOLDS
            elif own.is_above(subword.interval[1]):
                verdict = Verdict.FAILS
        return Finding(fixed(own), verdict)

    text = f"bits per byte of English increase by {fixed(subword)}"
    return Claim("It forgets less English", PAPER["forgetting"], text, _of_each(found))


# What text costs: the most informative metric.
_BITS = ("text", "bits_per_byte")


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
