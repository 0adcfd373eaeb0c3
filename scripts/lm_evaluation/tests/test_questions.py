import importlib.util
import unittest

from lm_evaluation import questions
from lm_evaluation.questions import Material
from lm_evaluation.tasks import TASKS
from reproduction.hat import HeldOutDocument
from reproduction.questions import passages

_WORDS = "whale harbour größer captain white storm sails mast anchor compass lantern island morning thunder".split()


def _material(limit: int = 12) -> Material:
    """Documents of made-up sentences, each with a last word of its own."""

    def sentence(document: int, number: int) -> str:
        words = [_WORDS[(document * 7 + number * 5 + place) % len(_WORDS)] for place in range(10)]
        return f"{' '.join(words)} {_WORDS[(document + number) % len(_WORDS)]}."

    documents = [
        HeldOutDocument(f"{document}", "", "  ".join(sentence(document, number) for number in range(40)) + "\n")
        for document in range(8)
    ]
    return Material(passages(documents), limit, 512, 4096)


class QuestionTests(unittest.TestCase):
    def test_each_task_has_as_many_as_asked_for(self) -> None:
        for task in TASKS:
            made = task.make(_material())
            self.assertLessEqual(len(made), 12)
            if task.window is None:
                self.assertEqual(len(made), 12, task.name)
            self.assertEqual(len({str(question) for question in made}), len(made), task.name)
            self.assertEqual(made, task.make(_material()))

    def test_strings_have_the_white_space_that_the_harness_gives_them(self) -> None:
        for task in TASKS:
            for question in task.make(_material()):
                strings = question.get("choices") or [question["target"]]
                if task.name == "hat_words":
                    self.assertTrue(question["context"].endswith(" "))
                    self.assertEqual(question["target"], question["target"].strip())
                    continue
                self.assertEqual(question["context"], question["context"].rstrip())
                if question["context"]:
                    self.assertTrue(all(string.startswith(" ") and string.strip() for string in strings), question)
        # It is all there still.
        self.assertTrue(all(choice.startswith("  ") for choice in questions.hellaswag(_material())[0]["choices"]))

    def test_right_answers_are_spread(self) -> None:
        for make in (questions.arc, questions.hellaswag, questions.piqa):
            made = make(_material())
            self.assertEqual({len(question["choices"]) for question in made}, {2 if make is questions.piqa else 4})
            self.assertGreater(len({question["answer"] for question in made}), 1)
            self.assertTrue(all(len(set(question["choices"])) == len(question["choices"]) for question in made))
        for question in questions.arc(_material()):
            self.assertTrue(
                question["context"].startswith("Question: ") and question["context"].endswith(" ___\nAnswer:")
            )

    def test_documents_fit_into_a_sequence(self) -> None:
        found = _material()
        small = Material(found.passages, 12, 200, 500)
        self.assertTrue(all(len(each["target"].encode()) <= 500 for each in questions.documents(small)))
        self.assertEqual(questions.documents(Material(found.passages, 12, 10, 4096)), [])

    @unittest.skipUnless(importlib.util.find_spec("lm_eval"), "lm_eval cannot be installed here")
    def test_windows_are_the_harnesses(self) -> None:
        from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

        for length in (1, 3, 7, 8, 9, 16, 17, 31):
            text = "abcdefghijklmnopqrstuvwxyzabcdef"[:length]
            expected = []
            for window in get_rolling_token_windows(list(text), "", 8, 1):
                context, target = make_disjoint_window(window)
                expected.append({"context": "".join(context), "target": "".join(target)})
            self.assertEqual(questions.windows([{"context": "", "target": text}], 8), expected)
