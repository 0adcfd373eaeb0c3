import base64
import json
import math
import unittest

import torch
from huggingface.tests.program import FOLDER, MODELS, PAGE, exported, hat, imported, run, weights, written
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

_NAMES = [name for name, settings in MODELS.items() if "kind" in settings]
_CLASSES = {
    "llama": "LlamaForCausalLM",
    "qwen": "Qwen3ForCausalLM",
    "llama-ngrams": "LlamaWithNgramsForCausalLM",
    "qwen-ngrams": "Qwen3WithNgramsForCausalLM",
}


def _model(name: str) -> PreTrainedModel:
    """Without any code of ours where transformers has the model."""
    return AutoModelForCausalLM.from_pretrained(exported(name), trust_remote_code="ngrams" in name).eval()


def _tokenizer(name: str) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(exported(name), trust_remote_code="ngrams" in name)


class SubwordTests(unittest.TestCase):
    """The subword baseline, as the models of transformers that it is."""

    def test_transformers_has_the_model(self) -> None:
        for name in _NAMES:
            self.assertEqual(type(_model(name)).__name__, _CLASSES[name])
            self.assertEqual((exported(name) / "modeling_ngrams.py").exists(), "ngrams" in name)

    @torch.no_grad()
    def test_texts_cost_what_they_cost_hat(self) -> None:
        """Short texts one by one, so that no error can hide in a sum."""
        file = FOLDER / "text.txt"
        for name in _NAMES:
            model, tokenizer = _model(name), _tokenizer(name)
            for text in ["a", "To be", "the king’s größer 語", PAGE[:90]]:
                with self.subTest(name, text=text):
                    file.write_text(text)
                    answer = json.loads(hat("evaluate", "--checkpoint", run(name), "--text", file, "--json"))
                    expected = answer["bits_per_byte"] * len(text.encode()) * math.log(2)
                    tokens = torch.tensor([[*tokenizer(text)["input_ids"], tokenizer.eos_token_id]])
                    logits = model(tokens).logits[0, :-1].double().log_softmax(-1)
                    nats = -logits.gather(1, tokens[0, 1:, None]).sum().item()
                    self.assertAlmostEqual(nats, expected, delta=1e-5 * (tokens.shape[1] - 1))

    def test_greedy_text_is_that_of_hat(self) -> None:
        for name in _NAMES:
            model, tokenizer = _model(name), _tokenizer(name)
            for prompt in ("KING", "To be, or not"):
                with self.subTest(name, prompt=prompt):
                    # So short that hat's context of 24 words is not full, and that what fits its limit of bytes comes later.
                    expected = written(run(name), prompt, 80)[: len(prompt) + 60]
                    inputs = tokenizer(prompt, return_tensors="pt")
                    tokens = model.generate(**inputs, do_sample=False, max_new_tokens=60)
                    self.assertEqual(tokenizer.decode(tokens[0], skip_special_tokens=True)[: len(expected)], expected)
                    again = model.generate(**inputs, do_sample=False, max_new_tokens=60, use_cache=False)
                    self.assertTrue(torch.equal(tokens, again))

    def test_padding_changes_nothing(self) -> None:
        for name in _NAMES:
            model, tokenizer = _model(name), _tokenizer(name)
            prompts = ["KING", "To be, or not to be, that is the question"]
            inputs = tokenizer(prompts, padding=True, return_tensors="pt")
            batch = model.generate(**inputs, do_sample=False, max_new_tokens=20)
            for text, prompt in zip(tokenizer.batch_decode(batch, skip_special_tokens=True), prompts, strict=True):
                one = model.generate(**tokenizer(prompt, return_tensors="pt"), do_sample=False, max_new_tokens=20)
                self.assertEqual(text, tokenizer.decode(one[0], skip_special_tokens=True), name)

    def test_tokens_are_those_of_hat(self) -> None:
        for name in _NAMES[:1]:
            tokenizer = _tokenizer(name)
            for text in [PAGE, "", " \n", "Grüße, 語 🙂"]:
                line = json.dumps({"text_b64": base64.b64encode(text.encode()).decode()})
                command = ("tokenizer", "encode", "--tokenizer", run(name) / "tokenizer.json", "--json-lines")
                answer = json.loads(hat(*command, input=line.encode()))
                self.assertEqual(tokenizer(text)["input_ids"], [256, *answer["ids"]])
                self.assertEqual(tokenizer.decode(answer["ids"]), text)

    def test_import_takes_it_back(self) -> None:
        for name in _NAMES:
            again = imported(exported(name), f"{name}-again")
            self.assertEqual(weights(again), weights(run(name)))
            self.assertEqual((again / "tokenizer.json").read_bytes(), (run(name) / "tokenizer.json").read_bytes())

    def test_import_takes_what_transformers_saved(self) -> None:
        for name in _NAMES:
            folder = FOLDER / f"{name}-saved"
            _model(name).save_pretrained(folder)
            _tokenizer(name).save_pretrained(folder)
            self.assertEqual(weights(imported(folder, f"{name}-saved-again")), weights(run(name)))
