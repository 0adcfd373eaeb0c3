"""Section: the trained models on held-out English, unperturbed."""

from collections.abc import Callable

from reproduction import evidence, paper
from reproduction.evidence import Results
from reproduction.figures import Figure
from reproduction.models import FIXED, MODELS, Model
from reproduction.numbers import count, fixed, percent
from reproduction.report.document import Paragraph, Section, Table, Verbatim

Written = Callable[[Figure | None], str]

# Of each figure: what it is of, its name, how it is written, and the paper's.
_ROWS = (
    ("Bits per byte", "text", "bits_per_byte", fixed, paper.NOT_REPORTED),
    ("… of which text", "text", "text_bits_per_byte", fixed, ""),
    ("Words right", "text", "word_accuracy", percent, paper.WORD_ACCURACY),
    ("Bytes right", "text", "byte_accuracy", percent, paper.NOT_REPORTED),
    ("Cloze: right", "cloze", "accuracy", percent, paper.CLOZE),
    ("Cloze: perplexity per byte", "cloze", "perplexity_per_byte", fixed, ""),
    ("Choice: right", "choice", "accuracy", percent, paper.CHOICE),
    ("Choice: right, per byte", "choice", "accuracy_per_byte", percent, ""),
)


def section(results: Results) -> Section:
    made = results["questions"]
    text = results["measure"]["text"]["clean"]
    return Section(
        "Held-out English",
        [
            Paragraph(
                f"{count(text['units'])} documents of {count(text['text_bytes'])} bytes; "
                f"{count(made['cloze']['questions'])} passages whose last word is to be written exactly; "
                f"{count(made['choice']['questions'])} passages with four ways to go on, three of "
                "them from other documents (a guess is right in 25 %)."
            ),
            Table(
                ["", *(model.title for model in MODELS), "hierarchical less subword", "the paper"],
                [
                    [
                        title,
                        *(_cell(results, model, kind, name, written) for model in MODELS),
                        *(_difference(results, kind, name, written), reported),
                    ]
                    for title, kind, name, written, reported in _ROWS
                ],
                note="The differences' intervals are of pairs. The words of the model of fixed patches are "
                "its patches: no other model's words. "
                "The paper's fixed patches: " + f"{paper.FIXED_CHOICE}, {paper.FIXED_CLOZE}.",
            ),
            *(Verbatim(f"A question: {kind}", _shown(made[kind]["example"])) for kind in ("cloze", "choice")),
        ],
    )


def _cell(results: Results, model: Model, kind: str, name: str, written: Written) -> str:
    shown = written(evidence.found(results, model.name, kind, name))
    return f"{shown} (patches)" if model is FIXED and name == "word_accuracy" else shown


def _difference(results: Results, kind: str, name: str, written: Written) -> str:
    return written(evidence.difference(results, kind, name))


def _shown(question: Results) -> str:
    choices = question.get("choices")
    if choices is None:
        return f"{question['context']}⟨{question['target']}⟩"
    shown: str = question["context"] + "".join(
        f"\n\n{'→' if number == question['answer'] else '  '} {choice}"
        for number, choice in enumerate(choices)
    )
    return shown
