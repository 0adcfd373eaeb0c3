"""What is said of measurements, and of what could not be measured."""

from __future__ import annotations

import io
import json
import tempfile
import unittest
from argparse import Namespace
from contextlib import redirect_stderr
from pathlib import Path
from unittest.mock import patch

from comparison import __main__ as command
from comparison.failure import WRONG_USAGE, Failure, ModeFailure
from comparison.hat import Hat, Measurement, precision_settings
from comparison.processor import Processor
from comparison.report import Comparison, Refused, Result, Round, brief, markdown
from comparison.variants import MODES

CPUINFO = """processor\t: 0
cpu family\t: 26
model\t\t: 2
model name\t: AMD EPYC
flags\t\t: fpu avx512f avx512_bf16 amx

processor\t: 1
model name\t: another
flags\t\t: amx_bf16
"""


def measured(rate: float) -> Measurement:
    return Measurement(seconds=2.0, text_bytes=round(2000 * rate), words=300, training_flops=4e9, peak_resident_bytes=2**20)


def comparison(mode: str, *rates: tuple[float, float, float]) -> Comparison:
    """- rates: of hat in float32, in bf16, and of the peer, in kB/s."""
    return Comparison(
        "tiny", mode, "ddp",
        [Round({"float32": measured(one), "bf16": measured(two)}, measured(peer)) for one, two, peer in rates])


# The machine is half as fast while tuned-bf16 is measured, which is faster than plain all the same.
RESULT = Result(
    "tiny",
    [
        comparison("plain", (60, 120, 30), (80, 120, 20), (60, 120, 20)),
        comparison("tuned-bf16", (30, 60, 25), (30, 60, 20), (30, 60, 15)),
    ],
    [Refused("tiny", "onednn-bf16", "a process of the peer died:\nTraceback\nRuntimeError: no such | operator\n")])


class ReportTests(unittest.TestCase):
    processor = Processor.parse(CPUINFO)

    def test_the_best_is_the_fastest_beside_hat(self) -> None:
        self.assertEqual(RESULT.best.mode, "tuned-bf16")

    def test_the_table_has_every_mode_and_what_failed_with_its_reason(self) -> None:
        table = markdown([RESULT], ["float32", "bf16"], self.processor)
        for part in (
            "AMD EPYC (family 26, model 2), without AMX-BF16, with AVX512-BF16",
            "| `tiny` | hat, float32 | 45.0 |", "|  | hat, bf16 | 90.0 |",
            "| PyTorch, `plain`, DDP over gloo, a process a core | 20.0 | 150 | 2 | 1 | "
            "3.00 (2.00–4.00) | 6.00 (4.00–6.00) |",
            "`tuned-bf16`, DDP over gloo, a process a core, the best | 20.0 |",
            "`onednn-bf16`: not measured, RuntimeError: no such / operator |",
            "At `tiny` the best of PyTorch is `tuned-bf16`; hat's bytes a second for each of its: "
            "float32 1.50 (1.20–2.00), bf16 3.00 (2.40–4.00).",
        ):
            self.assertIn(part, table)
        self.assertEqual(len({line.count("|") for line in table.splitlines() if line.startswith("|")}), 1, table)

    def test_a_mode_is_said_as_soon_as_it_is_measured(self) -> None:
        self.assertEqual(brief(RESULT.comparisons[0]), "hat float32 60.0 kB/s, hat bf16 120.0 kB/s, PyTorch 20.0 kB/s")

    def test_without_a_measured_mode_the_table_still_says_why(self) -> None:
        table = markdown([Result("tiny", [], RESULT.refused)], ["float32"], self.processor)
        self.assertIn("| `tiny` | PyTorch, `onednn-bf16`: not measured", table)

    def test_json_has_all_of_it(self) -> None:
        found = json.loads(json.dumps(RESULT.json(self.processor)))
        self.assertEqual(found["processor"]["avx512_bf16"], True)
        self.assertEqual(found["processor"]["amx_bf16"], False)
        self.assertEqual(found["best"]["mode"], "tuned-bf16")
        self.assertEqual(found["best"]["ratio"]["bf16"], {"median": 3.0, "least": 2.4, "most": 4.0})
        self.assertEqual([mode["precision"] for mode in found["modes"]], ["float32", "bf16", "bf16"])
        self.assertIn("no such | operator", found["modes"][2]["failure"])


class RunTests(unittest.TestCase):
    def test_a_mode_that_does_not_work_stops_no_other(self) -> None:
        def run_mode(hat: object, material: object, rounding: object, mode: str, options: object) -> Comparison:
            if mode == "tuned":
                raise ModeFailure("the compiler does not know it")
            return comparison(mode, (1, 1, 1))

        options = Namespace(precisions=["float32"], modes=["plain", "tuned", "distinct"], folder=Path("/nowhere"))
        with patch.multiple(command, prepare=lambda *_: None, run_mode=run_mode), redirect_stderr(io.StringIO()):
            result = command.run_preset(None, Path(), "tiny", options)
        self.assertEqual([each.mode for each in result.comparisons], ["plain", "distinct"])
        self.assertEqual(result.refused, [Refused("tiny", "tuned", "the compiler does not know it")])

    def test_every_mode_has_a_variant_under_autocast(self) -> None:
        for name in [name for name, mode in MODES.items() if mode.precision == "float32"]:
            rounded = MODES[f"{name}-bf16"]
            self.assertEqual(rounded.options, MODES[name].options)
            self.assertEqual(rounded.all_options, [*rounded.options, "--rounding", "autocast"])
            self.assertEqual(rounded.precision, "bf16")

    def test_a_hat_that_refuses_the_precision_is_not_timed(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "hat"
            program.write_text("#!/bin/sh\nprintf 'error: there is no setting %s\\n' \"$5\" >&2\nexit 78\n")
            program.chmod(0o755)
            hat = Hat(program, Path(folder) / "log")
            with self.assertRaises(Failure) as caught:
                hat.plan(Path("tiny.yaml"), "bf16")
        self.assertEqual(caught.exception.exit_code, WRONG_USAGE)
        said = "there is no setting training.precision=bf16\nName a hat .* --precisions float32"
        self.assertRegex(str(caught.exception), said)

    def test_float32_asks_nothing_of_an_older_hat(self) -> None:
        self.assertEqual(precision_settings("float32"), [])
