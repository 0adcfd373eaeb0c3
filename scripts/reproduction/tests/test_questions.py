import unittest

from reproduction.hat import HeldOutDocument
from reproduction.questions import CHOICES, choice, cloze, passages, sentences


def document(key: str, words: str) -> HeldOutDocument:
    text = "".join(
        f"{words} number {number} of {key} is told here at some length, and ends. " for number in range(40)
    )
    return HeldOutDocument(key, "a/b", text)


DOCUMENTS = [
    document(key, words)
    for key, words in (("a", "The one"), ("b", "Another"), ("c", "A third"), ("d", "Last"))
]


class QuestionTests(unittest.TestCase):
    def test_sentences_keep_every_byte(self) -> None:
        text = 'He said "No." She went.\n\nMr. X (a man!) stayed.  '
        self.assertEqual("".join(sentences(text)), text)
        self.assertEqual(sentences(text)[:2], ['He said "No." ', "She went.\n\n"])

    def test_what_has_no_end_is_left_out(self) -> None:
        self.assertEqual(sentences("One. Two"), ["One. "])

    def test_cloze_asks_for_the_last_word(self) -> None:
        found = cloze(passages(DOCUMENTS), 5)
        self.assertEqual(len(found), 5)
        for question in found:
            self.assertEqual(question["target"], "ends")
            self.assertTrue(str(question["context"]).endswith("and "))
            self.assertIn(
                f"{question['context']}{question['target']}", "".join(each.text for each in DOCUMENTS)
            )

    def test_choices_are_of_other_documents_and_one_goes_on(self) -> None:
        for question in choice(passages(DOCUMENTS), 8):
            choices = question["choices"]
            self.assertEqual(len(set(choices)), CHOICES)
            whole = f"{question['context']}{choices[question['answer']]}"
            [home] = [each for each in DOCUMENTS if whole in each.text]
            others = [each for number, each in enumerate(choices) if number != question["answer"]]
            self.assertFalse([other for other in others if other in home.text])

    def test_answers_are_spread_and_always_the_same(self) -> None:
        found = choice(passages(DOCUMENTS), 40)
        self.assertEqual({question["answer"] for question in found}, set(range(CHOICES)))
        self.assertEqual(found, choice(passages(list(reversed(DOCUMENTS))), 40))
