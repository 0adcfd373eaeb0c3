"""Section: the trained models on held-out English, unperturbed."""

from reproduction import paper
from reproduction.claims import Results
from reproduction.figures import figure
from reproduction.models import FIXED, MODELS, SUBWORD, Model
from reproduction.numbers import count, fixed, percent
from reproduction.report.document import Paragraph, Section, Table, Verbatim

# Of each figure: what it is of, its name, how it is written, and the paper's.
_ROWS = (
    ("Bits per byte", "text", "bits_per_byte", fixed, paper.NOT_REPORTED),
    ("… of which text", "text", "text_bits_per_byte", fixed, ""),
    ("Words right", "text", "word_accuracy", percent, paper.WORD_ACCURACY),
    ("Bytes right", "text", "byte_accuracy", percent, paper.NOT_REPORTED),
    ("Cloze: right", "cloze", "accuracy", percent, paper.CLOZE),
    ("Cloze: perplexity per word", "cloze", "perplexity_per_word", lambda found: fixed(found, 1), ""),
    ("Choice: right", "choice", "accuracy", percent, paper.CHOICE),
    ("Choice: right, per byte", "choice", "accuracy_per_byte", percent, ""),
)


def section(results: Results) -> Section:
    made = results["questions"]
    text = results["measure-hierarchical"]["text"]["clean"]
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
                ["", *(model.title for model in MODELS), "the paper"],
                [
                    [title, *(_cell(results, model, kind, name, written) for model in MODELS), reported]
                    for title, kind, name, written, reported in _ROWS
                ],
                note="The words of the fixed model are its patches of 8 bytes: its words right are no others' words. "
                "The paper's fixed patches: " + f"{paper.FIXED_CHOICE}, {paper.FIXED_CLOZE}.",
            ),
            *(
                Verbatim(f"A question: {kind}", _shown(made[kind]["example"]))
                for kind in ("cloze", "choice")
            ),
        ],
    )


def _cell(results: Results, model: Model, kind: str, name: str, written) -> str:
    if model is SUBWORD and name == "byte_accuracy":
        return "–"
    shown = written(figure(results[f"measure-{model.name}"][kind]["clean"], name))
    return f"{shown} (patches)" if model is FIXED and name == "word_accuracy" else shown


def _shown(question: dict) -> str:
    choices = question.get("choices")
    if choices is None:
        return f"{question['context']}⟨{question['target']}⟩"
    return question["context"] + "".join(
        f"\n\n{'→' if number == question['answer'] else '  '} {choice}" for number, choice in enumerate(choices)
    )
