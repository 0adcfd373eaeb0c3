import tempfile
import unittest
from pathlib import Path

from corpus.errors import Failure
from endurance.codes import documented_codes
from endurance.journal import Journal
from endurance.kinds import grouped, kind


class StateTests(unittest.TestCase):
    """What both programs keep, and how they count."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "state.jsonl"

    def test_a_journal_goes_on_and_does_a_line_again_that_a_kill_cut_short(self) -> None:
        journal = Journal(self.path, {"seed": 1})
        journal.add({"line": 1})
        journal.add({"line": 2})
        self.path.write_bytes(self.path.read_bytes()[:-4])
        again = Journal(self.path, {"seed": 1})
        self.assertEqual(again.entries, [{"line": 1}])
        again.add({"line": 3})
        self.assertEqual(Journal(self.path, {"seed": 1}).entries, [{"line": 1}, {"line": 3}])

    def test_a_journal_of_another_seed_is_refused(self) -> None:
        Journal(self.path, {"seed": 1})
        with self.assertRaises(Failure) as caught:
            Journal(self.path, {"seed": 2})
        self.assertIn('begun with {"seed": 1}, not {"seed": 2}', str(caught.exception))

    def test_failures_that_differ_in_numbers_are_of_one_kind_unless_in_exit_codes(self) -> None:
        said = ["<70>: at 1,5", "<70>: at 2", "<71>: at 3"]
        found = grouped((f"exit code {words}", number) for number, words in enumerate(said))
        self.assertEqual(
            [(group["kind"], group["count"], group["example"]) for group in found],
            [("exit code <70>: at N", 2, 0), ("exit code <71>: at N", 1, 2)],
        )

    def test_numbers_may_be_hexadecimal_and_names_stay(self) -> None:
        said = "SIGUSR1 at 0x7f06dca5, in train-000001-00000a.shard and segment.vm.c3c0001.0 of CA30-01"
        self.assertEqual(kind(said), "SIGUSR1 at N in train-N-Nshard and segment.vm.N of N-N")

    def test_the_codes_are_those_of_the_reference(self) -> None:
        self.assertLessEqual({0, 64, 65, 66, 70, 73, 75, 78}, documented_codes())
        self.assertNotIn(1, documented_codes())
        self.assertNotIn(139, documented_codes())
