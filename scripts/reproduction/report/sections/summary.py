"""Section: the claims, and whether they hold here."""

from reproduction.claims import Verdict, claims
from reproduction.evidence import Results
from reproduction.report.document import Mark, Paragraph, Section, Table

_TONES = {Verdict.HOLDS: "good", Verdict.FAILS: "bad", Verdict.OPEN: "open"}


def section(results: Results) -> Section:
    return Section(
        "The claims",
        [
            Paragraph(
                "Of two figures the hierarchical model's comes first, the subword baseline's second. In "
                "brackets: 95 % intervals. Verdicts go by the intervals of the differences, which are of "
                "pairs: both models measured on the same documents, so that a difference may be certain "
                "where intervals overlap. A claim that one is better is undecided where the difference "
                "may be nothing; a claim that it is as good holds unless it is surely worse."
            ),
            Table(
                ["claim", "the paper, at 1B to 7B", "here", ""],
                [
                    [one.claim, one.reported, one.found, Mark(one.verdict.value, _TONES[one.verdict])]
                    for one in claims(results)
                ],
                numbers=False,
            ),
        ],
    )
