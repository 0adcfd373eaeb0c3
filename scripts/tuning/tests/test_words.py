import json
import tempfile
import unittest
from pathlib import Path

from corpus.errors import Failure
from tuning.words import vocabulary

_WORDS = [a + b + c for a in "bcdfghj" for b in "aeiou" for c in ("nt", "rd", "sk", "lm", "ck")]


class VocabularyTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, *texts: str) -> None:
        (self.folder / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))

    def test_every_word_is_in_one_part(self) -> None:
        self.write(" ".join(_WORDS))
        found = vocabulary(self.folder, ())
        self.assertEqual(sorted(found.training + found.preferences + found.held_out), sorted(_WORDS))
        for part in (found.preferences, found.held_out):
            self.assertTrue(len(_WORDS) // 16 < len(part) < len(_WORDS) // 4, part)

    def test_other_text_moves_no_word_to_the_other_part(self) -> None:
        self.write(" ".join(_WORDS))
        before = vocabulary(self.folder, ())
        self.write(" ".join([*_WORDS[10:], "another", "further"]))
        after = vocabulary(self.folder, ())
        self.assertLessEqual(set(after.held_out) & set(_WORDS), set(before.held_out))
        self.assertLessEqual(set(after.preferences) & set(_WORDS), set(before.preferences))

    def test_leaves_out_names_what_has_punctuation_and_the_words_of_questions(self) -> None:
        self.write(" ".join(_WORDS), "Ahab whale, (ship) it's of beleaguered repeat sea")
        found = vocabulary(self.folder, ["repeat"])
        self.assertEqual({*found.training, *found.preferences, *found.held_out} - set(_WORDS), {"sea"})

    def test_refuses_too_few_words(self) -> None:
        self.write("only some words")
        with self.assertRaisesRegex(Failure, "3 different words"):
            vocabulary(self.folder, ())
