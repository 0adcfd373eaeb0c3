import unittest
from collections import Counter

from tuning.dialogues import KINDS, Author, Dialogue, Turn
from tuning.tasks import FORMS, TASKS, words_of_questions

_WORDS = [first + second + "o" for first in "bdfgklmn" for second in ("ana", "iri", "olo", "utu")]


def _right(name: str, *words: str) -> str:
    (task,) = (task for task in TASKS if task.name == name)
    return task.answer(words)


class TaskTests(unittest.TestCase):
    def test_right_answers(self) -> None:
        words = ("garden", "silver", "month")
        expected = {
            **{"repeat": "garden silver month", "capitals": "GARDEN SILVER MONTH", "first": "garden"},
            **{"last": "month", "reverse": "month silver garden", "commas": "garden, silver, month"},
            **{"count": "three", "spell": "g-a-r-d-e-n"},
        }
        self.assertEqual({task.name: task.answer(words) for task in TASKS}, expected)

    def test_a_question_has_its_words_once(self) -> None:
        for task in TASKS:
            for phrasing in task.phrasings:
                self.assertEqual(phrasing.count("{}"), 1, phrasing)
            for follow_up in task.follow_ups:
                self.assertNotIn("{}", follow_up)

    def test_no_question_is_ambiguous(self) -> None:
        asked = Counter(text for task in TASKS for text in (*task.phrasings, *task.follow_ups))
        self.assertEqual([text for text, count in asked.items() if count > 1], [])

    def test_words_of_questions_are_found(self) -> None:
        self.assertLessEqual(
            {"capitals", "commas", "well", "four", "spell", "exclamation"}, words_of_questions()
        )


class DialogueTests(unittest.TestCase):
    def test_the_same_seed_makes_the_same(self) -> None:
        one, same, other = (list(Author(_WORDS, seed).training(50)) for seed in (1, 1, 2))
        self.assertEqual(one, same)
        self.assertNotEqual(one, other)

    def test_answers_are_right_in_the_form_that_is_wanted(self) -> None:
        for dialogue in Author(_WORDS, 1).training(500):
            apply = dialogue.form.apply if dialogue.form else str
            for turn in dialogue.turns:
                self.assertEqual(turn.answer, apply(turn.task.answer(turn.words)))

    def test_roles_alternate_and_the_assistant_has_the_last_word(self) -> None:
        systems = 0
        for dialogue in Author(_WORDS, 1).training(400):
            roles = [message["role"] for message in dialogue.encode()["messages"]]
            if roles[0] == "system":
                systems += 1
                roles = roles[1:]
            self.assertEqual(roles, ["user", "assistant"] * len(dialogue.turns))
        self.assertTrue(60 < systems < 140, systems)

    def test_follow_ups_are_about_words_that_are_there(self) -> None:
        for dialogue in Author(_WORDS, 1).measuring(20):
            said = " ".join(message["content"] for message in dialogue.prompt if message["role"] == "user")
            for turn in dialogue.turns:
                self.assertIn(" ".join(turn.words), said)

    def test_measuring_dialogues_are_of_every_kind(self) -> None:
        found = list(Author(_WORDS, 1).measuring(3))
        self.assertEqual([dialogue.kind for dialogue in found], [kind for kind in KINDS for _ in range(3)])
        for dialogue in found:
            self.assertEqual(dialogue.form is not None, dialogue.kind == "system")
            self.assertEqual(len(dialogue.turns) > 1, dialogue.kind == "turns")

    def test_a_wrong_answer_is_the_rejected_one(self) -> None:
        author = Author(_WORDS, 1)
        for dialogue in author.measuring(10):
            for answer in ("no", dialogue.answer, ""):
                pair = author.pair(dialogue, answer)
                self.assertEqual(pair["prompt"] + pair["chosen"], dialogue.encode()["messages"])
                (rejected,) = pair["rejected"]
                self.assertNotEqual(rejected["content"], dialogue.answer)
                self.assertEqual(rejected["content"] == "no", answer == "no")

    def test_wrong_answers_are_plausible_and_wrong(self) -> None:
        author = Author(["garden", "silk", "silver"], 1)
        words, (repeat,) = ("garden", "silver"), [task for task in TASKS if task.name == "repeat"]
        turn = Turn(repeat, words, "Repeat: garden silver", "garden silver")
        wrong = set(author.wrong_answers(Dialogue("repeat", None, [turn])))
        expected = {"GARDEN SILVER", "garden", "silver", "silver garden", "garden, silver", "two"}
        similar = {"silk silver", "silver silver", "garden silk", "garden garden"}
        self.assertEqual(wrong - similar, expected)
        self.assertEqual(len(wrong & similar), 1)
        capitals = next(form for form in FORMS if form.name == "capitals")
        turn = Turn(repeat, words, "Repeat: garden silver", "GARDEN SILVER")
        wrong = set(author.wrong_answers(Dialogue("system", capitals, [turn])))
        upper = {word.upper() for word in similar}
        self.assertEqual(
            wrong - upper, {"garden silver", *(word.upper() for word in expected)} - {"GARDEN SILVER"}
        )

    def test_training_has_no_question_that_measures(self) -> None:
        author = Author(_WORDS[:6], 1)
        asked = {question for dialogue in author.measuring(20) for question in dialogue.questions}
        trained = list(author.training(300, without=asked))
        self.assertEqual(len(trained), 300)
        self.assertEqual([dialogue for dialogue in trained if dialogue.questions & asked], [])
