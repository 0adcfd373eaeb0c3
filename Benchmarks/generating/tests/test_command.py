"""What agrees, what is refused, and what is said of it."""

from __future__ import annotations

import io
import json
import unittest
from contextlib import redirect_stderr
from pathlib import Path
from unittest.mock import Mock, patch

import torch
from comparison.failure import ModeFailure
from comparison.processor import Processor
from generating import command
from generating.agreement import check, difference
from generating.report import Comparison, Refused, Round, markdown, report
from generating.runs import Model, Task, Written
from generating.writers import Speed

TEXTS = [b"a", b"b", b"ab", None, b""]
PROCESSOR = Processor("AMD EPYC", "family 25, model 1", amx_bf16=False, avx512_bf16=False)
TASK = Task([Path("corpus")], documents=2, prompt_bytes=10, bytes=4, threads=2)


class AgreementTests(unittest.TestCase):
    def check(self, ours: list[list[int]], theirs: list[bytes], reference: list[float], rounding: float) -> str:
        exact = torch.tensor([reference] * len(ours), dtype=torch.float64)
        self.read = Mock(return_value=(exact + rounding).float())
        return check([[9]] * len(ours), ours, theirs, TEXTS, self.read, lambda _: exact)

    def test_equal_texts_agree(self) -> None:
        self.assertIn("all 2 texts", self.check([[0, 1], [2, 4]], [b"ab", b"ab"], [0] * 5, 0))
        self.read.assert_not_called()

    def test_symbols_that_rounding_exchanges_agree(self) -> None:
        said = self.check([[0, 1], [0, 0]], [b"ab", b"ab"], [1.0, 0.999, 0, 9, 0], 1e-3)
        self.assertIn("1 of 2 texts", said)
        self.read.assert_called_once_with([[9, 0], [9, 0]])

    def test_a_mark_may_stand_where_the_texts_part(self) -> None:
        self.check([[0, 0]], [b"ab"], [1.0, 0, 0, 0, 0.999], 1e-3)

    def test_other_differences_are_refused(self) -> None:
        for reference in ([1.0, 0.9, 0, 1, 0.9], [float("nan")] * 5):
            with self.assertRaisesRegex(ModeFailure, "document 2 is not hat's.*b'a', hat b'b'.*rounding moves one by"):
                self.check([[0, 1], [0, 0]], [b"ab", b"ab"], reference, 1e-3)

    def test_where_texts_part(self) -> None:
        self.assertEqual(difference([0, 4, 2], b"aba", TEXTS), 2)
        self.assertEqual(difference([0], b"aba", TEXTS), 0)
        self.assertIsNone(difference([0, 4, 2], b"aab", TEXTS))


COMPARISON = Comparison(
    "`tiny`", 16, "float32", {"`loop`, 1 thread": Speed(5e4, 1e3)},
    [
        Round(Speed(1e5 * n, 2e4), {"`loop`, 1 thread": Speed(5e4 * n, 1e3), "`compiled`, 1 thread": Speed(4e4, 5e3)})
        for n in (1, 2, 3)
    ])


class ReportTests(unittest.TestCase):
    def test_each_phase_has_its_fastest_way(self) -> None:
        refused = [Refused("`tiny`", 1, "float32", "`compiled`, 2 threads", "Traceback\nno compiler\n")]
        table = markdown([COMPARISON], refused, PROCESSOR)
        self.assertIn(
            "| `tiny` | 16 | float32 | 200 | 100 (`loop`, 1 thread) | 2.00 (2.00–2.00) | "
            "20 | 5 (`compiled`, 1 thread) | 4.00 (4.00–4.00) |", table)
        self.assertIn("`tiny`, 1 at once, float32: PyTorch, `compiled`, 2 threads, not measured: no compiler", table)
        self.assertIn("AMD EPYC (family 25, model 1)", table)

    def test_json_has_all_of_it(self) -> None:
        found = json.loads(json.dumps(report([COMPARISON], [], PROCESSOR, {"bytes": 4})))
        [comparison] = found["comparisons"]
        self.assertEqual(comparison["writing"]["ratio"], {"median": 4.0, "least": 4.0, "most": 4.0})
        self.assertEqual(len(comparison["rounds"]), 3)
        self.assertEqual(found["task"], {"bytes": 4})


class CourseTests(unittest.TestCase):
    def test_a_way_that_does_not_work_or_agree_stops_no_other(self) -> None:
        def measured(writer: str, threads: int, prompts: list, batch: int, bytes_each: int) -> tuple:
            if "transformers" in writer:
                raise RuntimeError("no such operator")
            return Speed(1e3 * threads, 1e3), [[3 if "compiled" in writer else 0]]

        model, exported = Model("tiny", "run", Path("folder")), Mock()
        exported.writer.side_effect = lambda way, documents: str(way)
        course = command.Course(Mock(), TASK, list(command.MODES), rounds=2)

        def agreement(model: Model, exported: object, written: Written, symbols: list) -> str:
            if symbols != [[0]]:
                raise ModeFailure("another text")
            return ""

        with (
            patch.multiple(command, measure=measured), patch.object(course, "agreement", agreement),
            patch.object(Model, "write", return_value=Written(Speed(8e3, 9e3), [b"p"], [b"a"])),
            redirect_stderr(io.StringIO()),
        ):
            course.compare_batch(model, "float32", 16, exported)
        self.assertEqual([each.reason for each in course.refused], ["no such operator", "another text"])
        [found] = course.comparisons
        self.assertEqual(list(found.tried), ["`loop`, 1 thread", "`loop`, 2 threads"])
        self.assertEqual(len(found.rounds), 2)
        self.assertEqual(found.best("prompt"), "`loop`, 2 threads")

    def test_hat_gets_the_same_task(self) -> None:
        hat = Mock()
        phase = {"bytes_per_second": 5.0}
        hat.run.return_value = json.dumps({"measurements": [
            {"prompt": phase, "decode": phase, "texts": [{"prompt_b64": "cA==", "text_b64": "dA=="}]}]})
        written = Model("tiny", "run@3", Path("folder")).write(hat, TASK, 16, "bf16")
        self.assertEqual((written.prompts, written.texts), ([b"p"], [b"t"]))
        said = " ".join(hat.run.call_args.args)
        self.assertIn("--temperature 0", said)
        self.assertIn("--checkpoint run@3 --data corpus --batch 16 --documents 2 --prompt-bytes 10 --bytes 4 --threads 2", said)
