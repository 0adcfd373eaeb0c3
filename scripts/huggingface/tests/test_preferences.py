import json
import math
import unittest
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from huggingface.tests.program import FOLDER, MODELS, hat, run
from transformers import AutoModelForCausalLM, AutoTokenizer
from tuning.dialogues import Author

# One of each kind of model, with every feature that it can have.
_NAMES = ("all", "llama")
_WORDS = "bear winter summer house glass silver garden month river stone letter window".split()
_BETA = 0.3
_SEQUENCES = {"sequence_words": 100, "sequence_bytes": 900, "seed": 5}


@cache
def _corpus(kind: str) -> Path:
    """Dialogues or preference pairs, all of them held out."""
    author = Author(_WORDS, 1)
    lines = [each.encode() for each in author.training(300)] if kind == "dialogues" else list(author.pairs(40))
    file, folder = FOLDER / f"{kind}.jsonl", FOLDER / f"corpus-{kind}"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    hat("preprocess", "--documents", kind, "--holdout", 0, "--output", folder, file)
    return folder


def _pairs() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (_corpus("preferences").parent / "preferences.jsonl").read_text().splitlines()]


def _trained(name: str, model: str, start: Path, corpus: str, **training: object) -> Path:
    folder, file = FOLDER / f"{name}-{model}", FOLDER / f"{name}-{model}.yaml"
    settings = {
        "model": MODELS[name], "data": _SEQUENCES, "output": {"checkpoint_every": 0, "evaluate_every": 0},
        "training": {"sequences_per_step": 4, "micro_batches": 2, "warmup_steps": 2, **training},
    }
    file.write_text(json.dumps(settings).replace('"true"', "true"))
    hat(
        *("train", "--config", file, "--initialize-from", start, "--data", _corpus(corpus), "--output", folder),
        *("--threads", 1),
    )
    return folder


@cache
def _tuned(name: str) -> Path:
    """A model that has read a few dialogues: the reference."""
    return _trained(name, "tuned", run(name), "dialogues", steps=20, peak_learning_rate=0.003)


@cache
def _preferred(name: str) -> Path:
    training = {"steps": 12, "peak_learning_rate": 0.002, "preference_beta": _BETA}
    return _trained(name, "preferred", _tuned(name), "preferences", **training)


@cache
def _exported(run: Path) -> Path:
    folder = run.with_name(f"{run.name}-exported")
    hat("export", "--checkpoint", run, "--output", folder, "--format", "huggingface")
    return folder


def _model(run: Path):
    return AutoModelForCausalLM.from_pretrained(_exported(run), trust_remote_code=True).eval()


@cache
def _evaluated(name: str) -> dict[str, float]:
    """What hat says of the pairs."""
    answer = hat(
        *("evaluate", "--checkpoint", _preferred(name), "--against", _tuned(name), "--data", _corpus("preferences")),
        *("--part", "train", "--json"),
    )
    found = json.loads(answer)
    return {figure: found[key] for figure, key in _KEYS.items()}


# The names that hat's answer has for what is compared.
_KEYS = {"loss": "preference_loss", "margin": "reward_margin", "accuracy": "reward_accuracy"}


class PreferenceTests(unittest.TestCase):
    """The loss of preference pairs, against the paper's equation in PyTorch and against TRL."""

    @torch.no_grad()
    def test_loss_is_that_of_the_paper(self) -> None:
        """arXiv 2305.18290, equation 7."""
        for name in _NAMES:
            with self.subTest(name):
                policy, reference = _model(_preferred(name)), _model(_tuned(name))
                tokenizer = AutoTokenizer.from_pretrained(_exported(_preferred(name)), trust_remote_code=True)
                margins = []
                for pair in _pairs():
                    chosen, rejected = (
                        _log_ratio(policy, reference, tokenizer, pair["prompt"], pair[answer])
                        for answer in ("chosen", "rejected")
                    )
                    margins.append(_BETA * (chosen - rejected))
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
                self.assert_equal(
                    name,
                    loss=found["eval_loss"],
                    margin=found["eval_rewards/margins"],
                    accuracy=found["eval_rewards/accuracies"],
                )

    def assert_equal(self, name: str, **expected: float) -> None:
        found = _evaluated(name)
        self.assertAlmostEqual(found["loss"], expected["loss"], delta=2e-5)
        self.assertAlmostEqual(found["margin"], expected["margin"], delta=2e-5)
        self.assertAlmostEqual(found["accuracy"], expected["accuracy"], delta=1e-6)
        self.assertGreater(abs(found["loss"] - math.log(2)), 0.02, "a model that has learned nothing")


def _log_ratio(policy, reference, tokenizer, prompt: list[Any], answer: list[Any]) -> float:
    """log π(answer) − log π₀(answer), of all that stands behind the prompt and the mark of the assistant."""
    asked = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=False)
    symbols = torch.tensor([tokenizer.apply_chat_template(prompt + answer, return_dict=False)])
    assert symbols[0, : len(asked)].tolist() == asked
    found = []
    for model in (policy, reference):
        likely = model(symbols).logits[0, :-1].double().log_softmax(-1).gather(1, symbols[0, 1:, None])
        found.append(likely[len(asked) - 1 :].sum().item())
    return found[0] - found[1]


def _trl(name: str) -> dict[str, float]:
    """What TRL's trainer says of the pairs: their marks, what counts of them, and the loss are its own work."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer
    from trl.trainer import dpo_trainer

    pairs = Dataset.from_list(_pairs())
    arguments = DPOConfig(
        output_dir=str(FOLDER / "trl"), beta=_BETA, per_device_eval_batch_size=len(pairs), max_length=None, use_cpu=True,
        bf16=False, report_to=[], disable_tqdm=True,
    )
    tokenizer = AutoTokenizer.from_pretrained(_exported(_preferred(name)), trust_remote_code=True)
    with patch.object(dpo_trainer, "add_fused_lm_head", wraps=dpo_trainer.add_fused_lm_head) as add:
        if "kind" not in MODELS[name]:
            add.side_effect = _add_log_probabilities
        trainer = DPOTrainer(
            model=_model(_preferred(name)), ref_model=_model(_tuned(name)), args=arguments, train_dataset=pairs,
            eval_dataset=pairs, processing_class=tokenizer,
        )
    return trainer.evaluate()


def _add_log_probabilities(model, **_) -> None:
    """What TRL wants of a model, where it has no single last product to take it from."""
    from trl.trainer.utils import FusedCausalLMOutput

    forward = model.forward

    def forwarded(input_ids, labels=None, fused_lm_head=False, **others):
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


if __name__ == "__main__":
    unittest.main()
