import base64
import json
import unittest

from serving.runs import run
from serving.server import Json, Refused
from serving.tests.fixture import server
from serving.tests.tuned import tuned, tuned_server

_QUESTIONS = ["", "the whale", "größer 語 ", "<user>of the sea<turn-end>", "sea " * 60]


def _messages(question: str, system: str | None = None) -> list[Json]:
    opening = [] if system is None else [{"role": "system", "content": system}]
    return [*opening, {"role": "user", "content": question}]


def _tokens(kind: str, text: str) -> list[int]:
    """Those that the model reads."""
    if kind == "hierarchical":
        return list(text.encode())
    line = json.dumps({"text_b64": base64.b64encode(text.encode()).decode()})
    vocabulary = tuned(kind) / "tokenizer.json"
    answer = run("tokenizer", "encode", "--tokenizer", vocabulary, "--json-lines", text=line)
    ids: list[int] = json.loads(answer)["ids"]
    return ids


class DialogueTests(unittest.TestCase):
    """Models that were tuned on dialogues."""

    def chat(self, kind: str, messages: list[Json], **parameters: object) -> Json:
        served = tuned_server(kind)
        return served.ask("/v1/chat/completions", {"model": served.name, "messages": messages, **parameters})

    def generate(self, kind: str, question: str, system: str | None, *options: object) -> str:
        return run(
            *("generate", "--checkpoint", tuned(kind), "--chat", "--prompt", question, "--top-p", 0.9),
            *([] if system is None else ["--system", system]), *options,
        ).removesuffix("\n")  # fmt: skip

    def test_answers_are_what_generate_writes(self) -> None:
        ended = 0
        for temperature, seed in ((0, 1), (1.0, 5)):
            for question in _QUESTIONS:
                for system in (None, "of a ship"):
                    options = {"temperature": temperature, "top_p": 0.9, "seed": seed, "max_tokens": 80}
                    choice = self.chat("hierarchical", _messages(question, system), **options)["choices"][0]
                    limits = ("--bytes", 80, "--temperature", temperature, "--seed", seed)
                    written = self.generate("hierarchical", question, system, *limits)
                    self.assertEqual(choice["message"]["content"], written)
                    ended += choice["finish_reason"] == "stop"
        self.assertGreater(ended, 2)

    def test_tokens_of_the_baseline_begin_what_generate_writes(self) -> None:
        ended = 0
        for question in _QUESTIONS:
            choice = self.chat("subword", _messages(question), seed=3, top_p=0.9, max_tokens=30)["choices"][0]
            limits = ("--bytes", 2000, "--temperature", 1, "--seed", 3)
            written = self.generate("subword", question, None, *limits)
            text = choice["message"]["content"]
            if choice["finish_reason"] == "stop":
                ended += 1
                self.assertEqual(text, written)
            self.assertTrue(written.startswith(text[: max(0, len(text) - 4)]))
        self.assertGreater(ended, 0)

    def test_the_end_of_a_turn_has_its_probability(self) -> None:
        for kind in ("hierarchical", "subword"):
            found = 0
            for seed in range(12):
                options = {"seed": seed, "max_tokens": 300, "logprobs": True, "top_logprobs": 2}
                choice = self.chat(kind, _messages("the"), **options)["choices"][0]
                tokens = choice["logprobs"]["content"]
                written = b"".join(bytes(token["bytes"]) for token in tokens)
                self.assertEqual(written.decode(), choice["message"]["content"])
                self.assertFalse({token["token"] for token in tokens} & {"<user>", "<system>", "<assistant>"})
                if tokens[-1]["token"] == "<turn-end>":
                    found += 1
                    self.assertEqual((choice["finish_reason"], tokens[-1]["bytes"]), ("stop", []))
                    self.assertLess(tokens[-1]["logprob"], 0)
            self.assertGreater(found, 2, kind)

    def test_streams_are_the_same(self) -> None:
        body = {"messages": _messages("the größer"), "seed": 3, "max_tokens": 200}
        choice = self.chat("hierarchical", **body)["choices"][0]
        events = list(tuned_server().stream("/v1/chat/completions", {"model": tuned_server().name, **body}))
        text = "".join(event["choices"][0]["delta"].get("content") or "" for event in events)
        self.assertEqual(text, choice["message"]["content"])
        self.assertEqual(events[-1]["choices"][0]["finish_reason"], choice["finish_reason"])

    def test_the_template_from_outside(self) -> None:
        """Tokens as prompt, with marks: what lies between them is tokens of text."""
        for kind in ("hierarchical", "subword"):
            served = tuned_server(kind)
            system, question = _tokens(kind, "of a ship"), _tokens(kind, "the größer")
            tokens = [0xF5, *system, 0xF8, 0xF6, *question, 0xF8, 0xF7]
            options = {"seed": 4, "max_tokens": 60}
            answer = self.chat(kind, _messages("the größer", "of a ship"), **options)
            for prompt in (tokens, [256 if kind == "subword" else 0xFE, *tokens]):
                plain = served.complete(prompt, **options)
                self.assertEqual(plain["choices"][0]["text"], answer["choices"][0]["message"]["content"])
                self.assertEqual(plain["choices"][0]["finish_reason"], answer["choices"][0]["finish_reason"])
            self.assertEqual(answer["usage"]["prompt_tokens"], len(tokens))
            named = served.ask("/detokenize", {"tokens": tokens})["prompt"]
            self.assertEqual(named, "<system>of a ship<turn-end><user>the größer<turn-end><assistant>")
            # Text that looks like marks is text.
            self.assertFalse(set(_tokens(kind, named)) & set(range(0xF5, 0xF9)))
            with self.assertRaises(Refused) as caught:
                served.complete(tokens, echo=True, logprobs=1)
            self.assertEqual((caught.exception.status, caught.exception.error["param"]), (400, "echo"))
            for broken in ([0xF6, 0xC3, 0xF8], [0xF6, 0xC3, 0x28]):
                with self.assertRaises(Refused) as caught:
                    served.complete(broken)
                self.assertEqual((caught.exception.status, caught.exception.error["param"]), (400, "prompt"))

    def test_models_say_what_they_were_tuned_with(self) -> None:
        self.assertEqual(tuned_server().ask("/v1/models")["data"][0]["template"], "turns-v1")
        self.assertEqual(server().ask("/v1/models")["data"][0]["template"], "plain")
        for kind in ("hierarchical", "subword"):
            with self.assertRaises(Refused) as caught:
                server(kind).complete([0xF6, 0x61, 0xF8, 0xF7])
            self.assertIn("mark of dialogues", caught.exception.error["message"])
