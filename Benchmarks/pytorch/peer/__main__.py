"""A process of the peer: answers each request on standard input with a line of JSON on standard output.

Requests: `train FIRST COUNT` takes optimiser steps; `gradient STEP` gives loss and gradient norm and changes
nothing; `save FILE` writes the weights for hat; `keep FILE` and `resume FILE` write and read the state. All processes of a run get the same requests; each answers for itself.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import torch
import torch.distributed as dist

from .process import peak_resident_bytes
from .recipe import Recipe
from .trainer import Trainer
from .weights import save


def main() -> None:
    options = parse_options()
    torch.set_num_threads(options.threads)
    if options.rounding == "medium":
        torch.set_float32_matmul_precision("medium")
    if options.processes > 1:
        dist.init_process_group(
            "gloo", init_method=f"file://{options.rendezvous}", rank=options.rank,
            world_size=options.processes)
    trainer = Trainer(
        options.weights, options.batches, options.products, options.distinct_words, options.rank,
        options.processes, Recipe.parse(options.recipe.read_text()) if options.recipe else None,
        options.rounding == "autocast")
    answer({"ready": True})
    for line in sys.stdin:
        answer(respond(trainer, line.split(maxsplit=1), options))
    if options.processes > 1:
        dist.destroy_process_group()


def respond(trainer: Trainer, request: list[str], options: argparse.Namespace) -> dict:
    command, operand = request[0], request[1].strip()
    if command in ("save", "keep", "resume"):
        if command == "resume":
            trainer.resume(Path(operand))
        elif options.rank == 0:
            trainer.keep(Path(operand)) if command == "keep" else save(trainer.model, Path(operand), options.weights)
        return {"done": command}
    if command == "gradient":
        loss = trainer.compute_gradient(int(operand))
        norm = torch.nn.utils.get_total_norm([p.grad for p in trainer.model.parameters()])
        return {"loss": loss, "gradient_norm": norm.item()}
    first, count = map(int, operand.split())
    steps = [asdict(trainer.train(step)) for step in range(first, first + count)]
    return {"steps": steps, "peak_resident_bytes": peak_resident_bytes()}


def answer(message: dict) -> None:
    print(json.dumps(message), flush=True)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="peer", description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="exported by hat")
    parser.add_argument("--batches", type=Path, required=True, help="of `hat-mpirun inspect batches`")
    parser.add_argument("--products", choices=["mkl", "onednn"], default="mkl")
    parser.add_argument("--distinct-words", action="store_true")
    parser.add_argument(
        "--rounding", choices=["autocast", "medium"],
        help="products in bfloat16, of weights in float32: under autocast, or of float32 numbers where PyTorch sees fit")
    parser.add_argument("--recipe", type=Path, help="a complete configuration: a training run by its section `training`")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--rendezvous", type=Path, help="a file the processes meet at")
    return parser.parse_args()


if __name__ == "__main__":
    main()
