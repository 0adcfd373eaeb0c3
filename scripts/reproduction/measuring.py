"""Stages: each trained model on held-out text and questions, as they are and perturbed."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from corpus.errors import ExitCode
from corpus.manifest import whole_or_absent
from reproduction import questions
from reproduction.errors import StageFailure
from reproduction.heldout import held_out_documents
from reproduction.laboratory import Laboratory, Result
from reproduction.models import COMPARED, Model

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
                "Give --corpora with more text of sentences",
            )
    return {
        "documents": len(documents),
        "passages": len(found),
        **{kind: _write(question_file(laboratory, kind), made) for kind, made in files.items()},
    }


def question_file(laboratory: Laboratory, kind: str) -> Path:
    return laboratory.folder / "questions" / f"{kind}.jsonl"


def _write(path: Path, made: list[dict[str, object]]) -> Result:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(json.dumps(question, ensure_ascii=False) + "\n" for question in made).encode("utf-8")
    with whole_or_absent(path) as file:
        file.write(content)
    return {"questions": len(made), "sha256": hashlib.sha256(content).hexdigest(), "example": made[0]}


def measure(model: Model) -> Callable[[Laboratory], Result]:
    """The stage that measures it: for text and each kind of question the figures as they are, and for each
    perturbation those under it with the relative drop."""

    def work(laboratory: Laboratory) -> Result:
        hat, run = laboratory.hat, laboratory.run_folder(model.name)
        corpus = laboratory.corpus(model.corpus)
        found: Result = {"text": {"clean": hat.evaluate_text(run, corpus)}}
        for perturbation in PERTURBATIONS:
            found["text"][perturbation] = hat.evaluate_text(run, corpus, perturbation)
        for kind in QUESTIONS:
            file = question_file(laboratory, kind)
            found[kind] = {"clean": hat.evaluate_questions(run, kind, file)}
            for perturbation in PERTURBATIONS if model in COMPARED else ():
                found[kind][perturbation] = hat.evaluate_questions(run, kind, file, perturbation)
        return found

    return work


def measure_adaptation(laboratory: Laboratory) -> Result:
    """Both languages before and after the adaptation."""
    found: Result = {}
    for model in COMPARED:
        before, after = laboratory.run_folder(model.name), laboratory.run_folder(f"{model.name}-german")
        found[model.name] = {
            language: {
                "before": laboratory.hat.evaluate_text(before, laboratory.corpus(language)),
                "after": laboratory.hat.evaluate_text(after, laboratory.corpus(language)),
            }
            for language in ("english", "german")
        }
    return found
