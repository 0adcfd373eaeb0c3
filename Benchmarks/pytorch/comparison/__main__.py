"""The command: checks that both sides agree, then measures them in alternation."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path

from .agreement import check_gradients, check_step
from .failure import OUR_FAULT, WRONG_USAGE, Failure, ModeFailure
from .hat import Hat
from .material import Material, prepare
from .peer import Peer
from .processor import Processor
from .report import Comparison, Refused, Result, Round, brief, markdown, rate
from .rounding import Rounding, check_rounded_step, measure_rounding
from .variants import LAYOUTS, MODES, PRECISIONS

REPOSITORY = Path(__file__).resolve().parents[3]
STEPS = {"tiny": 20, "small": 6, "base": 2}
"""Timed steps of a round: a few seconds, and at least two."""
CALIBRATION_STEPS = 2
DEFAULT_MODES = ["plain", "tuned", "plain-bf16", "distinct-bf16", "tuned-bf16", "distinct-medium"]


def main() -> int:
    options = parse_options()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    if not options.hat.exists():
        print(f"error: {options.hat} is missing: build it with swift build -c release", file=sys.stderr)
        return WRONG_USAGE
    hat = Hat(options.hat.resolve(), folder / "hat.log")
    processor = Processor.here()
    results = []
    try:
        say(f"Processor: {processor}")
        say_rates(hat, options.precisions)
        corpus = options.data or default_corpus(hat, folder)
        for preset in options.presets:
            results.append(run_preset(hat, corpus, preset, options))
            if options.json:
                print(json.dumps(results[-1].json(processor)), flush=True)
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return failure.exit_code
    if not options.check:
        say("\n" + markdown(results, options.precisions, processor))
    return OUR_FAULT if any(result.refused for result in results) else 0


def run_preset(hat: Hat, corpus: Path, preset: str, options: argparse.Namespace) -> Result:
    configuration = REPOSITORY / "configs" / f"{preset}.yaml"
    material = prepare(hat, configuration, corpus, options.folder, 1 + STEPS[preset])
    rounding = None
    if "bf16" in options.precisions or any(MODES[mode].rounding for mode in options.modes):
        rounding = measure_rounding(hat, material, options.precisions)
        say(f"{preset}: {rounding.check_hat()}")
    result = Result(preset, [], [])
    for mode in options.modes:
        say(f"{preset} {mode}: {MODES[mode].description}")
        try:
            comparison = run_mode(hat, material, rounding, mode, options)
        except ModeFailure as failure:
            say(f"  error: {failure}")
            result.refused.append(Refused(preset, mode, str(failure)))
            continue
        if comparison:
            say(f"  {brief(comparison)}")
            result.comparisons.append(comparison)
    return result


def run_mode(
    hat: Hat, material: Material, rounding: Rounding | None, mode: str, options: argparse.Namespace
) -> Comparison | None:
    """- rounding: needed for a mode in bfloat16."""
    say("  " + check_gradients(hat, material, MODES[mode]))
    steps = 1 + STEPS[material.preset.stem]
    layout = options.layouts[0] if options.check else fastest_layout(material, mode, options)
    with Peer(material, MODES[mode], LAYOUTS[layout], options.folder) as peer:
        say("  " + (check_rounded_step(peer, rounding) if MODES[mode].rounding else check_step(material, peer)))
        if options.check:
            return None
        peer.train(0, steps)
        rounds = [
            Round(
                {
                    precision: hat.measure(material.preset, material.corpus, options.folder / "run", steps, precision)
                    for precision in options.precisions
                },
                peer.train(1, steps - 1))
            for _ in range(options.rounds)]
    return Comparison(material.preset.stem, mode, layout, rounds)


def fastest_layout(material: Material, mode: str, options: argparse.Namespace) -> str:
    """By bytes a second over a few steps, which it has taken before: the second batch of another size makes PyTorch
    compile again. What it compiles is kept, so that nothing compiles while it is measured."""
    rates = {}
    for layout in options.layouts:
        with Peer(material, MODES[mode], LAYOUTS[layout], options.folder) as peer:
            peer.train(0, 1 + CALIBRATION_STEPS)
            rates[layout] = rate(peer.train(1, CALIBRATION_STEPS))
        say(f"  {LAYOUTS[layout].description}: {rates[layout] / 1e3:.1f} kB/s")
    return max(rates, key=rates.__getitem__)


def default_corpus(hat: Hat, folder: Path) -> Path:
    corpus = folder / "corpus"
    hat.run("preprocess", "--output", corpus, "--holdout", "0.05", REPOSITORY / "data/shakespeare.jsonl.zst")
    return corpus


def say_rates(hat: Hat, precisions: list[str]) -> None:
    """What each side's matrix products reach on a core of this machine, now."""
    plans = {precision: hat.plan(REPOSITORY / "configs/tiny.yaml", precision) for precision in precisions}
    result = subprocess.run([sys.executable, "-m", "peer.rates"], capture_output=True, text=True)
    if result.returncode:
        raise Failure(f"PyTorch does not work here:\n{result.stderr}")
    peer = json.loads(result.stdout)
    ours = ", ".join(
        f"{precision} {plan['matrix_product_flops_per_second'] / 1e9:.0f} by {plan['matrix_products']}"
        for precision, plan in plans.items())
    theirs = ", ".join(f"{products} {rate / 1e9:.0f}" for products, rate in peer["flops_per_second"].items())
    say(
        f"1024 x 1024 x 1024 on one core, GFLOP/s: hat {ours}; "
        f"PyTorch {peer['torch']} ({peer['cpu_capability']}) {theirs}")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="Benchmarks/run", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only check that both sides agree")
    parser.add_argument("--presets", type=choices(STEPS), default=list(STEPS), help="such as tiny,small")
    parser.add_argument("--modes", type=choices(MODES), default=DEFAULT_MODES, help=", ".join(MODES))
    parser.add_argument(
        "--precisions", type=choices(PRECISIONS), default=list(PRECISIONS), help="of hat: float32, bf16")
    parser.add_argument(
        "--layouts", type=choices(LAYOUTS), default=list(LAYOUTS),
        help="ddp, threads; the fastest is found first")
    parser.add_argument("--rounds", type=int, default=3, help="of measurements, hat and PyTorch in each")
    parser.add_argument("--data", type=Path, help="a corpus made by preprocess; without it the sample")
    parser.add_argument("--json", action="store_true", help="an object for each preset, a line on standard output")
    parser.add_argument("--hat", type=Path, default=REPOSITORY / ".build/release/hat-mpirun")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "Benchmarks/.work", help="what is kept")
    parser.error = lambda message: parser.exit(WRONG_USAGE, f"error: {message}\n")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def choices(known: Collection[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is not one of {', '.join(known)}")
        return names

    return parse


if __name__ == "__main__":
    sys.exit(main())
