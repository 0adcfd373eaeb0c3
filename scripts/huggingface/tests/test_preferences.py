import json
import math
import unittest
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from huggingface.tests.program import FOLDER, MODELS, hat, run
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from tuning.dialogues import Author

# One of each kind, with every feature that its exports can have without code of ours for the baseline.
_NAMES = ("all", "qwen")
_WORDS = "bear winter summer house glass silver garden month river stone letter window".split()
_BETA = 0.3


@cache
def _corpus(kind: str) -> Path:
    author = Author(_WORDS, 1)
    if kind == "dialogues":
        lines = [each.encode() for each in author.training(300)]
    else:
        lines = [author.pair(each, "") for each in author.measuring(6)]
    file, folder = FOLDER / f"{kind}.jsonl", FOLDER / f"corpus-{kind}"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    share = 0 if kind == "dialogues" else 0.5
    hat("preprocess", "--documents", kind, "--holdout", share, "--output", folder, file)
    return folder


@cache
def _held_out() -> dict[str, dict[str, Any]]:
    """The pairs that no model is trained by, with their checksums, as hat's shards have them."""
    found = {}
    for shard in sorted(_corpus("preferences").glob("holdout-*.shard")):
        for number in range(json.loads(hat("inspect", "shard", shard, "--json"))["counts"]["documents"]):
            document = json.loads(hat("inspect", "shard", shard, "--document", number, "--json"))
            border = document["words"].index("[S]")
            chosen, rejected = _messages(document["words"][:border]), _messages(document["words"][border + 1 :])
            assert chosen[:-1] == rejected[:-1]
            found[document["checksum"]] = {"prompt": chosen[:-1], "chosen": chosen[-1:], "rejected": rejected[-1:]}
    assert 15 < len(found) < 45
    return found


def _messages(words: list[str]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for word in words:
        if word in ("[system]", "[user]", "[assistant]"):
            found.append({"role": word[1:-1], "content": ""})
        elif word != "[turn end]":
            found[-1]["content"] += word
    return found


def _trained(name: str, model: str, start: Path, corpus: str, **training: object) -> Path:
    folder, file = FOLDER / f"pairs-{name}-{model}", FOLDER / f"pairs-{name}-{model}.yaml"
    settings = {
        "model": MODELS[name], "data": {"sequence_words": 128, "sequence_bytes": 1024, "seed": 5},
        "training": {"sequences_per_step": 4, "micro_batches": 2, "warmup_steps": 2, **training},
        "output": {"checkpoint_every": 0, "evaluate_every": training["steps"]},
    }
    file.write_text(json.dumps(settings).replace('"true"', "true"))
    hat(
        *("train", "--config", file, "--initialize-from", start, "--data", _corpus(corpus), "--output", folder),
        *("--threads", 1),
    )
    return folder


@cache
def _tuned(name: str) -> Path:
    """A model that has read a few dialogues: the reference of preferences."""
    return _trained(name, "tuned", run(name), "dialogues", steps=20, peak_learning_rate=0.003)


@cache
def _preferred(name: str) -> Path:
    settings = {"steps": 12, "peak_learning_rate": 0.002, "preference_beta": _BETA}
    return _trained(name, "preferred", _tuned(name), "preferences", **settings)


@cache
def _exported(run: Path) -> Path:
    folder = run.with_name(f"{run.name}-exported")
    hat("export", "--checkpoint", run, "--output", folder, "--format", "huggingface")
    return folder


def _model(run: Path) -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(_exported(run), trust_remote_code=True).eval()


def _tokenizer(run: Path) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(_exported(run), trust_remote_code=True)


def _reported(name: str) -> dict[str, float]:
    """What hat says of the held-out pairs at the end of the training."""
    line = json.loads((_preferred(name) / "evaluations.jsonl").read_text().splitlines()[-1])
    assert line["pairs"] == len(_held_out())
    return {figure: line[key] for figure, key in _KEYS.items()}


# The names that hat has for what is compared.
_KEYS = {"loss": "loss", "margin": "preference_reward", "accuracy": "preference_accuracy"}


@cache
def _log_ratios(run: Path) -> dict[str, float]:
    """log π(chosen) − log π(rejected) of each held-out pair: all that stands behind the prompt, and the assistant's mark, counts."""
    model, tokenizer, found = _model(run), _tokenizer(run), {}
    for checksum, pair in _held_out().items():
        chosen, rejected = (
            _log_probability(model, tokenizer, pair["prompt"], pair[answer]) for answer in ("chosen", "rejected")
        )
        found[checksum] = chosen - rejected
    return found


@torch.no_grad()
def _log_probability(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, prompt: list[Any], answer: list[Any]
) -> float:
    asked = tokenizer.apply_chat_template(prompt, add_generation_prompt=True)["input_ids"]
    symbols = torch.tensor([tokenizer.apply_chat_template(prompt + answer)["input_ids"]])
    assert symbols[0, : len(asked)].tolist() == asked
    likely = model(symbols).logits[0, :-1].double().log_softmax(-1).gather(1, symbols[0, 1:, None])
    return likely[len(asked) - 1 :].sum().item()


class PreferenceTests(unittest.TestCase):
    """The loss of preference pairs, against the paper's equation in PyTorch and against TRL."""

    def test_what_the_reference_says_of_each_pair(self) -> None:
        for name in _NAMES:
            with self.subTest(name):
                kept = json.loads((_preferred(name) / "reference.json").read_text())["pairs"]
                margins = {pair["pair"]: pair["margin"] for pair in kept}
                for checksum, ratio in _log_ratios(_tuned(name)).items():
                    self.assertAlmostEqual(margins[checksum], ratio, delta=2e-4)

    def test_evaluate_says_the_same_of_pairs(self) -> None:
        for name in _NAMES:
            with self.subTest(name):
                ratios = list(_log_ratios(_preferred(name)).values())
                answer = hat("evaluate", "--checkpoint", _preferred(name), "--data", _corpus("preferences"), "--json")
                found = json.loads(answer)
                self.assertEqual(found["pairs"], len(ratios))
                self.assertAlmostEqual(found["preference_margin"], sum(ratios) / len(ratios), delta=1e-4)
                self.assertEqual(found["preferred_pairs"], sum(ratio > 0 for ratio in ratios))

    def test_loss_is_that_of_the_paper(self) -> None:
        """arXiv 2305.18290, equation 7."""
        for name in _NAMES:
            with self.subTest(name):
                before = _log_ratios(_tuned(name))
                margins = [_BETA * (ratio - before[pair]) for pair, ratio in _log_ratios(_preferred(name)).items()]
                self.assert_equal(
                    name,
                    loss=sum(math.log1p(math.exp(-margin)) for margin in margins) / len(margins),
                    margin=sum(margins) / len(margins),
                    accuracy=sum(margin > 0 for margin in margins) / len(margins),
                )

    def test_loss_is_that_of_trl(self) -> None:
        for name in _NAMES:
            with self.subTest(name):
                found = _trl(name)
                margin, accuracy = found["eval_rewards/margins"], found["eval_rewards/accuracies"]
                self.assert_equal(name, loss=found["eval_loss"], margin=margin, accuracy=accuracy)

    def assert_equal(self, name: str, **expected: float) -> None:
        found = _reported(name)
        self.assertAlmostEqual(found["loss"], expected["loss"], delta=5e-5)
        self.assertAlmostEqual(found["margin"], expected["margin"], delta=5e-5)
        self.assertAlmostEqual(found["accuracy"], expected["accuracy"], delta=1e-6)
        self.assertGreater(abs(found["loss"] - math.log(2)), 0.02, "a model that has learned nothing")


def _trl(name: str) -> dict[str, float]:
    """What TRL's trainer says of the pairs: their symbols, what counts of them, and the loss are its own work."""
    from datasets import Dataset, disable_progress_bars
    from transformers import PrinterCallback
    from trl import DPOConfig, DPOTrainer
    from trl.trainer import dpo_trainer

    disable_progress_bars()
    pairs = Dataset.from_list(list(_held_out().values()))
    arguments = DPOConfig(
        output_dir=str(FOLDER / "trl"), beta=_BETA, per_device_eval_batch_size=len(pairs), max_length=None, use_cpu=True,
        bf16=False, report_to=[], disable_tqdm=True,
    )
    with patch.object(dpo_trainer, "add_fused_lm_head", wraps=dpo_trainer.add_fused_lm_head) as add:
        if "kind" not in MODELS[name]:
            add.side_effect = _add_log_probabilities
        trainer = DPOTrainer(
            model=_model(_preferred(name)), ref_model=_model(_tuned(name)), args=arguments, train_dataset=pairs,
            eval_dataset=pairs, processing_class=_tokenizer(_preferred(name)),
        )
    trainer.remove_callback(PrinterCallback)
    return trainer.evaluate()


def _add_log_probabilities(model: PreTrainedModel, **_: object) -> None:
    """What TRL wants of a model, where its last product is not one of rows of a single hidden state."""
    from trl.trainer.utils import FusedCausalLMOutput

    forward = model.forward

    def forwarded(
        input_ids: torch.Tensor, labels: torch.Tensor | None = None, fused_lm_head: bool = False, **others: Any
    ) -> Any:
        if not fused_lm_head:
            return forward(input_ids, labels=labels, **others)
        labels = labels[:, 1:]
        counts = labels != -100
        likely = forward(input_ids).logits[:, :-1].log_softmax(-1).gather(2, labels.clamp(min=0)[..., None])[..., 0]
        nothing = torch.zeros_like(likely)
        return FusedCausalLMOutput(
            loss=None, log_probs=likely * counts, entropy=nothing, log_sum_sq_probs=None, mean_logits=nothing,
            is_top1=nothing.bool(), label_mask=counts, aux_loss=None)

    model.forward = forwarded
