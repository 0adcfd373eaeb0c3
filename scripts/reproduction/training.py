"""Stages: the speed of each model, the number of steps there is time for, and the training runs."""

import math
import shutil
import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict

from reproduction.laboratory import HIERARCHICAL, MODELS, PLAIN, SUBWORD, Laboratory, Model
from reproduction.staging import Result

# Sequences end by bytes, so that every model sees the same text.
SEQUENCE_BYTES = 2048
FEWEST_STEPS = 40

# Steps of a speed measurement. The first ones fill caches and wait for the first text.
_MEASURED_STEPS = 12
_WARM_UP_STEPS = 3
_EVALUATIONS = 24
_ADAPTATION_EVALUATIONS = 40
# The cost of an evaluation, in steps: a forward pass is a third of a step, and an evaluation reads at most
# eight steps' worth of text.
_STEPS_PER_EVALUATION = 8 / 3


def measure_speed(laboratory: Laboratory) -> Result:
    """Seconds and FLOPs per step, and from them the number of steps there is time for."""
    english = {model.name: _measure(laboratory, model, model.corpus) for model in MODELS}
    german = {model.name: _measure(laboratory, model, "german") for model in HIERARCHICAL}
    # Recipes cost no FLOPs: either hierarchical model gives the same batch.
    sequences, size = _matched_batch(laboratory, german[PLAIN.name])
    german[SUBWORD.name] = _measure(laboratory, SUBWORD, "german", sequences=sequences, size=size)
    settings = laboratory.settings
    english_seconds = [speed["step_seconds"] for speed in english.values()]
    german_seconds = [speed["step_seconds"] for speed in german.values()]
    return {
        "english": english,
        "german": german,
        "english_steps": affordable_steps(settings.english_seconds, english_seconds, _EVALUATIONS),
        "german_steps": affordable_steps(
            settings.adaptation_seconds, german_seconds, _ADAPTATION_EVALUATIONS
        ),
        "german_batch": {"sequences": sequences, "size": size},
    }


def affordable_steps(seconds: float, seconds_per_step: Iterable[float], evaluations: int) -> int:
    """Steps that all the runs together have time for, including their evaluations."""
    affordable = seconds / sum(seconds_per_step) - evaluations * _STEPS_PER_EVALUATION
    if affordable >= 100:
        # Two digits: such a number divides into evaluations and is easy to remember.
        unit = 10 ** (len(str(int(affordable))) - 2)
        affordable = affordable // unit * unit
    return max(FEWEST_STEPS, int(affordable))


def equal_flops(
    bytes_per_step: float, flops_per_byte: float, other_flops_per_byte: float, micro_batches: int
) -> tuple[int, int]:
    """Sequences per step, and bytes per sequence, for which the other model's step costs as many FLOPs."""
    wanted = bytes_per_step * flops_per_byte / other_flops_per_byte
    groups = max(1, round(wanted / SEQUENCE_BYTES / micro_batches))
    sequences = groups * micro_batches
    return sequences, math.floor(wanted / sequences)


def train(model: Model) -> Callable[[Laboratory], Result]:
    """The stage that trains the model on English."""

    def work(laboratory: Laboratory) -> Result:
        steps = laboratory.results["speed"]["english_steps"]
        laboratory.hat.train(
            *(laboratory.configuration(model.name), laboratory.corpus(model.corpus)),
            *(laboratory.run_folder(model.name), laboratory.settings.ranks),
            _values(laboratory, steps, math.ceil(steps / _EVALUATIONS)),
            tokenizer=laboratory.tokenizer if model.has_tokenizer else None,
        )
        return _trained(laboratory, model.name)

    return work


def adapt(model: Model) -> Callable[[Laboratory], Result]:
    """The stage that continues with German, with a fresh optimiser and schedule."""

    def work(laboratory: Laboratory) -> Result:
        speed = laboratory.results["speed"]
        steps = speed["german_steps"]
        batch = speed["german_batch"] if model is SUBWORD else {}
        name = f"{model.name}-german"
        laboratory.hat.train(
            *(laboratory.configuration(model.name), laboratory.corpus("german")),
            *(laboratory.run_folder(name), laboratory.settings.ranks),
            _values(laboratory, steps, math.ceil(steps / _ADAPTATION_EVALUATIONS), **batch),
            start=laboratory.run_folder(model.name),
        )
        return _trained(laboratory, name)

    return work


def _matched_batch(laboratory: Laboratory, hierarchical: Result) -> tuple[int, int]:
    """The baseline's batch, at the FLOPs of the hierarchical models': German needs more tokens per byte."""
    subword = _measure(laboratory, SUBWORD, "german")
    return equal_flops(
        hierarchical["bytes_per_step"],
        hierarchical["flops_per_step"] / hierarchical["bytes_per_step"],
        subword["flops_per_step"] / subword["bytes_per_step"],
        max(2, laboratory.settings.ranks),
    )


def _measure(laboratory: Laboratory, model: Model, corpus: str, **batch: int) -> Result:
    run = laboratory.run_folder(f"speed-{model.name}-{corpus}")
    shutil.rmtree(run, ignore_errors=True)
    laboratory.hat.train(
        *(laboratory.configuration(model.name), laboratory.corpus(corpus), run, laboratory.settings.ranks),
        _values(laboratory, _MEASURED_STEPS, evaluate_every=0, **batch),
        tokenizer=laboratory.tokenizer if model.has_tokenizer else None,
    )
    training = laboratory.hat.training(run)
    shutil.rmtree(run)
    return {
        "step_seconds": statistics.median(training.step_seconds[_WARM_UP_STEPS:]),
        "bytes_per_step": training.bytes / training.steps,
        "flops_per_step": training.flops / training.steps,
    }


def _values(
    laboratory: Laboratory,
    steps: int,
    evaluate_every: int,
    sequences: int | None = None,
    size: int = SEQUENCE_BYTES,
) -> dict[str, object]:
    """The settings that all runs share. Only the baseline's batch of German text is another."""
    return {
        "data.sequence_bytes": size,
        # So many that a sequence ends by its bytes, whatever the units.
        "data.sequence_words": size // 2,
        "training.steps": steps,
        "training.sequences_per_step": sequences or laboratory.settings.sequences_per_step,
        "training.micro_batches": max(2, laboratory.settings.ranks),
        "training.warmup_steps": max(5, min(500, steps // 20)),
        "output.evaluate_every": evaluate_every,
        # Often enough that a stopped run loses little.
        "output.checkpoint_every": max(20, steps // 10),
        "output.keep": 1,
    }


def _trained(laboratory: Laboratory, name: str) -> Result:
    """The cost of the run, and its curve."""
    training = asdict(laboratory.hat.training(laboratory.run_folder(name)))
    # A result is kept: only what a report is made of.
    return {key: value for key, value in training.items() if key not in ("step_seconds", "last_bits_per_byte")}
