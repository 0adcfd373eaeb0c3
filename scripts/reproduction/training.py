"""Stages: how fast each model trains here, how many steps that makes, and the trainings on English."""

import shutil
from collections.abc import Callable
from dataclasses import asdict

from reproduction import budget
from reproduction.configurations import equal_flops, training_values
from reproduction.curves import Step, evaluated_bytes, read_curve, read_steps
from reproduction.laboratory import Laboratory, Result
from reproduction.models import HIERARCHICAL, MODELS, SUBWORD, Model

# A forward pass is a third of a step, and an evaluation reads at most eight steps' worth of text.
_STEPS_PER_EVALUATION = 8 / 3


def measure_speed(laboratory: Laboratory) -> Result:
    """Seconds and FLOPs of a step, and from them the steps there is time for."""
    english = {model.name: _measure(laboratory, model, model.corpus) for model in MODELS}
    german = {HIERARCHICAL.name: _measure(laboratory, HIERARCHICAL, "german")}
    sequences, size = _matched_batch(laboratory, german[HIERARCHICAL.name])
    german[SUBWORD.name] = _measure(laboratory, SUBWORD, "german", sequences=sequences, size=size)
    settings = laboratory.settings
    return {
        "english": english,
        "german": german,
        "english_steps": budget.steps(
            settings.english_seconds,
            (speed["step_seconds"] for speed in english.values()),
            *(budget.EVALUATIONS, _STEPS_PER_EVALUATION),
        ),
        "german_steps": budget.steps(
            settings.adaptation_seconds,
            (speed["step_seconds"] for speed in german.values()),
            *(budget.ADAPTATION_EVALUATIONS, _STEPS_PER_EVALUATION),
        ),
        "german_batch": {"sequences": sequences, "size": size},
    }


def _matched_batch(laboratory: Laboratory, hierarchical: Result) -> tuple[int, int]:
    """The baseline's batch at the FLOPs of the hierarchical model's: German takes it more tokens a byte."""
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
    values = training_values(
        budget.MEASURED, laboratory.settings.ranks, evaluate_every=0, **_batch(laboratory) | batch
    )
    laboratory.hat.train(
        *(laboratory.configuration(model.name), laboratory.corpus(corpus), run, laboratory.settings.ranks),
        values,
        tokenizer=laboratory.tokenizer if model.has_tokenizer else None,
    )
    steps = read_steps(run)
    shutil.rmtree(run)
    return {
        "step_seconds": budget.step_seconds(steps),
        "bytes_per_step": _mean(steps, lambda step: step.bytes),
        "flops_per_step": _mean(steps, lambda step: step.flops),
    }


def _batch(laboratory: Laboratory) -> dict[str, int]:
    """That of every run but the baseline's on German."""
    return {"sequences": laboratory.settings.sequences_per_step}


def _mean(steps: list[Step], field: Callable[[Step], float]) -> float:
    return sum(map(field, steps)) / len(steps)


def train(model: Model) -> Callable[[Laboratory], Result]:
    """The stage that trains it on English."""

    def work(laboratory: Laboratory) -> Result:
        steps = laboratory.results["speed"]["english_steps"]
        run = laboratory.run_folder(model.name)
        laboratory.hat.train(
            *(laboratory.configuration(model.name), laboratory.corpus(model.corpus), run),
            laboratory.settings.ranks,
            training_values(
                *(steps, laboratory.settings.ranks, budget.every(steps, budget.EVALUATIONS)),
                **_batch(laboratory),
            ),
            tokenizer=laboratory.tokenizer if model.has_tokenizer else None,
        )
        return trained(laboratory, model.name)

    return work


def adapt(model: Model) -> Callable[[Laboratory], Result]:
    """The stage that goes on with German, with a fresh optimiser and schedule."""

    def work(laboratory: Laboratory) -> Result:
        speed = laboratory.results["speed"]
        steps = speed["german_steps"]
        batch = speed["german_batch"] if model is SUBWORD else _batch(laboratory)
        name = f"{model.name}-german"
        laboratory.hat.train(
            *(laboratory.configuration(model.name), laboratory.corpus("german"), laboratory.run_folder(name)),
            laboratory.settings.ranks,
            training_values(
                *(steps, laboratory.settings.ranks, budget.every(steps, budget.ADAPTATION_EVALUATIONS)),
                **batch,
            ),
            start=laboratory.run_folder(model.name),
        )
        return trained(laboratory, name)

    return work


def trained(laboratory: Laboratory, name: str) -> Result:
    """What the run cost and its curve."""
    run = laboratory.run_folder(name)
    steps = read_steps(run)
    return {
        "steps": len(steps),
        "bytes": sum(step.bytes for step in steps),
        "flops": sum(step.flops for step in steps),
        "seconds": sum(step.seconds for step in steps),
        "evaluated_bytes": evaluated_bytes(run),
        "curve": [asdict(point) for point in read_curve(run)],
        "configuration": (run / "config.yaml").read_text("utf-8"),
    }
