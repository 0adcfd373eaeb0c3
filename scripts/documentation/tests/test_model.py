import json
import re
import struct
import tempfile
import unittest
from pathlib import Path

from documentation.pages import REPOSITORY
from documentation.tests.program import hat


class ModelTests(unittest.TestCase):
    """The numbers that docs/model.md gives for configs/tiny.yaml without n-grams and norms of queries and keys, against the program."""

    folder: Path
    page: str

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.page = (REPOSITORY / "docs/model.md").read_text()
        hat("preprocess", "--output", cls.folder / "corpus", REPOSITORY / "data/shakespeare.jsonl.zst")
        # A step so small that it changes no parameter.
        hat(
            *("train", "--config", REPOSITORY / "configs/tiny.yaml", "--data", cls.folder / "corpus"),
            *("--output", cls.folder / "run", "--threads", 1, "--set", "training.steps=1"),
            *("--set", "training.peak_learning_rate=1e-30", "--set", "output.evaluate_every=0"),
            *("--set", "model.byte_ngrams=0", "--set", "model.prefix_ngrams=0"),
            *("--set", "model.query_key_norm=false"),
        )

    def test_first_weights(self) -> None:
        file = self.folder / "weights.safetensors"
        hat("export", "--checkpoint", self.folder / "run", "--output", file)
        rows = re.findall(r"^\| `([\w.]+\.weight)` \| (.*) \|$", self.page, flags=re.MULTILINE)
        self.assertEqual(len(rows), 3)
        for tensor, values in rows:
            first = ", ".join(f"{value:.9g}" for value in _first_values(file, tensor))
            self.assertEqual(values, first, tensor)

    def test_loss(self) -> None:
        stated = re.search(r"the document `(.+?)`.* is (\d\.\d+) nats over (\d+) positions", self.page)
        assert stated
        text = self.folder / "document.txt"
        text.write_text(stated[1])
        output = hat(
            *("inspect", "gradients", "--checkpoint", self.folder / "run", "--text", text),
            *("--output", self.folder / "gradients.safetensors"),
        )
        found = re.search(r"loss ([\d.]+) over (\d+) target positions", output)
        assert found
        self.assertEqual(int(found[2]), int(stated[3]))
        # The digits of the page are those that do not depend on how sums are rounded.
        self.assertAlmostEqual(float(found[1]), float(stated[2]), delta=1e-6)


def _first_values(file: Path, tensor: str) -> tuple[float, ...]:
    """Four of a tensor of a safetensors file."""
    data = file.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    return struct.unpack_from("<4f", data, 8 + length + header[tensor]["data_offsets"][0])
