"""The table of a run of the example, as Markdown: what each model answers rightly, and what it cost."""

from reproduction.commands import duration
from reproduction.staging import Result
from tuning.dialogues import KINDS, SYSTEM, TURNS, Json
from tuning.laboratory import MODELS, NEW_QUESTIONS, NEW_WORDS, PREFERRED, PRETRAINED, TUNED

_TITLES = {PRETRAINED: "pretrained", TUNED: "tuned by dialogues", PREFERRED: "then by preferences"}
_SETS = {NEW_QUESTIONS: "new questions", NEW_WORDS: "new words"}
_KINDS = {SYSTEM: "with a system message", TURNS: "several turns"}


def markdown(results: dict[str, Result], seconds: dict[str, float]) -> str:
    measured = [results[f"measure-{model}"] for model in MODELS]
    trained = [results[f"train-{model}"] for model in MODELS]
    rows = [["", *_TITLES.values()], ["---", *("---:" for _ in MODELS)]]
    for name, title in _SETS.items():
        answers, dialogues = ([each[part][name] for each in measured] for part in ("answers", "dialogues"))
        rows += [
            [f"**{title}**", *(_share(each) for each in answers)],
            *(_right(kind, answers) for kind in KINDS),
            ["bits per byte of the answers", *(_decimal(each, "bits_per_byte") for each in dialogues)],
            ["words of the answers predicted", *(_percent(each, "word_accuracy") for each in dialogues)],
        ]
    rows += [
        [
            "**pairs**: the right answer is likelier",
            *(_of_pairs(measured[-1]["pairs"], model) for model in MODELS),
        ],
        ["**text**: bits per byte", *(_decimal(each["text"], "bits_per_byte") for each in measured)],
        ["**training**: steps", *(f"{each['steps']:,}" for each in trained)],
        ["seconds", *(f"{each['seconds']:,.0f}" for each in trained)],
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"{table}\n\n{_origin(results['machine'], sum(seconds.values()))}\n"


def examples(results: dict[str, Result]) -> str:
    """Wrong answers of each model."""
    lines = []
    for model in MODELS:
        for name, found in results[f"measure-{model}"]["answers"].items():
            for kind, judged in found["kinds"].items():
                lines += [f"{model:11} {name:14} {kind:9} {_wrong(each)}" for each in judged["wrong"]]
    return "\n".join(lines) + "\n"


def _right(kind: str, found: list[Json]) -> list[str]:
    of_kind = [answers["kinds"][kind] for answers in found]
    return [_KINDS.get(kind, f"`{kind}`"), *(f"{each['right']} of {each['asked']}" for each in of_kind)]


def _share(answers: Json) -> str:
    low, high = answers["interval"]
    return f"**{answers['right'] / answers['asked']:.1%}** ({low:.1%} to {high:.1%})"


def _decimal(figures: Json, name: str) -> str:
    return f"{figures[name]:.3f}"


def _percent(figures: Json, name: str) -> str:
    return f"{figures[name]:.1%}"


def _of_pairs(figures: Json, model: str) -> str:
    return _percent(figures[model], "preference_accuracy") if model in figures else "–"


def _wrong(example: Json) -> str:
    return f"{example['asked']!r}: {example['answer']!r} instead of {example['wanted']!r}"


def _origin(machine: Result, seconds: float) -> str:
    return (
        f"`{machine['command']}`, {machine['date']}, commit {machine['commit'][:12]}"
        f"{', with changes' if machine['changed'] else ''}; {machine['processor']}, {machine['cores']} cores; "
        f"{duration(seconds)} in all."
    )
