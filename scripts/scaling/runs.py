"""The runs that the laws are fitted to: the results of two searches, which docs/experiments keeps."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import ExitCode, Failure
from experiments.results import Line, Results
from experiments.search import Search, Trial, read

FEWEST_RUNS = 8
FEWEST_SIZES = FEWEST_TEXTS = 3
# Sizes and texts that are nearer to each other than this count as one.
_APART = 0.05


@dataclass(frozen=True)
class ScalingRun:
    """`size` is the rung's name, `flops_per_byte` of training, `text_bytes` what the run read, once."""

    size: str
    steps: int
    seed: int
    flops_per_byte: float
    text_bytes: float
    bits_per_byte: float

    @property
    def compute(self) -> float:
        """Training FLOPs."""
        return self.flops_per_byte * self.text_bytes


@dataclass(frozen=True)
class Measured:
    """The runs of one kind of model. `missing` has the names of those without a result."""

    search: str
    runs: tuple[ScalingRun, ...]
    missing: tuple[str, ...]
    corpora: frozenset[str]
    held_out_bytes: frozenset[int]


def measured(search: Search, results: Path) -> Measured:
    """- Raises: `Failure` for a run that read text twice: the law is of text that is read once."""
    kept = Results(results, search.name)
    runs, missing, lines = [], [], []
    for trial in search.trials:
        for seed in search.seeds:
            line = kept.of(search, trial, seed)
            name = _name(search, trial, seed)
            if line is None:
                missing.append(name)
                continue
            _check_read_once(line, f"{search.name}: {name}")
            lines.append(line)
            flops_per_byte = line["flops"] / line["bytes"]
            size, steps = _size(search, trial), trial.steps or search.steps
            runs.append(ScalingRun(size, steps, seed, flops_per_byte, line["bytes"], line["held_out"]))
    corpora = frozenset(line["corpus"]["fingerprint"] for line in lines)
    held_out = frozenset(line["held_out_bytes"] for line in lines)
    return Measured(search.name, tuple(runs), tuple(missing), corpora, held_out)


def measured_enough(names: Iterable[str], searches: Path, results: Path) -> list[Measured]:
    """The runs of each search.

    - Raises: `Failure` if there are too few to fit a law to, or if they are no comparison.
    """
    found = [measured(read(searches / f"{name}.toml"), results) for name in names]
    for each in found:
        _check_enough(each)
    _check_same_text(found)
    return found


def _size(search: Search, trial: Trial) -> str:
    """Of a name such as `mini, 300 steps`. The base has the size of the configuration it is, or matches."""
    return trial.name.rpartition(", ")[0] if trial.axis else Path(search.match or search.base).stem


def _name(search: Search, trial: Trial, seed: int) -> str:
    name = trial.name if trial.axis else f"{_size(search, trial)}, {search.steps} steps (base)"
    return f"{name}, seed {seed}" if len(search.seeds) > 1 else name


def _check_read_once(line: Line, name: str) -> None:
    if line["bytes"] > line["corpus"]["bytes"]:
        raise Failure(
            ExitCode.INVALID_DATA,
            f"{name} read {line['bytes'] / 1e6:.0f} MB of a corpus of {line['corpus']['bytes'] / 1e6:.0f} MB",
            "The law is of text that is read once: give the trial fewer steps, or train on a larger corpus.",
        )


def _check_enough(found: Measured) -> None:
    sizes = _different(run.flops_per_byte for run in found.runs)
    texts = _different(run.text_bytes for run in found.runs)
    if len(found.runs) >= FEWEST_RUNS and sizes >= FEWEST_SIZES and texts >= FEWEST_TEXTS:
        return
    missing = f" Missing: {'; '.join(found.missing)}." if found.missing else " Its file has too few trials."
    raise Failure(
        ExitCode.INPUT_MISSING,
        f"{found.search} has {len(found.runs)} runs of {sizes} sizes and {texts} lengths of text; "
        f"a law needs {FEWEST_RUNS} runs, {FEWEST_SIZES} sizes and {FEWEST_TEXTS} lengths",
        f"Train them: scripts/search {found.search} --work runs/search --corpus corpora/english.{missing}",
    )


def _check_same_text(found: list[Measured]) -> None:
    corpora = frozenset().union(*(each.corpora for each in found))
    held_out = frozenset().union(*(each.held_out_bytes for each in found))
    if len(corpora) > 1 or len(held_out) > 1:
        raise Failure(
            ExitCode.INVALID_DATA,
            f"The runs have {len(corpora)} corpora and {len(held_out)} held-out texts: "
            + ", ".join(sorted(corpora)),
            "One law is of one text: repeat the runs of the others.",
        )


def _different(values: Iterable[float]) -> int:
    ordered = sorted(values)
    steps = zip(ordered, ordered[1:], strict=False)
    return bool(ordered) + sum(after / before > 1 + _APART for before, after in steps)
