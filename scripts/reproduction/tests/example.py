"""Results of all stages, as a run would give them: plausible figures, in the shapes that the program answers in."""

import math
from typing import Any

from reproduction.measuring import PERTURBATIONS
from reproduction.models import COMPARED, MODELS
from reproduction.words import SPELLINGS
from reproduction.writing import PROMPTS

Results = dict[str, Any]

_BITS = {"hierarchical": 2.05, "subword": 2.0, "fixed": 2.3}
_DROP = {"hierarchical": 0.5, "subword": 1.1, "fixed": 0.9}


def results() -> Results:
    found: Results = {
        "machine": {
            **{"date": "2026-11-26", "command": "scripts/reproduce", "commit": "0" * 40, "changed": False},
            **{"processor": "A processor", "cores": 2, "memory_bytes": 2**34, "system": "Linux"},
        },
        "texts": {language: _text(language) for language in ("english", "german")},
        "corpora": {name: _corpus() for name in ("english", "english-fixed", "german")},
        "tokenizer": {"vocabulary": 4096, "holdout": {"bytes_per_token": 3.5}},
        "match": {"hierarchical": _side(1_000_000), "baseline": _side(2_000_000), "baseline_config": "model:\n"},
        "questions": {
            "cloze": {"questions": 500, "example": {"context": "It was ", "target": "late. "}},
            "choice": {
                "questions": 500,
                "example": {"context": "It was late. ", "choices": ["So ", "We "], "answer": 1},
            },
        },
        "adaptation": {model.name: _languages(model.name) for model in COMPARED},
        "words": _words(),
        "inference": {"measured": [_speed(model, batch) for model in _BITS for batch in (1, 16)]},
        "samples": {model.name: {prompt: f"{prompt}& so <on>" for prompt in PROMPTS} for model in MODELS},
    }
    for model in MODELS:
        found[f"train-{model.name}"] = training(_BITS[model.name], 1e6)
        found[f"measure-{model.name}"] = measured(model.name)
    found["adapt-hierarchical"] = training(1.7, 1e6)
    found["adapt-subword"] = training(1.75, 5e5)
    return found


def training(bits_per_byte: float, size: float) -> Results:
    """A power law down to `bits_per_byte` over `size` bytes a step."""
    curve = [
        {
            "step": step,
            "bytes": step * size,
            "flops": step * 4e12,
            "seconds": step * 0.5,
            "bits_per_byte": bits_per_byte + 1.5 * math.exp(-step / 15) + 0.8 / step,
        }
        for step in range(5, 101, 5)
    ]
    totals = {"steps": 100, "bytes": 100 * size, "flops": 4e14, "seconds": 50.0, "evaluated_bytes": 250_000}
    return {**totals, "curve": curve, "configuration": "model:\n  width: 128\n"}


def measured(name: str) -> Results:
    clean = {
        "text": {"bits_per_byte": _BITS[name], "text_bits_per_byte": _BITS[name], "word_accuracy": 0.3},
        "cloze": {"accuracy": 0.05, "perplexity_per_word": 900.0, "perplexity_per_byte": 4.0},
        "choice": {"accuracy": 0.4, "accuracy_per_byte": 0.45},
    }
    clean["text"]["byte_accuracy"] = 0.6
    found: Results = {}
    for kind, figures in clean.items():
        found[kind] = {"clean": answer(figures)}
        for number, perturbation in enumerate(PERTURBATIONS):
            drops = {figure: _DROP[name] / (number + 1) for figure in figures}
            found[kind][perturbation] = {**answer(figures), "relative_drop": answer(drops)}
    return found


def answer(figures: dict[str, float]) -> Results:
    """With intervals of a twentieth on both sides."""
    intervals = {name: [value * 0.95, value * 1.05] for name, value in figures.items()}
    return {**figures, "intervals": intervals, "units": 130, "text_bytes": 1_200_000}


def _text(language: str) -> Results:
    package = {"name": f"texts-{language}", "version": "1", "license": "MIT", "documents": 10, "bytes": 10**7}
    return {"folder": f"texts/{language}", "bytes": 10**7, "packages": [{**package, "sha256": "f" * 64}]}


def _corpus() -> Results:
    part = {"documents": 100, "bytes": 10**6, "words": 10**5}
    return {
        **{"rule": "whitespace-v1", "train": part, "holdout": part},
        **{"bytes_per_word": 5.6, "data_fingerprint": "27d08d518f772e48"},
    }


def _side(parameters: int) -> Results:
    return {"total_parameters": parameters, "training_flops_per_byte": 4e6, "memory": 2**28}


def _languages(name: str) -> Results:
    bits = _BITS[name]
    return {
        "english": {"before": answer({"bits_per_byte": bits}), "after": answer({"bits_per_byte": bits * 1.2})},
        "german": {"before": answer({"bits_per_byte": 4.1}), "after": answer({"bits_per_byte": bits - 0.2})},
    }


def _words() -> Results:
    nearest = [{"word": word, "cosine": 0.7} for word in ("one", "two", "three")]
    spellings = [each for word, misspelt in SPELLINGS.items() for each in (word, *misspelt)]
    share = {"words": 2000, "perturbed_words": 800, "nearest_is_right": 500, "share": 0.625}
    return {
        "neighbours": {spelling: nearest for spelling in spellings},
        "recognized": {perturbation: share for perturbation in PERTURBATIONS},
    }


def _speed(model: str, batch: int) -> Results:
    return {"model": model, "batch": batch, "prompt_bytes_per_second": 1e5, "bytes_per_second": 3e3 * batch}
