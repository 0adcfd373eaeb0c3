import json
import re
import unittest
from concurrent.futures import ThreadPoolExecutor

from serving.runs import run
from serving.server import Json, Refused
from serving.tests.fixture import runs, scratch, server

_PROMPTS = ["", "the whale", "größer 語 ", "Ahab said of a white ", "sea " * 60]


class CompletionTests(unittest.TestCase):
    def generate(self, prompt: str, size: int, temperature: float, seed: int) -> str:
        text = run(
            *("generate", "--checkpoint", runs()["hierarchical"], "--prompt", prompt, "--bytes", size),
            *("--temperature", temperature, "--top-p", 0.9, "--seed", seed),
        )
        return text.removeprefix(prompt).removesuffix("\n")

    def test_answers_are_what_generate_writes(self) -> None:
        for temperature in (0, 1.0):
            for prompt in _PROMPTS:
                answer = server().complete(prompt, max_tokens=90, temperature=temperature, top_p=0.9, seed=5)
                self.assertEqual(answer["choices"][0]["text"], self.generate(prompt, 90, temperature, 5))

    def test_and_the_same_beside_others_and_in_streams(self) -> None:
        alone = [server().complete(prompt, max_tokens=80, seed=3) for prompt in _PROMPTS]
        texts = [answer["choices"][0]["text"] for answer in alone]

        def streamed(prompt: str) -> str:
            body = {"model": server().name, "prompt": prompt, "max_tokens": 80, "seed": 3}
            return "".join(event["choices"][0]["text"] for event in server().stream("/v1/completions", body))

        with ThreadPoolExecutor(12) as pool:
            whole = pool.map(lambda prompt: server().complete(prompt, max_tokens=80, seed=3), _PROMPTS * 4)
            streams = pool.map(streamed, _PROMPTS * 4)
            self.assertEqual([answer["choices"][0]["text"] for answer in whole], texts * 4)
            self.assertEqual(list(streams), texts * 4)

    def test_shape(self) -> None:
        answer = server().complete("the ", max_tokens=20, logprobs=2, seed=1)
        self.assertEqual(answer["object"], "text_completion")
        self.assertTrue(answer["id"].startswith("cmpl-"))
        self.assertEqual((answer["model"], answer["seed"]), ("hierarchical", 1))
        choice = answer["choices"][0]
        self.assertIn(choice["finish_reason"], ("stop", "length"))
        found = choice["logprobs"]
        count = len(found["tokens"])
        for name in ("token_logprobs", "top_logprobs", "text_offset", "word_end_logprobs"):
            self.assertEqual(len(found[name]), count)
        self.assertTrue(all(value < 0 for value in found["token_logprobs"]))
        self.assertTrue(all(len(top) == 2 for top in found["top_logprobs"]))
        usage = answer["usage"]
        self.assertEqual(usage["prompt_tokens"], 4)
        self.assertEqual(usage["total_tokens"], 4 + usage["completion_tokens"])
        self.assertEqual(usage["completion_tokens"], len(choice["text"].encode()))
        self.assertIsNone(server().complete("the ")["choices"][0]["logprobs"])

    def test_offsets_are_of_characters(self) -> None:
        found = server().complete("aö語b", echo=True, logprobs=0, max_tokens=0)["choices"][0]["logprobs"]
        self.assertEqual(found["text_offset"], [0, 1, 1, 2, 2, 2, 3])
        self.assertEqual(found["tokens"][:3], ["a", r"bytes:\xc3", r"bytes:\xb6"])
        self.assertIsNone(found["top_logprobs"] if "top_logprobs" in found else None)

    def test_choices_differ_and_depend_on_the_seed_alone(self) -> None:
        ask = lambda **options: [  # noqa: E731
            choice["text"]
            for choice in server().complete(["the ", "a "], n=3, max_tokens=40, **options)["choices"]
        ]
        texts = ask(seed=7)
        self.assertEqual(len(set(texts)), 6)
        self.assertEqual(ask(seed=7), texts)
        self.assertNotEqual(ask(seed=8), texts)
        answer = server().complete("the ", max_tokens=40)
        again = server().complete("the ", max_tokens=40, seed=answer["seed"])
        self.assertEqual(again["choices"][0]["text"], answer["choices"][0]["text"])

    def test_stop_strings(self) -> None:
        whole = server().complete("the ", max_tokens=120, seed=2)["choices"][0]["text"]
        stop = whole[20:24]
        choice = server().complete("the ", max_tokens=120, seed=2, stop=["never", stop])["choices"][0]
        self.assertEqual(choice["text"], whole[: whole.index(stop)])
        self.assertEqual(choice["finish_reason"], "stop")
        body = {"model": server().name, "prompt": "the ", "max_tokens": 120, "seed": 2, "stop": stop}
        events = list(server().stream("/v1/completions", body))
        self.assertEqual("".join(event["choices"][0]["text"] for event in events), choice["text"])
        self.assertEqual(events[-1]["choices"][0]["finish_reason"], "stop")

    def test_tokens_as_prompt(self) -> None:
        for kind in ("hierarchical", "subword"):
            with self.subTest(kind):
                for prompt in _PROMPTS[1:]:
                    tokens = server(kind).ask("/tokenize", {"prompt": prompt, "vocabulary": True})["tokens"]
                    options = {"max_tokens": 30, "seed": 4, "logprobs": 1, "echo": True}
                    text, ids = (server(kind).complete(given, **options) for given in (prompt, tokens))
                    self.assertEqual(text["choices"], ids["choices"])
                    self.assertEqual(server(kind).ask("/detokenize", {"tokens": tokens})["prompt"], prompt)

    def test_bytes_as_prompt(self) -> None:
        for kind in ("hierarchical", "subword"):
            with self.subTest(kind):
                for prompt in _PROMPTS[1:]:
                    tokens = server(kind).ask("/tokenize", {"prompt": prompt})["tokens"]
                    self.assertEqual(len(tokens), len(prompt.encode()))
                    self.assertEqual(server(kind).ask("/detokenize", {"tokens": tokens})["prompt"], prompt)
                    options = {"max_tokens": 30, "seed": 4, "logprobs": 1}
                    text, spelled = (server(kind).complete(given, **options) for given in (prompt, tokens))
                    self.assertEqual(text["choices"], spelled["choices"])
                    self.assertEqual(spelled["usage"]["prompt_tokens"], len(tokens))
                    echo = server(kind).complete(tokens, echo=True, **options)["choices"][0]
                    self.assertEqual(echo["text"], prompt + text["choices"][0]["text"])
                    self.assertEqual(
                        echo["logprobs"]["tokens"][len(tokens) :], text["choices"][0]["logprobs"]["tokens"]
                    )

    def test_bytes_and_tokens_do_not_mix(self) -> None:
        first = server("subword").ask("/tokenize", {"prompt": "a"})["tokens"][0]
        for prompt in ([97, first], [first, 97], [first + 256], [first + 0x80 - 97 + 0x28, first + 0xC3 - 97, first]):
            with self.assertRaises(Refused) as caught:
                server("subword").complete(prompt)
            self.assertEqual((caught.exception.status, caught.exception.error["param"]), (400, "prompt"))

    def test_usage_in_streams(self) -> None:
        for path, given in (
            ("/v1/completions", {"prompt": "the "}),
            ("/v1/chat/completions", {"messages": [{"role": "user", "content": "the"}]}),
        ):
            body = {"model": server().name, "max_tokens": 9, "seed": 1, **given}
            last = list(server().stream(path, {**body, "stream_options": {"include_usage": True}}))[-1]
            self.assertEqual(last["choices"], [])
            self.assertEqual(last["usage"], server().ask(path, body)["usage"])


class ScoreTests(unittest.TestCase):
    """What lm-evaluation-harness's `local-completions` asks, and how it reads the answers."""

    def loglikelihood(self, kind: str, context: str, continuation: str) -> tuple[float, bool]:
        encode = lambda text: server(kind).ask(  # noqa: E731
            "/tokenize", {"prompt": text, "add_special_tokens": False}
        )["tokens"]
        mark = server(kind).ask("/tokenizer_info")["eos_token"]
        context_tokens = encode(context) if context else encode(mark)
        tokens = encode(context + continuation) if context else context_tokens + encode(continuation)
        answer = server(kind).complete(
            [tokens], temperature=0, max_tokens=1, logprobs=1, seed=1234, echo=True
        )
        found = answer["choices"][0]["logprobs"]
        self.assertEqual(len(found["token_logprobs"]), len(tokens) + 1)
        scored = slice(len(context_tokens), -1)
        pairs = zip(found["token_logprobs"][scored], found["top_logprobs"][scored], strict=True)
        return sum(found["token_logprobs"][scored]), all(own == max(top.values()) for own, top in pairs)

    def evaluate(self, kind: str, questions: list[Json]) -> list[Json]:
        """What `evaluate` says of each question by itself."""
        results = []
        for number, question in enumerate(questions):
            file = scratch() / f"question-{number}.jsonl"
            file.write_text(json.dumps(question) + "\n")
            results.append(
                json.loads(run("evaluate", "--checkpoint", runs()[kind], "--cloze", file, "--json"))
            )
        return results

    def test_loglikelihoods_are_those_of_evaluate(self) -> None:
        questions = [
            {"context": "the whale of ", "target": "a ship"},
            {"context": "the whale", "target": " sea and"},
            {"context": "", "target": "größer "},
            {"context": "12 said Ahab of a ", "target": "語 ship."},
            {"context": "the white ", "target": "whale "},
            {"context": "the ", "target": "whal"},
        ]
        for kind in ("hierarchical", "subword"):
            for question, result in zip(questions, self.evaluate(kind, questions), strict=True):
                with self.subTest(kind, **question):
                    found, is_greedy = self.loglikelihood(kind, question["context"], question["target"])
                    self.assertEqual(is_greedy, result["accuracy"] == 1)
                    size = len(question["target"].encode())
                    # evaluate gives exp(nats / bytes).
                    self.assertAlmostEqual(
                        pow(2.718281828459045, -found / size) / result["perplexity_per_byte"], 1, delta=1e-12
                    )

    def test_greedy_continuations_are_greedy(self) -> None:
        for kind in ("hierarchical", "subword"):
            for context in ("the ", "12 ", "of a "):
                text = server(kind).complete(context, temperature=0, max_tokens=12)["choices"][0]["text"]
                if kind == "hierarchical" and text:
                    self.assertTrue(self.loglikelihood(kind, context, text)[1], f"{context}|{text}")
                self.assertFalse(self.loglikelihood(kind, context, "Q" + text)[1])

    def test_one_token_is_written_behind_any_echo(self) -> None:
        # Also where a window of the text begins or ends within a character.
        for kind in ("hierarchical", "subword"):
            text = server(kind).ask("/tokenize", {"prompt": "größer 語 語 🙂 and the whale of a ship. "})["tokens"]
            for start in range(8):
                for end in range(start + 1, len(text), 3):
                    found = server(kind).complete(
                        [text[start:end]], temperature=0, max_tokens=1, logprobs=1, echo=True
                    )
                    self.assertEqual(len(found["choices"][0]["logprobs"]["tokens"]), end - start + 1)

    def test_the_document_mark_opens_a_document(self) -> None:
        information = server().ask("/tokenizer_info")
        self.assertEqual(information["eos_token"], information["bos_token"])
        mark = server().ask("/tokenize", {"prompt": information["eos_token"]})["tokens"]
        self.assertEqual(len(mark), 1)
        self.assertEqual(server().ask("/detokenize", {"tokens": mark})["prompt"], information["eos_token"])
        options = {"echo": True, "logprobs": 1, "max_tokens": 0}
        plain = server().complete("the", **options)["choices"][0]["logprobs"]["token_logprobs"]
        marked = server().complete(mark + list(b"the"), **options)["choices"][0]["logprobs"]["token_logprobs"]
        self.assertEqual(marked, [None, *plain])

    def test_batches_are_what_each_is_alone(self) -> None:
        options = {"temperature": 0, "max_tokens": 1, "logprobs": 1, "echo": True}
        prompts = [list(prompt.encode()) for prompt in _PROMPTS[1:]]
        together = server().complete(prompts, **options)["choices"]
        for prompt, choice in zip(prompts, together, strict=True):
            self.assertEqual(
                server().complete([prompt], **options)["choices"][0] | {"index": 0}, choice | {"index": 0}
            )

    def test_generation_requests(self) -> None:
        answer = server().complete(
            [list(b"the whale ")], max_tokens=40, temperature=0, stop=[".", "<document>"], seed=1234
        )
        self.assertNotIn(".", answer["choices"][0]["text"])


class RefusalTests(unittest.TestCase):
    def test_each_mistake_is_named(self) -> None:
        mistakes: list[tuple[Json, int, str | None]] = [
            ({"model": "gpt"}, 404, "model"),
            ({"model": 1}, 400, "model"),
            ({"prompt": {}}, 400, "prompt"),
            ({"prompt": []}, 400, "prompt"),
            ({"prompt": [1, "a"]}, 400, "prompt"),
            ({"prompt": [255]}, 400, "prompt"),
            ({"prompt": [97, 254]}, 400, "prompt"),
            ({"prompt": [256]}, 400, "prompt"),
            ({"prompt": [0xC3, 0x28, 0x28, 0x28, 0x28]}, 400, "prompt"),
            ({"prompt": "x" * 20_000}, 400, "prompt"),
            ({"max_tokens": -1}, 400, "max_tokens"),
            ({"max_tokens": 10**9}, 400, "max_tokens"),
            ({"max_tokens": "9"}, 400, "max_tokens"),
            ({"max_tokens": 1.5}, 400, "max_tokens"),
            ({"temperature": 3}, 400, "temperature"),
            ({"temperature": "hot"}, 400, "temperature"),
            ({"top_p": 0}, 400, "top_p"),
            ({"n": 0}, 400, "n"),
            ({"n": 1000}, 400, "n"),
            ({"n": True}, 400, "n"),
            ({"seed": -1}, 400, "seed"),
            ({"logprobs": True}, 400, "logprobs"),
            ({"logprobs": 21}, 400, "logprobs"),
            ({"stop": [""]}, 400, "stop"),
            ({"stop": ["a"] * 17}, 400, "stop"),
            ({"stop": 1}, 400, "stop"),
            ({"stream": "yes"}, 400, "stream"),
            ({"stream_options": {"include_usage": True}}, 400, "stream_options"),
            ({"best_of": 2}, 400, "best_of"),
            ({"presence_penalty": 1}, 400, "presence_penalty"),
            ({"logit_bias": {"50256": -100}}, 400, "logit_bias"),
            ({"suffix": "end"}, 400, "suffix"),
            ({"top_k": 5}, 400, "top_k"),
        ]
        for mistake, status, parameter in mistakes:
            with self.subTest(mistake=str(mistake)[:80]):
                with self.assertRaises(Refused) as caught:
                    server().ask("/v1/completions", {"model": server().name, "prompt": "a", **mistake})
                self.assertEqual(caught.exception.status, status)
                self.assertEqual(caught.exception.error["param"], parameter)
                self.assertTrue(caught.exception.error["message"])

    def test_neutral_values_are_no_mistakes(self) -> None:
        server().complete(
            "a", max_tokens=1, best_of=1, presence_penalty=0, frequency_penalty=0, logit_bias={}, suffix=None,
            user="me", stop=None, stream_options=None, logprobs=None, seed=None, stream=False,
        )  # fmt: skip

    def test_bodies_that_are_no_requests(self) -> None:
        for body in (
            b"",
            b"{",
            b"[]",
            b"null",
            b'"a"',
            b"\xff",
            b'{"model": "\xff"}',
            b'{"model": "\\ud800"}',
            b"[" * 5000,
        ):
            with self.assertRaises(Refused) as caught:
                server().ask("/v1/completions", body)
            self.assertEqual(caught.exception.status, 400, body[:20])
        status, _, _ = server().request("POST", "/v1/completions", b"{}", {"Content-Type": "text/plain"})
        self.assertEqual(status, 415)

    def test_addresses_and_methods(self) -> None:
        for method, path, status in (
            ("GET", "/nowhere", 404), ("GET", "/v1/completions", 405), ("POST", "/health", 405),
            ("DELETE", "/v1/models", 405), ("GET", "/v1/models/other", 404), ("GET", "/v1/models/hierarchical", 200),
            ("HEAD", "/health", 200), ("GET", "/openapi.json", 200), ("GET", "/", 200),
        ):  # fmt: skip
            found, body, headers = server().request(method, path)
            self.assertEqual(found, status, f"{method} {path}")
            if method == "HEAD":
                self.assertEqual((body, int(headers["content-length"]) > 0), (b"", True))
            if status == 405:
                self.assertIn("allow", headers)

    def test_metrics_count(self) -> None:
        name = 'hat_request_seconds_count{path="/v1/completions",status="200"}'
        before = server().figures().get(name, 0)
        server().complete("a", max_tokens=1)
        self.assertEqual(server().figures()[name], before + 1)
        self.assertEqual(server().figures()["hat_slots"], 4)
        _, text, headers = server().request("GET", "/metrics")
        self.assertTrue(headers["content-type"].startswith("text/plain"))
        for line in text.decode().splitlines():
            self.assertRegex(
                line, re.compile(r"^(# (HELP|TYPE) hat_\w+ .+|hat_\w+(\{[^{}]*\})? [0-9.e+-]+)$")
            )
