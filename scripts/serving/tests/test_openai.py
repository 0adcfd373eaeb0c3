import unittest

from serving.tests.fixture import server

try:
    import openai
except ImportError as error:
    raise unittest.SkipTest("OpenAI's client is not installed: scripts/serving/python installs it") from error


class OpenAITests(unittest.TestCase):
    """OpenAI's own client."""

    def setUp(self) -> None:
        self.client = openai.OpenAI(base_url=f"http://127.0.0.1:{server().port}/v1", api_key="none")
        self.addCleanup(self.client.close)
        self.model = server().name

    def test_models(self) -> None:
        self.assertEqual([model.id for model in self.client.models.list()], [self.model])
        self.assertEqual(self.client.models.retrieve(self.model).owned_by, "hat")

    def test_completions(self) -> None:
        options = {"model": self.model, "prompt": "the whale ", "max_tokens": 40, "seed": 3, "n": 2}
        answer = self.client.completions.create(**options, logprobs=3)
        self.assertEqual([choice.index for choice in answer.choices], [0, 1])
        found = answer.choices[0].logprobs
        assert found and found.token_logprobs and found.top_logprobs and answer.usage
        self.assertEqual(len(found.top_logprobs[0]), 3)
        texts = ["", ""]
        for part in self.client.completions.create(**options, stream=True):
            for choice in part.choices:
                texts[choice.index] += choice.text
        self.assertEqual(texts, [choice.text for choice in answer.choices])

    def test_chat(self) -> None:
        options = {
            "model": self.model, "max_tokens": 60, "seed": 3,
            "messages": [{"role": "system", "content": "of the sea"}, {"role": "user", "content": "the whale"}],
        }  # fmt: skip
        answer = self.client.chat.completions.create(**options, logprobs=True, top_logprobs=2)
        choice = answer.choices[0]
        self.assertEqual((choice.message.role, answer.object), ("assistant", "chat.completion"))
        assert choice.logprobs and choice.logprobs.content
        written = b"".join(bytes(token.bytes or []) for token in choice.logprobs.content)
        self.assertEqual(written.decode(), choice.message.content)
        self.assertEqual(len(choice.logprobs.content[0].top_logprobs), 2)
        parts = list(self.client.chat.completions.create(**options, stream=True))
        self.assertEqual(parts[0].choices[0].delta.role, "assistant")
        text = "".join(part.choices[0].delta.content or "" for part in parts)
        self.assertEqual(text, choice.message.content)
        self.assertEqual(parts[-1].choices[0].finish_reason, choice.finish_reason)
        # The template, from outside.
        prompt = "System: of the sea\nUser: the whale\nAssistant: "
        plain = self.client.completions.create(
            model=self.model, prompt=prompt, max_tokens=60, seed=3, stop=["\nUser:", "\nSystem:"]
        )
        self.assertEqual(plain.choices[0].text, text)

    def test_errors_are_the_clients_own(self) -> None:
        for error, options in (
            (openai.NotFoundError, {"model": "gpt-5"}),
            (openai.BadRequestError, {"tools": [{"type": "function", "function": {"name": "f"}}]}),
            (openai.BadRequestError, {"messages": []}),
            (openai.BadRequestError, {"messages": [{"role": "tool", "content": "a", "tool_call_id": "1"}]}),
            (openai.BadRequestError, {"response_format": {"type": "json_object"}}),
            (openai.BadRequestError, {"top_logprobs": 2}),
        ):
            given = {"model": self.model, "messages": [{"role": "user", "content": "a"}]} | options
            with self.assertRaises(error) as caught:
                self.client.chat.completions.create(**given)
            self.assertTrue(caught.exception.body)
