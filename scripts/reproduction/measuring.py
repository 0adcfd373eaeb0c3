"""Stages: each trained model on held-out text and questions, as they are and perturbed."""

import hashlib
import json
from pathlib import Path

from corpus.errors import ExitCode
from corpus.manifest import whole_or_absent
from reproduction import questions
from reproduction.errors import StageFailure
from reproduction.heldout import held_out_documents
from reproduction.laboratory import Laboratory, Result
from reproduction.models import COMPARED, FIXED, HIERARCHICAL

CLEAN = "clean"
PERTURBATIONS = ("all-caps", "permute:0.1", "replace:0.1", "delete:0.1")
QUESTIONS = ("cloze", "choice")


def make_questions(laboratory: Laboratory) -> Result:
    """Two files of questions, made of held-out English."""
    documents = held_out_documents(laboratory.hat, laboratory.corpus("english"))
    found = questions.passages(documents)
    most = laboratory.settings.questions
    files = {"cloze": questions.cloze(found, most), "choice": questions.choice(found, most)}
    for kind, made in files.items():
        if not made:
            raise StageFailure(
                ExitCode.INVALID_DATA,
                f"held-out English has no passage to make a {kind} question of",
                "Give --corpora with more text of sentences.",
            )
    return {
        "documents": len(documents),
        "passages": len(found),
        **{kind: _write(question_file(laboratory, kind), made) for kind, made in files.items()},
    }


def question_file(laboratory: Laboratory, kind: str) -> Path:
    return laboratory.folder / "questions" / f"{kind}.jsonl"


def _write(path: Path, made: list[questions.Question]) -> Result:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(json.dumps(question, ensure_ascii=False) + "\n" for question in made).encode("utf-8")
    with whole_or_absent(path) as file:
        file.write(content)
    return {"questions": len(made), "sha256": hashlib.sha256(content).hexdigest(), "example": made[0]}


def measure(laboratory: Laboratory) -> Result:
    """Hierarchical model and baseline on the same text and questions.

    Of both the figures as they are and under each perturbation, with differences and the ratio of drops.
    """
    run, baseline = (laboratory.run_folder(model.name) for model in COMPARED)
    return {
        name: {
            condition: laboratory.hat.evaluate(
                *(run, subject, source, baseline), None if condition == CLEAN else condition
            )
            for condition in (CLEAN, *PERTURBATIONS)
        }
        for name, (subject, source) in _subjects(laboratory).items()
    }


def measure_fixed(laboratory: Laboratory) -> Result:
    """The model of fixed patches: on questions beside the hierarchical one; on text, cut otherwise, alone."""
    run, fixed = (laboratory.run_folder(model.name) for model in (HIERARCHICAL, FIXED))
    found = {"text": laboratory.hat.evaluate(fixed, "data", laboratory.corpus(FIXED.corpus))}
    for kind in QUESTIONS:
        found[kind] = laboratory.hat.evaluate(run, kind, question_file(laboratory, kind), against=fixed)
    return found


def _subjects(laboratory: Laboratory) -> dict[str, tuple[str, Path]]:
    asked = {kind: (kind, question_file(laboratory, kind)) for kind in QUESTIONS}
    return {"text": ("data", laboratory.corpus(HIERARCHICAL.corpus)), **asked}


def measure_adaptation(laboratory: Laboratory) -> Result:
    """German of both models, before and after; and of each what its English lost."""
    before = {model.name: laboratory.run_folder(model.name) for model in COMPARED}
    after = {model.name: laboratory.run_folder(f"{model.name}-german") for model in COMPARED}
    return {
        "german": {
            when: laboratory.hat.evaluate(
                *(runs["hierarchical"], "data", laboratory.corpus("german"), runs["subword"])
            )
            for when, runs in (("before", before), ("after", after))
        },
        "english": {
            name: laboratory.hat.evaluate(*(after[name], "data", laboratory.corpus("english"), before[name]))
            for name in after
        },
    }
