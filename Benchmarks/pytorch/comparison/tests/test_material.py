"""Material is kept while all that it was made of is the same."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path
from unittest.mock import Mock

from comparison.hat import Hat
from comparison.material import prepare


class MaterialTests(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name in ("hat", "corpus.json", "tiny.yaml"):
            (self.folder / name).write_text("first")
        self.hat = Mock(spec=Hat, program=self.folder / "hat")
        self.hat.run.return_value = json.dumps({"step": 1}) + "\n"

    def trainings(self) -> int:
        prepare(self.hat, self.folder / "tiny.yaml", self.folder, self.folder / "work", 3)
        return self.hat.train.call_count

    def test_it_is_made_once(self) -> None:
        self.assertEqual([self.trainings(), self.trainings()], [1, 1])

    def test_whatever_changes_makes_it_anew(self) -> None:
        self.trainings()
        for count, name in enumerate(("hat", "corpus.json", "tiny.yaml"), start=2):
            (self.folder / name).write_text("second")
            self.assertEqual(self.trainings(), count, name)
