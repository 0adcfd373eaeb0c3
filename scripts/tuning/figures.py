"""The figures of `evaluate` that the example shows, by the names that they have there."""

from reproduction.hat import Answer

# Of text, and of the answers of dialogues.
_TEXT = ("bits_per_byte", "word_accuracy")
# Of preference pairs: the share whose chosen answer is the likelier one, and by how much, in nats.
_PAIRS = ("preference_accuracy", "preference_margin")


def of_text(answer: Answer) -> Answer:
    return _chosen(answer, _TEXT)


def of_pairs(answer: Answer) -> Answer:
    return _chosen(answer, _PAIRS)


def _chosen(answer: Answer, names: tuple[str, ...]) -> Answer:
    intervals = answer.get("intervals", {})
    return {
        **{name: answer[name] for name in names},
        "intervals": {name: intervals[name] for name in names if name in intervals},
    }
