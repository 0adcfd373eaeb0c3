"""The command: checks that both sides agree, then measures them in alternation."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

from .agreement import check_gradients, check_step
from .failure import WRONG_USAGE, Failure
from .hat import Hat
from .material import Material, prepare
from .peer import Peer
from .report import HEADER, Comparison, lines, rate
from .variants import LAYOUTS, MODES

REPOSITORY = Path(__file__).resolve().parents[3]
STEPS = {"tiny": 20, "small": 6, "base": 2}
"""Timed steps of a round: a few seconds, and at least two."""
CALIBRATION_STEPS = 2


def main() -> int:
    options = parse_options()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    if not options.hat.exists():
        print(f"error: {options.hat} is missing: build it with swift build -c release", file=sys.stderr)
        return WRONG_USAGE
    hat = Hat(options.hat.resolve(), folder / "hat.log")
    try:
        corpus = options.data or default_corpus(hat, folder)
        say_rates(hat)
        comparisons = [
            comparison for preset in options.presets
            for comparison in run_preset(hat, corpus, preset, options)]
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return failure.exit_code
    if comparisons:
        print(HEADER, *(line for comparison in comparisons for line in lines(comparison)), sep="\n", file=sys.stderr)
    return 0


def run_preset(hat: Hat, corpus: Path, preset: str, options: argparse.Namespace) -> list[Comparison]:
    configuration = REPOSITORY / "configs" / f"{preset}.yaml"
    steps = 1 + STEPS[preset]
    material = prepare(hat, configuration, corpus, options.folder, steps)
    results = []
    for mode in options.modes:
        say(f"{preset} {mode}: {MODES[mode].description}")
        say("  " + check_gradients(hat, material, MODES[mode]))
        layout = options.layouts[0] if options.check else fastest_layout(material, mode, options)
        with Peer(material, MODES[mode], LAYOUTS[layout], options.folder) as peer:
            say("  " + check_step(material, peer))
            if options.check:
                continue
            peer.train(0, steps)
            rounds = [
                (hat.measure(configuration, corpus, options.folder / "run", steps), peer.train(1, steps - 1))
                for _ in range(options.rounds)]
        comparison = Comparison(preset, mode, layout, rounds)
        results.append(comparison)
        if options.json:
            print(json.dumps(comparison.json()), flush=True)
    return results


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


def say_rates(hat: Hat) -> None:
    """What each side's matrix products reach on a core of this machine, now."""
    plan = json.loads(hat.run("plan", "--config", REPOSITORY / "configs/tiny.yaml", "--json"))
    result = subprocess.run([sys.executable, "-m", "peer.rates"], capture_output=True, text=True)
    if result.returncode:
        raise Failure(f"PyTorch does not work here:\n{result.stderr}")
    peer = json.loads(result.stdout)
    say(
        f"1024 x 1024 x 1024 on one core, GFLOP/s: hat {plan['matrix_product_flops_per_second'] / 1e9:.0f}; "
        f"PyTorch {peer['torch']} ({peer['cpu_capability']}) with MKL {peer['mkl_flops_per_second'] / 1e9:.0f}, "
        f"with oneDNN {peer['onednn_flops_per_second'] / 1e9:.0f}")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="Benchmarks/run", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only check that both sides agree")
    parser.add_argument("--presets", type=choices(STEPS), default=list(STEPS), help="such as tiny,small")
    parser.add_argument("--modes", type=choices(MODES), default=["plain", "tuned"], help=", ".join(MODES))
    parser.add_argument(
        "--layouts", type=choices(LAYOUTS), default=list(LAYOUTS),
        help="ddp, threads; the fastest is found first")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of measurements")
    parser.add_argument("--data", type=Path, help="a corpus made by preprocess; without it the sample")
    parser.add_argument("--json", action="store_true", help="an object a line on standard output")
    parser.add_argument("--hat", type=Path, default=REPOSITORY / ".build/release/hat-mpirun")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "Benchmarks/.work", help="what is kept")
    parser.error = lambda message: parser.exit(WRONG_USAGE, f"error: {message}\n")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def choices(known: dict):
    def parse(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is not one of {', '.join(known)}")
        return names

    return parse


if __name__ == "__main__":
    sys.exit(main())
