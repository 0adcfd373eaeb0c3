"""Section: the claims, and whether they hold here."""

from reproduction.claims import Results, Verdict, claims
from reproduction.report.document import Mark, Paragraph, Section, Table

_TONES = {Verdict.HOLDS: "good", Verdict.FAILS: "bad", Verdict.OPEN: "open"}


def section(results: Results) -> Section:
    return Section(
        "The claims",
        [
            Paragraph(
                "Of two figures the hierarchical model's comes first, the subword baseline's second. In brackets: 95 % intervals. "
                "A claim that one is better holds where the intervals lie apart, and is undecided where they overlap; a "
                "claim that it is as good holds unless they lie apart the other way."
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
