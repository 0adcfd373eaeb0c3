import base64
import json
import random
import unittest

import torch
from huggingface.tests.program import FOLDER, MODELS, PAGE, REPOSITORY, exported, hat, imported, run, weights, written
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

_NAMES = [name for name, settings in MODELS.items() if "kind" not in settings]
_CHARACTERS = [
    *range(0x180), *range(0x300, 0x310), *range(0x5D0, 0x5F5), *range(0x660, 0x66A), *range(0x2000, 0x2070),
    *range(0x3040, 0x3100), *range(0xAC00, 0xAC10), *range(0x1F1E6, 0x1F200), *range(0x1F600, 0x1F610), 0x200D, 0x2044,
]


def _model(name: str, dtype: str = "float32") -> PreTrainedModel:
    return AutoModelForCausalLM.from_pretrained(exported(name, dtype), trust_remote_code=True).eval()


def _tokenizer(name: str) -> PreTrainedTokenizerBase:
    return AutoTokenizer.from_pretrained(exported(name), trust_remote_code=True)


def _document(name: str, text: str) -> torch.Tensor:
    """A whole document as symbols: the text with a word mark behind its last word, then the document mark."""
    return torch.tensor([[*_tokenizer(name)(text)["input_ids"], 0xFF, 0xFE]])


class HATTests(unittest.TestCase):
    """The hierarchical model."""

    @torch.no_grad()
    def test_logits_of_a_page_are_those_of_hat(self) -> None:
        page, file = FOLDER / "page.txt", FOLDER / "page.safetensors"
        text = PAGE + (REPOSITORY / "Sources/hat-mpirun/Benchmark/hamlet.txt").read_text()[:2500]
        page.write_bytes(text.encode())
        for name in _NAMES:
            with self.subTest(name):
                hat("inspect", "gradients", "--checkpoint", run(name), "--text", page, "--output", file)
                expected = load_file(file)
                model, symbols = _model(name), _document(name, text)
                # One piece, whatever its length.
                model.config.context_words = 0
                output = model(symbols, labels=symbols)
                self.assertEqual(symbols[0, 1:].tolist(), expected["targets"].long().tolist())
                difference = (output.logits[0, :-1] - expected["logits"]).abs().max().item()
                self.assertLess(difference, 1e-5)
                self.assertAlmostEqual(output.loss.item(), expected["loss"].item(), delta=1e-5)
                self.assertGreater(expected["logits"].std().item(), 0.5, "a model that has learned nothing")

    def test_greedy_text_is_that_of_hat(self) -> None:
        """Also where the context is full, which is after 24 words."""
        for name in _NAMES:
            model, tokenizer = _model(name), _tokenizer(name)
            for prompt in ("", PAGE[:110]):
                with self.subTest(name, prompt=prompt):
                    inputs = tokenizer(prompt, return_tensors="pt")
                    output = model.generate(**inputs, do_sample=False, max_new_bytes=100)
                    text = tokenizer.decode(output[0], skip_special_tokens=True)
                    self.assertEqual(text, written(run(name), prompt, 100))
                    if prompt and name != "fixed":
                        self.assertGreater((output[0] == 0xFF).sum().item(), 24, "the context was never full")

    def test_what_is_kept_and_what_is_beside_changes_no_text(self) -> None:
        model, tokenizer = _model("all"), _tokenizer("all")
        prompts = ["", "KING", PAGE[:60]]
        inputs = tokenizer(prompts, padding=True, return_tensors="pt")
        for options in ({"do_sample": False}, {"do_sample": False, "num_beams": 3}):
            batch = model.generate(**inputs, **options, max_new_tokens=12)
            again = model.generate(**inputs, **options, max_new_tokens=12, use_cache=False)
            self.assertTrue(torch.equal(batch, again))
        alone = [
            model.generate(**tokenizer(prompt, return_tensors="pt"), do_sample=False, max_new_bytes=30)
            for prompt in prompts
        ]
        batch = model.generate(**inputs, do_sample=False, max_new_bytes=30)
        for text, one in zip(tokenizer.batch_decode(batch, skip_special_tokens=True), alone, strict=True):
            self.assertEqual(text, tokenizer.decode(one[0], skip_special_tokens=True))

    def test_samples_are_utf8_of_the_wanted_length(self) -> None:
        model, tokenizer = _model("paper"), _tokenizer("paper")
        torch.manual_seed(1)
        inputs = tokenizer(["größ"] * 8, return_tensors="pt")
        # At this temperature every symbol is likely.
        for symbols in model.generate(**inputs, temperature=50.0, top_p=1.0, max_new_bytes=61).tolist():
            data = bytes(symbol for symbol in symbols if symbol not in (0xFE, 0xFF, 0xC0))
            self.assertLessEqual(len(data.decode().encode()), len("größ".encode()) + 61)

    def test_texts_come_back(self) -> None:
        random.seed(3)
        texts = [PAGE, "", " ", "[S][W] [PAD]", "\0\r\n\t\v\f\x1c\x1f\x85", "\U0010ffff\ue000\ufeff", "e\u0301 " * 60]
        texts += ["".join(chr(random.choice(_CHARACTERS)) for _ in range(60)) for _ in range(200)]
        for name in _NAMES:
            tokenizer = _tokenizer(name)
            for text in texts:
                symbols = tokenizer(text)["input_ids"]
                self.assertEqual(tokenizer.decode(symbols, skip_special_tokens=True), text)
            rule = ["--max-word-bytes", 64, "--split", tokenizer.splitting_rule.rsplit("-v", 1)[0].removesuffix("-16.0")]
            lines = [json.dumps({"text_b64": base64.b64encode(text.encode()).decode()}) for text in texts]
            answers = hat("split", "--json-lines", *rule, input="\n".join(lines).encode()).splitlines()
            for text, answer in zip(texts, answers, strict=True):
                words = [base64.b64decode(word) for word in json.loads(answer)["words_b64"]]
                self.assertEqual(tokenizer.words(text), words, f"{name}: {text!r}")

    def test_bf16_is_float32_rounded(self) -> None:
        exact = load_file(exported("all") / "model.safetensors")
        rounded = load_file(exported("all", "bf16") / "model.safetensors")
        self.assertEqual(exact.keys(), rounded.keys())
        for name, values in exact.items():
            self.assertTrue(torch.equal(values.bfloat16(), rounded[name]), name)
        model = _model("all", "bf16")
        self.assertEqual(model.dtype, torch.bfloat16)
        symbols = _document("all", PAGE)
        self.assertAlmostEqual(
            model(symbols, labels=symbols).loss.item(), _model("all")(symbols, labels=symbols).loss.item(), delta=0.02)
        again = imported(exported("all", "bf16"), "rounded")
        file = FOLDER / "rounded.safetensors"
        hat("export", "--checkpoint", again, "--output", file)
        for name, values in load_file(file).items():
            self.assertTrue(torch.equal(values, rounded[name].float()), name)

    def test_import_takes_it_back(self) -> None:
        for name in _NAMES:
            again = imported(exported(name), f"{name}-again")
            self.assertEqual(weights(again), weights(run(name)))

    def test_import_takes_what_transformers_saved(self) -> None:
        folder = FOLDER / "saved"
        _model("all").save_pretrained(folder, max_shard_size="100KB")
        _tokenizer("all").save_pretrained(folder)
        self.assertGreater(len(list(folder.glob("*.safetensors"))), 1)
        self.assertEqual(weights(imported(folder, "saved-again")), weights(run("all")))
        model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True)
        self.assertEqual(type(model).__name__, "HATForCausalLM")
        self.assertEqual(AutoTokenizer.from_pretrained(folder, trust_remote_code=True).words("a b"), [b"a ", b"b"])

    def test_it_learns(self) -> None:
        model, symbols = _model("all"), _document("all", PAGE)
        before = model(symbols, labels=symbols).loss
        before.backward()
        self.assertTrue(all(parameter.grad is not None for parameter in model.parameters()))
        torch.optim.SGD(model.parameters(), lr=0.05).step()
        self.assertLess(model(symbols, labels=symbols).loss.item(), before.item())
