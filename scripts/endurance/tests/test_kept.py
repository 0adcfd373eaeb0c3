import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

from endurance.fuzz import zoo
from endurance.soak import bench


class KeptTests(unittest.TestCase):
    """What is made once is kept for a program and a script."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.program, self.script = self.folder / "program", self.folder / "script.py"

    def make_anew(self, module: object, place: Path) -> bool:
        """Whether the files that there are were removed."""
        mark = place / "mark"
        mark.touch()
        with patch.object(module, "__file__", str(self.script)):
            if module is bench:
                bench.Bench(self.program, self.folder)
            else:
                zoo.build(self.program, place)
        return not mark.exists()

    def test_another_program_or_script_makes_it_anew(self) -> None:
        for module, place in ((bench, self.folder / "undisturbed"), (zoo, self.folder / "zoo")):
            with self.subTest(module.__name__):
                place.mkdir()
                self.program.write_text("#!/bin/sh\n")
                self.program.chmod(0o755)
                self.script.write_text("first")
                self.assertTrue(self.make_anew(module, place))
                self.assertFalse(self.make_anew(module, place))
                self.script.write_text("second")
                self.assertTrue(self.make_anew(module, place))
                self.program.write_text("#!/bin/sh\n#\n")
                self.assertTrue(self.make_anew(module, place))
