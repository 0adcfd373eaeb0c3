"""Whether a server gives the probabilities of prompts: without them the harness's scores are those of chance."""

import json
import urllib.error
import urllib.request
from typing import Any

from corpus.errors import ExitCode, Failure

_TEXT = "It was the best of times, it was the worst of times."
_HINT = (
    "The harness would take what is missing for 0 and call the first choice right, or every string. "
    "Serve the model with a server that scores prompts, as `hat-mpirun serve` does."
)


def check(url: str, model: str | None = None, seconds: float = 60) -> str:
    """Asks as `lm_eval --model local-completions` asks for a likelihood.

    - Parameters:
      - url: of the server, without a path.
      - model: a name; None takes the server's first.
    - Returns: the model's name.
    - Raises: `Failure` that says what is wrong with the answer.
    """
    server = _Server(url.rstrip("/").removesuffix("/v1/completions"), seconds)
    try:
        if model is None:
            model = str(server.ask("/v1/models")["data"][0]["id"])
        tokens = server.ask("/tokenize", {"prompt": _TEXT, "add_special_tokens": False})["tokens"]
        request = {
            "model": model,
            "prompt": [tokens],
            "temperature": 0,
            "max_tokens": 1,
            "logprobs": 1,
            "seed": 1234,
            "echo": True,
        }
        answer = server.ask("/v1/completions", request)
        found = answer["choices"][0]["logprobs"] or {}
        own, best = found.get("token_logprobs") or [], found.get("top_logprobs") or []
        fault = _fault(len(tokens), own, best)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        fault = f"an answer has another shape ({type(error).__name__}: {error})"
    if fault:
        raise Failure(ExitCode.INVALID_DATA, f"{url} does not honour `echo` with `logprobs`: {fault}", _HINT)
    return model


def _fault(count: int, own: list[float | None], best: list[dict[str, float] | None]) -> str | None:
    """What is wrong with the figures for a prompt of so many tokens. The first token may be without."""
    if len(own) != count + 1 or len(best) != count + 1:
        return (
            f"a prompt of {count} tokens and 1 written token have {len(own)} figures "
            f"and {len(best)} lists of alternatives, not {count + 1}"
        )
    scored = own[1:count]
    if any(value is None or not value <= 0 for value in scored) or sum(filter(None, scored)) == 0:
        return "the figures of the prompt are no logarithms of probabilities"
    if not all(best[1:count]):
        return "tokens of the prompt are without alternatives"
    return None


class _Server:
    def __init__(self, url: str, seconds: float) -> None:
        self._url, self._seconds = url, seconds

    def ask(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode("utf-8")
        request = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=self._seconds) as answer:
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            raise Failure(
                ExitCode.INVALID_DATA,
                f"{self._url}{path} answers {error.code}: {error.read(300).decode(errors='replace')}",
                _HINT,
            ) from error
        except (OSError, ValueError) as error:
            raise Failure(
                ExitCode.INPUT_MISSING,
                f"{self._url}{path} does not answer ({error})",
                "Name a server's address, such as http://127.0.0.1:8080.",
            ) from error
        if not isinstance(found, dict):
            raise Failure(
                ExitCode.INVALID_DATA, f"{self._url}{path} answers with something else than an object", _HINT
            )
        return found
