"""Section: words that the hierarchical model holds alike."""

from reproduction.evidence import Results
from reproduction.numbers import count
from reproduction.report.document import Paragraph, Section, Table
from reproduction.report.sections.robustness import SPOKEN
from reproduction.words import SPELLINGS


def section(results: Results) -> Section:
    found = results["words"]
    recognized = found["recognized"]
    words = next(iter(recognized.values()))["words"]
    return Section(
        "Words and their misspellings",
        [
            Paragraph(
                "The encoder turns any spelling into a vector. Left: words and spellings that are hardly "
                "in the training text; right: the frequent words of it that lie nearest, by the cosine of "
                "the angle. The baseline has no counterpart."
            ),
            Table(
                ["spelling", "nearest words"],
                [_row(found, spelling) for word in SPELLINGS for spelling in (word, *SPELLINGS[word])],
                numbers=False,
            ),
            Table(
                ["perturbation", "spellings", "nearest to the right word", "share"],
                [
                    [
                        SPOKEN[perturbation],
                        count(answer["perturbed_words"]),
                        count(answer["nearest_is_right"]),
                        f"{100 * answer['share']:.1f} %" if answer["share"] is not None else "–",
                    ]
                    for perturbation, answer in recognized.items()
                ],
                note=f"Of the {count(words)} most frequent words, those that did not become another of them.",
            ),
        ],
    )


def _row(found: Results, spelling: str) -> list[str]:
    nearest = found["neighbours"][spelling]
    shown = ", ".join(f"{each['word']} {each['cosine']:.2f}" for each in nearest)
    return [f"`{spelling}`", shown]
