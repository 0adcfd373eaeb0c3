"""Measures how fast hat and PyTorch read prompts and write, with the same weights, prompts and texts."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from comparison.__main__ import choices, say
from comparison.failure import OUR_FAULT, UNAVAILABLE, WRONG_USAGE, Failure
from comparison.hat import Hat
from comparison.processor import Processor
from torch import Tensor

from .agreement import check
from .report import Comparison, Refused, Round, markdown, report
from .runs import REPOSITORY, Model, Task, Written, export, train
from .writers import MODES, Exported, Way, Writer, measure

PRESETS = ["tiny", "small", "base"]
PRECISIONS = ["float32", "bf16"]


class Course:
    """What all comparisons have in common."""

    def __init__(self, hat: Hat, task: Task, modes: list[str], rounds: int):
        self.hat, self.task, self.modes, self.rounds = hat, task, modes, rounds
        self.comparisons: list[Comparison] = []
        self.refused: list[Refused] = []

    def compare(self, model: Model, precision: str, batches: list[int]) -> None:
        exported = Exported(model.folder, precision, self.task.tokens)
        for batch in batches:
            # What is compiled for one batch size would only be in the way of the next.
            torch.compiler.reset()
            self.compare_batch(model, precision, batch, exported)

    def compare_batch(self, model: Model, precision: str, batch: int, exported: Exported) -> None:
        name, task = f"{model.name}, {batch} at once, {precision}", self.task
        written = model.write(self.hat, task, batch, precision)
        writers: dict[Way, Writer] = {}
        tried = {}
        for mode in self.modes:
            for way in self.ways(mode, tried):
                try:
                    writer = exported.writer(way, batch)
                    speed, symbols = measure(writer, way.threads, written.prompts, batch, task.bytes)
                    say(f"{name}: {way}: {self.agreement(model, exported, written, symbols)}")
                    if mode == "compiled":
                        speed, _ = measure(writer, way.threads, written.prompts, batch, task.bytes)
                except Exception as failure:
                    # Whatever the compiler says: the other ways are measured all the same.
                    say(f"{name}: {way}: error: {failure}")
                    self.refused.append(Refused(model.name, batch, precision, str(way), str(failure) or repr(failure)))
                    continue
                say(f"{name}: {way}: prompts {speed.prompt / 1e3:.3g} kB/s, writing {speed.writing / 1e3:.3g} kB/s")
                writers[way], tried[way] = writer, speed
        if not tried:
            return
        best = {max(tried, key=lambda way: tried[way].prompt), max(tried, key=lambda way: tried[way].writing)}
        rounds = []
        for _ in range(self.rounds):
            speed = model.write(self.hat, task, batch, precision).speed
            rounds.append(Round(speed, {
                str(way): measure(writers[way], way.threads, written.prompts, batch, task.bytes)[0] for way in best}))
        self.comparisons.append(
            Comparison(model.name, batch, precision, {str(way): speed for way, speed in tried.items()}, rounds))

    def ways(self, mode: str, tried: dict) -> list[Way]:
        """A step of a small model is so short that a second thread may cost more than it helps, so the loop is tried with one
        thread too. Compiling takes minutes, so the compiled loop is tried only with the number of threads with which the plain
        loop wrote fastest."""
        threads = self.task.threads
        if mode == "loop":
            return [Way(mode, count) for count in sorted({1, threads})]
        loops = [way for way in tried if way.mode == "loop"]
        if mode == "compiled" and loops:
            threads = max(loops, key=lambda way: tried[way].writing).threads
        return [Way(mode, threads)]

    def agreement(self, model: Model, exported: Exported, written: Written, symbols: list[list[int]]) -> str:
        plain = exported.writer(Way("loop", torch.get_num_threads()), len(symbols))

        def exact(texts: list[list[int]]) -> Tensor:
            precise = Exported(model.folder, "float64", self.task.tokens)
            return precise.writer(Way("loop", torch.get_num_threads()), len(texts)).read(texts)

        return check(
            [plain.symbols(prompt) for prompt in written.prompts], symbols, written.texts, exported.texts, plain.read, exact)


def main() -> int:
    options = parse_options()
    if not options.hat.exists():
        print(f"error: {options.hat} is missing: build it with swift build -c release", file=sys.stderr)
        return WRONG_USAGE
    if "compiled" in options.modes and not shutil.which("g++"):
        print("error: torch.compile needs a C++ compiler: install g++, or leave compiled out of --modes", file=sys.stderr)
        return UNAVAILABLE
    options.folder.mkdir(parents=True, exist_ok=True)
    hat, processor = Hat(options.hat.resolve(), options.folder / "hat.log"), Processor.here()
    task = Task(options.data, options.documents, options.prompt_bytes, options.bytes, options.threads)
    course = Course(hat, task, options.modes, options.rounds)
    precisions = options.precisions or PRECISIONS[: 1 + (processor.avx512_bf16 or processor.amx_bf16)]
    try:
        say(f"Processor: {processor}; PyTorch {torch.__version__}, {options.threads} threads")
        for model in models(hat, options):
            for precision in precisions:
                course.compare(model, precision, options.batches)
                found = report(course.comparisons, course.refused, processor, vars(options))
                (options.folder / "generation.json").write_text(json.dumps(found, default=str, indent=1) + "\n")
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return failure.exit_code
    print(markdown(course.comparisons, course.refused, processor))
    return OUR_FAULT if course.refused else 0


def models(hat: Hat, options: argparse.Namespace) -> Iterator[Model]:
    runs = {}
    if options.checkpoint:
        runs["model"] = options.checkpoint
        if options.baseline:
            runs["its baseline"] = options.baseline
    for preset in [] if options.checkpoint else options.presets:
        say(f"{preset}: training it and its subword model, {options.steps} short steps each")
        runs[f"`{preset}`"], runs[f"`{preset}`'s baseline"] = map(
            str, train(hat, preset, options.data[0], options.steps, options.folder))
    for index, (name, run) in enumerate(runs.items()):
        yield export(hat, name, run, options.folder / f"export-{index}")


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="Benchmarks/generation", description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, nargs="+", default=[], metavar="CORPUS", help="to train on, the first, and to take prompts from")
    add("--presets", type=choices(PRESETS), default=["tiny", "small"], help="to train; default: tiny,small")
    add("--steps", type=int, default=40, help="of each training; default: 40")
    add("--checkpoint", metavar="RUN[@step]", help="instead of training: a run")
    add("--baseline", metavar="RUN[@step]", help="and another beside it")
    add("--precisions", type=choices(PRECISIONS), help="default: float32, and bf16 where the processor multiplies in it")
    add("--modes", type=choices(MODES), default=list(MODES), help=f"of PyTorch; default: {','.join(MODES)}")
    add("--batches", type=numbers, default=[1, 16], help="documents at once; default: 1,16")
    add("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: as many as there are cores")
    add("--documents", type=int, default=16, help="to write; default: 16")
    add("--prompt-bytes", type=int, default=256, help="default: 256")
    add("--bytes", type=int, default=256, help="to write in each; default: 256")
    add("--rounds", type=int, default=3, help="of measurements, hat and PyTorch in each; default: 3")
    add("--hat", type=Path, default=REPOSITORY / ".build/release/hat-mpirun", help="default: .build/release/hat-mpirun")
    add("--folder", type=Path, default=REPOSITORY / "Benchmarks/.work" / "generation", help="for runs and results")
    parser.error = lambda message: parser.exit(WRONG_USAGE, f"error: {message}\n")
    options = parser.parse_args()
    if not options.data and not options.checkpoint:
        parser.error("--data CORPUS is missing, or --checkpoint RUN")
    if options.baseline and not options.checkpoint:
        parser.error("--baseline is for --checkpoint only")
    for name in ("steps", "threads", "documents", "prompt_bytes", "bytes", "rounds"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    return options


def numbers(text: str) -> list[int]:
    found = [int(part) for part in text.split(",")]
    if min(found) < 1:
        raise argparse.ArgumentTypeError("it must be at least 1")
    return found


if __name__ == "__main__":
    sys.exit(main())
