"""Compares how fast a server writes for many clients with how fast `benchmark generate` writes as much.

    scripts/serving/throughput --checkpoint RUN [--clients 16] [--bytes 512] [--rounds 3]

Both read prompts of 256 bytes and write behind them; the time of both is counted. The benchmark's prompts are
held-out text of the run's corpora; the clients' are what the model writes itself. The rounds alternate, since
machines are noisy. Clients wait for whole answers or read streams; they cost little, except those that are
threads of Python, and decode each event as it comes.
"""

import argparse
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from corpus.arguments import Parser
from serving import readers
from serving.runs import run
from serving.server import Json, Server

_PROMPT_BYTES = 256


def benchmark(checkpoint: str, clients: int, size: int, texts: int) -> float:
    """Bytes a second."""
    answer = json.loads(
        run(
            *("benchmark", "generate", "--json", "--checkpoint", checkpoint, "--batch", clients),
            *("--documents", texts, "--bytes", size, "--prompt-bytes", _PROMPT_BYTES),
        )
    )
    measured = answer["measurements"][0]
    seconds = measured["prompt"]["seconds"] + measured["decode"]["seconds"]
    return float(measured["decode"]["bytes"] / seconds)


def serve(server: Server, clients: int, size: int, texts: int, prompts: list[str], kind: str) -> float:
    """Bytes a second."""
    bodies: list[Json] = [
        {
            **{"model": server.name, "prompt": prompts[number % len(prompts)], "max_tokens": size},
            **{"temperature": 0.8, "top_p": 0.95, "seed": number, "stream": kind != "whole"},
        }
        for number in range(texts)
    ]
    if kind == "streamed to threads":
        return _threads(server, clients, bodies)
    seconds, answers = readers.answers(server, clients, bodies)
    return sum(map(readers.text_bytes, answers)) / seconds


def _threads(server: Server, clients: int, bodies: list[Json]) -> float:
    """To clients that read and decode each event, which takes the cores' time as well."""

    def ask(body: Json) -> int:
        events = server.stream("/v1/completions", body)
        return sum(len(event["choices"][0]["text"].encode()) for event in events)

    start = time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        written = sum(pool.map(ask, bodies))
    return written / (time.monotonic() - start)


def prompts_of(checkpoint: str) -> list[str]:
    """What the model writes itself is text of its kind."""
    text = run("generate", "--checkpoint", checkpoint, "--bytes", 64 * _PROMPT_BYTES, "--temperature", 1)
    while len(text.encode()) < 16 * _PROMPT_BYTES:
        text += text
    data = text.encode()
    return [
        data[start : start + _PROMPT_BYTES].decode(errors="ignore")
        for start in range(0, len(data) - _PROMPT_BYTES, _PROMPT_BYTES)
    ]


def main() -> None:
    parser = Parser(
        prog="scripts/serving/throughput",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--bytes", type=int, default=512)
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    prompts = prompts_of(options.checkpoint)
    task = (options.clients, options.bytes, options.texts)
    ratios: dict[str, list[float]] = {"whole": [], "streamed": [], "streamed to threads": []}
    with Server(Path(options.checkpoint), "--slots", str(options.clients)) as server:
        serve(server, *task, prompts, "whole")
        for number in range(options.rounds):
            usual = benchmark(options.checkpoint, *task)
            for name in ratios:
                served = serve(server, *task, prompts, name)
                ratios[name].append(served / usual)
                print(
                    f"round {number + 1}: benchmark {usual:.0f} B/s, {name} {served:.0f} B/s, "
                    f"{served / usual:.2f}",
                    flush=True,
                )
    for name, found in ratios.items():
        print(
            f"{name}: {statistics.median(found):.2f} of the benchmark's throughput, "
            f"the median of {options.rounds}"
        )


if __name__ == "__main__":
    main()
