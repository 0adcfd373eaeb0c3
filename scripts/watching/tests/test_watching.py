import json
import os
import signal
import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any

from documentation.tests.program import PROGRAM, hat

try:
    from prometheus_client.parser import text_string_to_metric_families
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError as error:
    raise unittest.SkipTest("TensorBoard is not installed: scripts/watching/python installs it") from error

_CONFIGURATION = """
model: { byte_width: 16, byte_head_size: 8, encoder_layers: 1, decoder_layers: 1, width: 16, head_size: 8 }
data: { sequence_words: 32, sequence_bytes: 256 }
training: { steps: 400, sequences_per_step: 2, micro_batches: 1 }
output: { checkpoint_every: 90, evaluate_every: 100, sample_every: 150, sample_bytes: 20, tensorboard: true }
"""
_SCALARS = {
    "training/loss": "loss",
    "training/bits_per_byte": "bits_per_byte",
    "training/gradient_norm": "gradient_norm",
    "training/learning_rate": "learning_rate",
    "speed/step_seconds": "step_seconds",
    "speed/bytes_per_second": "bytes_per_second",
}
_PROMPT = 'To "be"\n*or*\\'


class WatchingTests(unittest.TestCase):
    """A training that is killed and goes on, as TensorBoard and Prometheus see it."""

    run_folder: Path
    prometheus: Path
    # As it was while the training ran.
    running: str

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        place = Path(folder.name)
        (place / "config.yaml").write_text(_CONFIGURATION)
        texts = (f"To be, or not to be, that is question {number}." for number in range(40))
        (place / "text.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
        hat("preprocess", "--holdout", "0.3", "--output", place / "corpus", place / "text.jsonl")
        cls.run_folder, cls.prometheus = place / "run", place / "hat.prom"
        command = [
            *("train", "--config", place / "config.yaml", "--data", place / "corpus", "--threads", 1),
            *("--output", cls.run_folder, "--set", f"output.prometheus={cls.prometheus}"),
            *("--set", f"output.sample_prompt={_PROMPT}"),
        ]
        cls._kill_after(200, command)
        cls.running = cls.prometheus.read_text()
        # A record that the machine did not get to the end of.
        [events] = cls.run_folder.glob("events.out.tfevents.*")
        os.truncate(events, events.stat().st_size - 5)
        hat(*command)

    @classmethod
    def _kill_after(cls, steps: int, command: list[Any]) -> None:
        metrics = cls.run_folder / "metrics.jsonl"
        with subprocess.Popen([PROGRAM, *map(str, command)], stderr=subprocess.DEVNULL) as training:
            while not metrics.exists() or metrics.read_bytes().count(b"\n") < steps:
                assert training.poll() is None, "the training has ended before it was killed"
                time.sleep(0.005)
            training.send_signal(signal.SIGKILL)

    def events(self) -> EventAccumulator:
        found = EventAccumulator(str(self.run_folder), size_guidance={"scalars": 0, "tensors": 0})
        found.Reload()
        return found

    def lines(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.run_folder / name).read_text().splitlines()]

    def test_tensorboard_has_every_step_once_with_its_numbers(self) -> None:
        self.assertEqual(len(list(self.run_folder.glob("events.out.tfevents.*"))), 2)
        events, metrics = self.events(), self.lines("metrics.jsonl")
        self.assertEqual([line["step"] for line in metrics], list(range(1, 401)))
        for name, key in _SCALARS.items():
            found = {event.step: event.value for event in events.Scalars(name)}
            self.assertEqual(len(found), len(events.Scalars(name)), "a step that was done again is there twice")
            wanted = {line["step"]: _single(line[key]) for line in metrics}
            self.assertEqual(found, wanted)

    def test_tensorboard_has_evaluations(self) -> None:
        found = {event.step: event.value for event in self.events().Scalars("held_out/bits_per_byte")}
        wanted = {line["step"]: _single(line["bits_per_byte"]) for line in self.lines("evaluations.jsonl")}
        self.assertEqual(found, wanted)

    def test_tensorboard_has_samples_as_they_are(self) -> None:
        found = {event.step: event.tensor_proto for event in self.events().Tensors("sample")}
        samples = self.lines("samples.jsonl")
        self.assertEqual(sorted(found), [150, 300, 400])
        for sample in samples:
            self.assertEqual(sample["prompt"], _PROMPT)
            text = "".join(f"    {line}\n" for line in (_PROMPT + sample["text"]).split("\n"))
            self.assertEqual(found[sample["step"]].string_val[0].decode() + "\n", text)

    def test_prometheus_reads_the_newest_state(self) -> None:
        metrics = _metrics(self.prometheus.read_text())
        last = self.lines("metrics.jsonl")[-1]
        self.assertEqual(metrics["hat_training_step"], 400)
        self.assertEqual(metrics["hat_training_steps"], 400)
        self.assertEqual(metrics["hat_training_running"], 0)
        self.assertEqual(metrics["hat_training_loss"], last["loss"])
        self.assertEqual(metrics["hat_training_bytes_per_second"], last["bytes_per_second"])
        evaluation = self.lines("evaluations.jsonl")[-1]
        self.assertEqual(metrics["hat_held_out_bits_per_byte"], evaluation["bits_per_byte"])
        self.assertEqual(_metrics(self.running)["hat_training_running"], 1)

    def test_prometheus_knows_the_run_and_the_types(self) -> None:
        families = list(text_string_to_metric_families(self.prometheus.read_text()))
        labels = [sample.labels for family in families for sample in family.samples]
        self.assertEqual(labels, [{"run": str(self.run_folder)}] * len(labels))
        types = {family.name: family.type for family in families}
        self.assertEqual(types.pop("hat_training_text_bytes"), "counter")
        self.assertEqual(set(types.values()), {"gauge"})
        self.assertTrue(all(family.documentation for family in families))


def _metrics(text: str) -> dict[str, float]:
    return {sample.name: sample.value for family in text_string_to_metric_families(text) for sample in family.samples}


def _single(value: float) -> float:
    """As a float32 has it."""
    rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    return rounded
