import json
import unittest
from functools import cache
from pathlib import Path

import torch
from huggingface.tests.program import FOLDER, exported, hat, imported, run, weights
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

_NAMES = ("all", "paper", "llama", "qwen-ngrams")
_LEARNERS = {"all", "llama", "qwen-ngrams"}
"""Those that do so fast. The others are only said to know dialogues."""
_TURN_END = 0xF8
_ANSWERS = {
    ("", None): "Nothing to say.",
    ("", "Be brief. "): "",
    ("Now is the winter", None): "of our discontent\nMade glorious summer",
    ("Now is the winter", "Be brief. "): "summer",
    ("größer 語 🙂\n\n", None): "語 and größer 🙂 and größer again",
    ("größer 語 🙂\n\n", "Be brief. "): " größer",
}
"""To questions, behind what the system says. They are learned by heart within some hundred steps."""
_OTHERS = [("a " * 40, None), ("To be", "Be long.")]


@cache
def _tuned(name: str) -> Path:
    """A run that knows these dialogues, if it learns fast. transformers has tuned it, from one that is said to know some."""
    source, folder = exported(name), FOLDER / f"{name}-said"
    folder.mkdir()
    for path in source.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    config = json.loads((source / "config.json").read_text())
    config["hat"]["template"] = "turns-v1"
    (folder / "config.json").write_text(json.dumps(config))
    run, said = imported(folder, f"{name}-said-again"), FOLDER / f"{name}-said-exported"
    if name not in _LEARNERS:
        return run
    hat("export", "--checkpoint", run, "--output", said, "--format", "huggingface")
    model, tokenizer = _model(name, said), _tokenizer(name, said)
    _tune(model, tokenizer)
    saved = FOLDER / f"{name}-learned"
    model.save_pretrained(saved)
    tokenizer.save_pretrained(saved)
    return imported(saved, f"{name}-tuned")


def _tune(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    rows = []
    for (question, system), answer in _ANSWERS.items():
        messages = [*_dialogue(question, system), {"role": "assistant", "content": answer}]
        rows.append(tokenizer.apply_chat_template(messages)["input_ids"])
    longest = max(map(len, rows))
    # Behind the end, so that it changes nothing.
    symbols = torch.tensor([row + [tokenizer.pad_token_id] * (longest - len(row)) for row in rows])
    lengths = torch.tensor([len(row) for row in rows])[:, None]
    labels = symbols.masked_fill(torch.arange(longest) >= lengths, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.006)
    for _ in range(800):
        loss = model(symbols, labels=labels).loss
        if loss < 0.06:
            return
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@cache
def _folder(name: str) -> Path:
    folder = FOLDER / f"{name}-tuned-exported"
    hat("export", "--checkpoint", _tuned(name), "--output", folder, "--format", "huggingface")
    return folder


def _model(name: str, folder: Path | None = None) -> PreTrainedModel:
    trusts = name in ("all", "paper") or "ngrams" in name
    return AutoModelForCausalLM.from_pretrained(folder or _folder(name), trust_remote_code=trusts).eval()


def _tokenizer(name: str, folder: Path | None = None) -> PreTrainedTokenizerBase:
    trusts = name in ("all", "paper") or "ngrams" in name
    return AutoTokenizer.from_pretrained(folder or _folder(name), trust_remote_code=trusts)


def _dialogue(question: str, system: str | None) -> list[dict[str, str]]:
    opening = [] if system is None else [{"role": "system", "content": system}]
    return [*opening, {"role": "user", "content": question}]


def _answer(name: str, question: str, system: str | None, count: int) -> str:
    options = [] if system is None else ["--system", system]
    return hat(
        *("generate", "--checkpoint", _tuned(name), "--chat", "--prompt", question, *options),
        *("--bytes", count, "--temperature", 0, "--threads", 1),
    ).decode().removesuffix("\n")


class DialogueTests(unittest.TestCase):
    """Models that were tuned on dialogues."""

    def test_ids_are_those_of_the_template(self) -> None:
        """Written out here from its definition: what messages contain is text, whatever it looks like."""
        messages = [
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": "größer? "},
            {"role": "assistant", "content": ""}, {"role": "developer", "content": [{"type": "text", "text": "語"}]},
            {"role": "user", "content": "a b"},
        ]
        for name in _NAMES:
            tokenizer, marks = _tokenizer(name), {"system": 0xF5, "developer": 0xF5, "user": 0xF6, "assistant": 0xF7}
            is_hat = type(tokenizer).__name__ == "HATTokenizer"
            expected = [0xFE if is_hat else 256]
            for message in messages:
                content = message["content"]
                text = content if isinstance(content, str) else content[0]["text"]
                ids = tokenizer(text)["input_ids"][1:]
                expected += [marks[message["role"]], *ids, *([0xFF] if is_hat and ids else []), _TURN_END]
            for goes_on, end in ((True, [0xF7]), (False, [])):
                ids = tokenizer.apply_chat_template(messages, add_generation_prompt=goes_on)["input_ids"]
                self.assertEqual(ids, expected + end, name)
            text = tokenizer.apply_chat_template(messages[:2], tokenize=False, add_generation_prompt=True)
            self.assertEqual(
                text, f"{tokenizer.bos_token}<system>Be brief.<turn-end><user>größer? <turn-end><assistant>")
            self.assertEqual(tokenizer.convert_tokens_to_ids("<turn-end>"), _TURN_END)
            self.assertEqual(tokenizer.decode(ids, skip_special_tokens=True), "Be brief.größer? 語a b")
            with self.assertRaisesRegex(Exception, "the roles are"):
                tokenizer.apply_chat_template([{"role": "tool", "content": "a"}])

    def test_what_looks_like_a_mark_is_text(self) -> None:
        tokenizer = _tokenizer("all")
        text = "<user>[S]<turn-end>[W] <assistant>"
        ids = tokenizer.apply_chat_template([{"role": "user", "content": text}])["input_ids"]
        self.assertEqual(ids, [0xFE, 0xF6, *tokenizer(text)["input_ids"][1:], 0xFF, _TURN_END])
        self.assertEqual(sum(number in range(0xF5, 0xF9) for number in ids), 2)
        # The library's own tokenizer takes names for marks, unless it is told not to.
        tokenizer = _tokenizer("llama")
        ids = tokenizer.apply_chat_template([{"role": "user", "content": text}], sanitize_control_tokens=True)["input_ids"]
        self.assertEqual(sum(number in range(0xF5, 0xF9) for number in ids), 2)

    def test_greedy_answers_are_those_of_hat(self) -> None:
        for name in _NAMES:
            model, tokenizer = _model(name), _tokenizer(name)
            is_hat = type(tokenizer).__name__ == "HATTokenizer"
            ended = 0
            for question, system in [*_ANSWERS, *_OTHERS]:
                # The library does not cut contexts of the baseline.
                if not is_hat and len(question) > 40:
                    continue
                with self.subTest(name, question=question, system=system):
                    inputs = tokenizer.apply_chat_template(
                        _dialogue(question, system), add_generation_prompt=True, return_tensors="pt", return_dict=True)
                    limit = {"max_new_bytes": 100} if is_hat else {"max_new_tokens": 40}
                    output = model.generate(**inputs, do_sample=False, **limit)[0]
                    text = tokenizer.decode(output[inputs["input_ids"].shape[1] :], skip_special_tokens=True)
                    expected = _answer(name, question, system, 100)
                    has_ended = output[-1].item() in (_TURN_END, tokenizer.bos_token_id)
                    ended += output[-1].item() == _TURN_END and text == _ANSWERS.get((question, system))
                    if is_hat or has_ended:
                        self.assertEqual(text, expected)
                    else:
                        # Its last token may be a part of a character, and what fits hat's limit of bytes comes later.
                        same = min(len(text) - 1, 60)
                        self.assertEqual(text[:same], expected[:same])
            if name in _LEARNERS:
                self.assertGreater(ended, 3, f"{name} has not learned its dialogues")

    def test_answers_side_by_side_are_those_of_each(self) -> None:
        model, tokenizer = _model("all"), _tokenizer("all")
        dialogues = [_dialogue(question, "Be brief. ") for question, _ in _ANSWERS]
        options = {"add_generation_prompt": True, "return_tensors": "pt", "return_dict": True}
        inputs = tokenizer.apply_chat_template(dialogues, padding=True, **options)
        batch = model.generate(**inputs, do_sample=False, max_new_bytes=50)
        for dialogue, output in zip(dialogues, batch, strict=True):
            one = model.generate(**tokenizer.apply_chat_template(dialogue, **options), do_sample=False, max_new_bytes=50)
            texts = [tokenizer.decode(symbols, skip_special_tokens=True) for symbols in (output, one[0])]
            self.assertEqual(*texts)

    def test_text_has_no_turn_that_ends(self) -> None:
        model, tokenizer = _model("all"), _tokenizer("all")
        torch.manual_seed(1)
        inputs = tokenizer(["To be "] * 8, return_tensors="pt")
        for symbols in model.generate(**inputs, temperature=50.0, top_p=1.0, max_new_bytes=60).tolist():
            self.assertFalse(set(symbols) & set(range(0xF5, 0xFE)))

    def test_a_mark_within_a_word_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "within a word"):
            _model("all")(torch.tensor([[0xFE, 0xF6, 0x61, _TURN_END]]))

    def test_import_takes_it_back_with_its_template(self) -> None:
        for name in _NAMES:
            again = imported(_folder(name), f"{name}-tuned-again")
            self.assertEqual(weights(again), weights(_tuned(name)))
            self.assertEqual(weights(again)[0]["template"], "turns-v1")
            self.assertNotIn("template", weights(run(name))[0])
            if "tokenizer.json" in {path.name for path in again.iterdir()}:
                self.assertEqual((again / "tokenizer.json").read_bytes(), (run(name) / "tokenizer.json").read_bytes())
            saved = FOLDER / f"{name}-tuned-saved"
            _model(name).save_pretrained(saved)
            _tokenizer(name).save_pretrained(saved)
            self.assertEqual(weights(imported(saved, f"{name}-tuned-saved-again")), weights(_tuned(name)))
            ids = [
                _tokenizer(name, folder).apply_chat_template(_dialogue("a größer", None))["input_ids"]
                for folder in (_folder(name), saved)
            ]
            self.assertEqual(*ids)

    def test_others_have_no_template(self) -> None:
        for name in ("paper", "llama"):
            self.assertIsNone(_tokenizer(name, exported(name)).chat_template)
            settings = json.loads((exported(name) / "generation_config.json").read_text())
            self.assertEqual(settings["eos_token_id"], settings["bos_token_id"])
