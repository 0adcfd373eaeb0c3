"""The bounds of rounding hold for bfloat16, and for nothing else that is wrong."""

from __future__ import annotations

import math
import tempfile
import unittest
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

from comparison.failure import Failure, ModeFailure
from comparison.rounding import Rounding, Step

HAS_TORCH = find_spec("torch") is not None
if HAS_TORCH:
    import torch
    from peer.batches import Batch
    from peer.configuration import Configuration
    from peer.model import HierarchicalTransformer
    from peer.plan import make_plan
    from peer.rounding import LIKELIHOOD, UNIT, RoundedProducts, Tally, bounds
    from peer.weights import load, named_views
    from safetensors.torch import load_file, save_file

CONFIGURATION = """
model: { byte_width: 32, byte_head_size: 16, byte_mlp_hidden: auto, encoder_layers: 1, decoder_layers: 2, width: 64,
  head_size: 16, kv_heads: 2, layers: 2, mlp_hidden: auto, rope_theta: 10000 }
training: { weight_decay: 0.1, clip: 1.0 }
"""
TRAINED_STEPS = 40
TEXT = "It was a bright cold day in April, and the clocks were striking thirteen. It was a cold day. " * 3


def train(model: HierarchicalTransformer, batch: Batch) -> None:
    """Until every weight matters."""
    plan, optimizer = make_plan(batch, distinct_words=True), torch.optim.AdamW(model.parameters(), 3e-3)
    for _ in range(TRAINED_STEPS):
        optimizer.zero_grad()
        (model(plan) / batch.target_positions).backward()
        optimizer.step()


class CheckTests(unittest.TestCase):
    """Of numbers alone."""

    reference, bounds = Step(2.0, 1.0), Step(0.01, 0.1)

    def rounding(self, hat: Step | None = None, rounded_hat: Step | None = None) -> Rounding:
        return Rounding(self.reference, hat or self.reference, rounded_hat, self.bounds)

    def test_says_how_far_apart_both_are(self) -> None:
        said = self.rounding(rounded_hat=Step(2.009, 1.09)).check_hat()
        self.assertIn("loss apart by 9.0e-03, gradient norm by 9.0e-02", said)

    def test_refuses_what_is_beyond_the_bound_or_no_number(self) -> None:
        for wrong in (Step(2.011, 1.0), Step(2.0, 0.89), Step(math.nan, 1.0), Step(2.0, math.nan)):
            with self.subTest(wrong):
                with self.assertRaisesRegex(ModeFailure, "rounding explains 1.0e-02 and 1.0e-01"):
                    self.rounding().check_peer(wrong)
                with self.assertRaisesRegex(Failure, "hat's bf16 from its float32"):
                    self.rounding(rounded_hat=wrong).check_hat()

    def test_both_in_bfloat16_are_compared_with_each_other(self) -> None:
        self.rounding(rounded_hat=Step(2.007, 1.0)).check_peer(Step(1.993, 1.0))
        with self.assertRaisesRegex(ModeFailure, "from hat's bf16: loss apart by 1.6e-02"):
            self.rounding(rounded_hat=Step(2.008, 1.0)).check_peer(Step(1.992, 1.0))

    def test_float32_agrees_more_closely_than_bfloat16(self) -> None:
        with self.assertRaisesRegex(Failure, "disagree in float32"):
            self.rounding(hat=Step(2.0001, 1.0)).check_hat()


@unittest.skipUnless(HAS_TORCH, "PyTorch is not installed")
class BoundTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.weights, cls.wrong_weights = Path(folder.name) / "right", Path(folder.name) / "wrong"
        torch.manual_seed(1)
        # The model is so small that a second thread would only wait.
        torch.set_num_threads(1)
        model = HierarchicalTransformer(Configuration.parse(CONFIGURATION), "mkl", is_compiled=False)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, 1.0, 0.1) if parameter.ndim == 1 else torch.nn.init.xavier_normal_(parameter)
        cls.batch = Batch.document([word.encode() for word in TEXT.split()])
        train(model, cls.batch)
        tensors = {name: view.detach().clone() for name, view in named_views(model, lambda parameter: parameter)}
        save_file(tensors, cls.weights, {"configuration": CONFIGURATION})
        cls.found = bounds(cls.weights, cls.batch)

    def step(self, weights: Path, is_rounded: bool, distinct_words: bool = True) -> Step:
        model = HierarchicalTransformer(Configuration.parse(CONFIGURATION), "mkl", is_compiled=False)
        load(model, weights)
        with torch.autocast("cpu", torch.bfloat16, enabled=is_rounded):
            loss = model(make_plan(self.batch, distinct_words)) / self.batch.target_positions
        loss.backward()
        norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in model.parameters()])
        return Step(loss.item(), norm.item())

    def rounding(self) -> Rounding:
        reference = Step(self.found["loss"], self.found["gradient_norm"])
        return Rounding(
            reference, reference, None, Step(self.found["loss_bound"], self.found["gradient_norm_bound"]))

    def test_the_float32_side_is_the_plain_model(self) -> None:
        plain = self.step(self.weights, is_rounded=False)
        self.assertAlmostEqual(plain.loss, self.found["loss"], delta=1e-6 * plain.loss)
        self.assertAlmostEqual(plain.gradient_norm, self.found["gradient_norm"], delta=1e-5 * plain.gradient_norm)

    def test_both_factors_and_the_result_of_every_product_count(self) -> None:
        model, tally = HierarchicalTransformer(Configuration.parse(CONFIGURATION), "mkl", is_compiled=False), Tally()
        load(model, self.weights)
        with RoundedProducts(tally):
            loss = model(make_plan(self.batch, distinct_words=True))
        with patch.object(Tally, "add") as add:
            loss.backward()
        blocks = 1 + 2 + 2
        self.assertEqual(add.call_count, 3 * (blocks * (4 + 2) + 3))

    def test_bfloat16_is_within_the_bounds_and_they_are_narrow(self) -> None:
        for distinct_words in (False, True):
            with self.subTest(distinct_words=distinct_words):
                self.rounding().check_peer(self.step(self.weights, is_rounded=True, distinct_words=distinct_words))
        self.assertLess(self.found["loss_bound"], 0.02 * self.found["loss"])
        self.assertLess(self.found["gradient_norm_bound"], 0.1 * self.found["gradient_norm"])

    def test_a_wrong_weight_is_found_whichever_it_is(self) -> None:
        right = load_file(self.weights)
        for name, tensor in right.items():
            with self.subTest(name):
                save_file(right | {name: -tensor}, self.wrong_weights, {"configuration": CONFIGURATION})
                with self.assertRaisesRegex(ModeFailure, "rounding explains"):
                    self.rounding().check_peer(self.step(self.wrong_weights, is_rounded=True))

    def test_nearly_equal_numbers_round_alike_and_others_by_chance(self) -> None:
        factor = UNIT * math.sqrt(2 * math.log(2 / LIKELIHOOD))
        tally, ones = Tally(), torch.ones(4)
        tally.add(torch.tensor([3.0, 3.0 + 2.0**-10, 3.0, 3.0]), ones)
        self.assertAlmostEqual(tally.bound(), factor * (12 + 2.0**-10))
        tally.add(torch.tensor([3.0, -3.0, 3.0 + 2.0**-8, 5.0]), ones)
        self.assertAlmostEqual(tally.bound(), factor * math.sqrt(3**2 + 3**2 + (3 + 2.0**-8) ** 2 + 5**2))
        self.assertEqual(tally.bound(), 0)
