"""Runs that follow a known law, but for noise."""

import random
from pathlib import Path

from experiments.results import Results, _identity
from experiments.search import read
from scaling.command import SEARCHES
from scaling.fit import Coefficients
from scaling.runs import Measured, ScalingRun, _size

HIERARCHICAL = Coefficients(0.9, 0.45, 0.35, 0.4, 0.3)
# Behind while small, and ahead when large.
BETTER_FLOOR = Coefficients(0.85, 0.52, 0.35, 0.44, 0.3)

_SIZES = {"nano": 0.7e6, "tiny": 2.7e6, "mini": 3.6e6, "midi": 8e6, "small": 18e6}
_STEPS = (150, 300, 600, 1200)
_STEP_BYTES = 23_000


def runs(law: Coefficients, noise: float = 0.0, seed: int = 1) -> tuple[ScalingRun, ...]:
    """The larger the size, the fewer lengths."""
    chance = random.Random(seed)
    found = []
    for place, (size, flops_per_byte) in enumerate(_SIZES.items()):
        for steps in _STEPS[: 5 - place]:
            bits = law.bits_per_byte(flops_per_byte, steps * _STEP_BYTES) * (1 + chance.gauss(0, noise))
            found.append(ScalingRun(size, steps, 1, flops_per_byte, steps * _STEP_BYTES, bits))
    return tuple(found)


def measured(law: Coefficients, noise: float = 0.002, seed: int = 1) -> Measured:
    return Measured("scaling", runs(law, noise, seed), (), frozenset({"c"}), frozenset({1000}))


def keep(results: Path, name: str, law: Coefficients, corpus: str = "c") -> None:
    """Results of every trial of a search of the repository, as `scripts/search` would write them."""
    search = read(SEARCHES / f"{name}.toml")
    kept = Results(results, name)
    chance, sizes = random.Random(name), list[str]()
    for trial in search.trials:
        size = _size(search, trial)
        sizes += [size] if size not in sizes else []
        flops_per_byte, text = 6e5 * 2.3 ** sizes.index(size), (trial.steps or search.steps) * _STEP_BYTES
        bits = law.bits_per_byte(flops_per_byte, text) * (1 + chance.gauss(0, 0.002))
        for seed in search.seeds:
            kept.keep(
                {
                    **{"key": f"{trial.name}, {seed}", "trial": _identity(search, trial, seed)},
                    **{"flops": flops_per_byte * text, "bytes": text, "held_out": bits},
                    **{"held_out_bytes": 1000, "corpus": {"fingerprint": corpus, "bytes": 100_000_000}},
                }
            )
