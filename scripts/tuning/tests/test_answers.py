import unittest

from tuning.answers import interval, judged
from tuning.dialogues import Json


def _asked(kind: str, question: str, answer: str) -> Json:
    return {
        "kind": kind,
        "messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}],
    }


class JudgingTests(unittest.TestCase):
    def test_counts_exactly_right_answers_of_each_kind(self) -> None:
        dialogues = [
            _asked("repeat", "Repeat: a b", "a b"),
            _asked("repeat", "Repeat: c", "c"),
            _asked("count", "?", "two"),
        ]
        found = judged(dialogues, ["a b", "c ", "two"])
        self.assertEqual((found["asked"], found["right"]), (3, 2))
        repeat = found["kinds"]["repeat"]
        self.assertEqual((repeat["asked"], repeat["right"]), (2, 1))
        self.assertEqual(repeat["wrong"], [{"asked": "Repeat: c", "wanted": "c", "answer": "c "}])
        self.assertEqual(found["kinds"]["count"], {"asked": 1, "right": 1, "wrong": []})

    def test_an_answer_is_missing(self) -> None:
        with self.assertRaises(ValueError):
            judged([_asked("repeat", "Repeat: c", "c")], [])

    def test_intervals_are_those_of_the_tables(self) -> None:
        # Agresti and Coull 1998: Wilson's interval of 5 of 10 is 0.237 to 0.763; none of 10, 0 to 0.278.
        for right, expected in ((5, (0.2366, 0.7634)), (0, (0, 0.2775)), (10, (0.7225, 1))):
            for found, wanted in zip(interval(right, 10), expected, strict=True):
                self.assertAlmostEqual(found, wanted, places=4)
