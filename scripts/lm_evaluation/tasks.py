"""Tasks of the harness over local questions, and what `evaluate` calls their figures."""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.manifest import write_durably
from lm_evaluation import questions
from lm_evaluation.questions import Material
from reproduction.questions import Question

Figures = dict[str, float]

_WRITING = Path(__file__).parent / "beginnings.py"

_STRINGS = {"output_type": "loglikelihood", "doc_to_text": "context", "doc_to_target": "target"}
_CHOICES = {
    "output_type": "multiple_choice", "doc_to_text": "context", "doc_to_choice": "choices", "doc_to_target": "answer"
}  # fmt: skip
_TEXTS = {"output_type": "loglikelihood_rolling", "doc_to_text": "", "doc_to_target": "target"}
_WRITTEN = {
    "output_type": "generate_until", "doc_to_text": "context", "doc_to_target": "target",
    "process_results": f"!function {_WRITING.stem}.begins",
    "generation_kwargs": {"until": ["\n"], "max_gen_toks": questions.LONGEST_WORD, "temperature": 0.0},
}  # fmt: skip


def _bits(found: Figures) -> float:
    return math.log2(found["perplexity_per_byte"])


@dataclass(frozen=True)
class Task:
    name: str
    # What `evaluate` reads the questions as: `cloze` or `choice`.
    kind: str
    # Of the harness.
    settings: dict[str, Any]
    # By the harness's name: how it is in what `evaluate` says.
    figures: dict[str, str | Callable[[Figures], float]]
    make: Callable[[Material], list[Question]]
    # Tokens of a window in which the harness reads a text; None for all that there are.
    window: int | None = None

    @property
    def is_written(self) -> bool:
        return self.settings is _WRITTEN

    @property
    def is_of_texts(self) -> bool:
        """Whether whole texts are scored, one request after the other."""
        return self.settings is _TEXTS

    def asked(self, made: list[Question]) -> list[Question]:
        """What `evaluate` has to be asked for the same."""
        return made if self.window is None else questions.windows(made, self.window)

    def expected(self, found: Figures) -> Figures:
        """What `evaluate` says, under the harness's names."""
        return {
            name: found[figure] if isinstance(figure, str) else figure(found) for name, figure in self.figures.items()
        }


_CHOSEN: dict[str, str | Callable[[Figures], float]] = {"acc": "accuracy", "acc_bytes": "accuracy_per_byte"}

# In the shapes of lambada_openai, hellaswag, arc_easy, piqa, triviaqa and wikitext.
TASKS = (
    Task(
        "hat_lambada", "cloze", _STRINGS, {"acc": "accuracy", "perplexity": "perplexity_per_word"}, questions.lambada
    ),
    Task("hat_hellaswag", "choice", _CHOICES, _CHOSEN, questions.hellaswag),
    Task("hat_arc", "choice", _CHOICES, _CHOSEN, questions.arc),
    Task("hat_piqa", "choice", _CHOICES, _CHOSEN, questions.piqa),
    Task("hat_words", "cloze", _WRITTEN, {"acc": "accuracy"}, questions.words),
    Task(
        "hat_documents", "cloze", _TEXTS,
        {"word_perplexity": "perplexity_per_word", "byte_perplexity": "perplexity_per_byte", "bits_per_byte": _bits},
        questions.documents,
    ),
    Task(
        "hat_windows", "cloze", _TEXTS, {"byte_perplexity": "perplexity_per_byte", "bits_per_byte": _bits},
        questions.plain_documents, window=200,
    ),
)  # fmt: skip


def write_task(task: Task, folder: Path, file: Path) -> None:
    """The harness's description of a task over a file of questions."""
    description = {
        "task": task.name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(file.resolve())}},
        "test_split": "test",
        # Context and string are joined as they are.
        "target_delimiter": "",
        **task.settings,
        "metric_list": [_metric(name, task) for name in task.figures],
        "metadata": {"version": 1.0},
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_durably(folder / f"{task.name}.yaml", _yaml(description).encode("utf-8"))
    if task.settings is _WRITTEN:
        shutil.copy(_WRITING, folder)


def _metric(name: str, task: Task) -> dict[str, object]:
    # For what is written, the harness has no such measure.
    return (
        {"metric": name, "aggregation": "mean", "higher_is_better": True}
        if task.settings is _WRITTEN
        else {"metric": name}
    )


def _yaml(description: dict[str, object]) -> str:
    """JSON is YAML, but for a function, which has a tag."""
    lines = []
    for key, value in description.items():
        is_function = isinstance(value, str) and value.startswith("!function ")
        lines.append(f"{key}: {value if is_function else json.dumps(value, ensure_ascii=False)}\n")
    return "".join(lines)
