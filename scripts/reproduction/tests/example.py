"""Results of all stages, as a run would give them: plausible figures, in the program's shapes."""

import math
from collections.abc import Iterable
from typing import Any

from reproduction.hat import settings
from reproduction.laboratory import COMPARED, HIERARCHICAL, MODELS
from reproduction.measuring import CLEAN, PERTURBATIONS, PROMPTS, SPELLINGS
from reproduction.recipes import RECIPES

Results = dict[str, Any]

_BITS = {"plain": 2.05, "recommended": 1.95, "subword": 2.0, "fixed": 2.3}
_DROP = {"plain": 0.5, "recommended": 0.6, "subword": 1.1}
_CLEAN = {
    "text": {"bits_per_byte": 2.05, "text_bits_per_byte": 2.0, "word_accuracy": 0.3, "byte_accuracy": 0.6},
    "cloze": {"accuracy": 0.05, "perplexity_per_word": 900.0, "perplexity_per_byte": 4.0},
    "choice": {"accuracy": 0.4, "accuracy_per_byte": 0.45},
}


def results() -> Results:
    found: Results = {
        "machine": {
            **{"date": "2026-11-26", "command": "scripts/reproduce", "commit": "0" * 40, "changed": False},
            **{"processor": "A processor", "cores": 2, "memory_bytes": 2**34, "system": "Linux"},
        },
        "texts": {language: _text(language) for language in ("english", "german")},
        "corpora": {name: _corpus() for name in ("english", "english-fixed", "german")},
        "tokenizer": {"vocabulary": 4096, "holdout": {"bytes_per_token": 3.5}},
        "match": {**{model.name: _side(model.name) for model in MODELS}, "flops_ratio": 1.01},
        "questions": {
            "cloze": {"questions": 500, "example": {"context": "It was ", "target": "late. "}},
            "choice": {
                "questions": 500,
                "example": {"context": "It was late. ", "choices": ["So ", "We "], "answer": 1},
            },
        },
        "measure-recipes": _conditions("recommended", "text", "plain"),
        "measure-fixed": {
            **{kind: {**answer(_CLEAN[kind]), **_against("fixed", kind)} for kind in ("cloze", "choice")},
            "text": answer({name: value * 1.1 for name, value in _CLEAN["text"].items()}),
        },
        "adaptation": {
            "german": {
                model.name: {
                    when: {**answer({"bits_per_byte": bits}), **_against("subword", "text")}
                    for when, bits in (("before", 4.1), ("after", 1.8))
                }
                for model in HIERARCHICAL
            },
            "english": {
                model.name: {**answer({"bits_per_byte": 2.5}), **_against(model.name, "text")}
                for model in COMPARED
            },
        },
        "words": _words(),
        "inference": {
            "measurements": [_speed(model.name, batch) for model in COMPARED for batch in (1, 16)],
            "ratios": {model.name: generation_ratios() for model in HIERARCHICAL},
        },
        "samples": {model.name: {prompt: f"{prompt}& so <on>" for prompt in PROMPTS} for model in MODELS},
    }
    for model in MODELS:
        found[f"train-{model.name}"] = training(_BITS[model.name], 1e6)
    for model in HIERARCHICAL:
        found[f"measure-{model.name}"] = {kind: _conditions(model.name, kind) for kind in _CLEAN}
        found[f"adapt-{model.name}"] = training(1.7, 1e6)
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
    totals["peak_learning_rate"] = 0.0048
    return {**totals, "curve": curve, "configuration": "model:\n  width: 128\n"}


def _conditions(name: str, kind: str, against: str = "subword") -> Results:
    return {
        each: comparison(name, kind, perturbed=each != CLEAN, against=against)
        for each in (CLEAN, *PERTURBATIONS)
    }


def comparison(name: str, kind: str, perturbed: bool, against: str = "subword") -> Results:
    """Of two models, on text or questions."""
    found: Results = {**answer(_CLEAN[kind]), **_against(against, kind)}
    if perturbed:
        found["relative_drop"] = _drops(name, kind)
        found["against"]["relative_drop"] = _drops(against, kind)
        found["ratio_of_drops"] = answer(dict.fromkeys(_CLEAN[kind], 2.2))
    return found


def _against(name: str, kind: str) -> Results:
    """What comes with another model: its figures, and differences that are nearly nothing."""
    difference = dict.fromkeys(_CLEAN[kind], 0.01)
    unsure = {"intervals": {figure: [-0.01, 0.03] for figure in difference}}
    return {"against": {"checkpoint": name, **answer(_CLEAN[kind])}, "difference": {**difference, **unsure}}


def _drops(name: str, kind: str) -> Results:
    return answer(dict.fromkeys(_CLEAN[kind], _DROP[name]))


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


def _side(name: str) -> Results:
    return {"settings": settings(configuration(name)), **plan()}


def plan() -> Results:
    memory = [{"zero_stage": 1, "total": 2**28}]
    return {"total_parameters": 1_000_000, "zero_stage": 1, "bytes_per_rank": memory}


def configuration(name: str, values: Iterable[tuple[str, str]] = ()) -> str:
    """A complete configuration, as far as a test reads it."""
    found = {"model.width": 128, **RECIPES.get(name, {}), **dict(values)}
    lines = []
    for section in ("model", "training"):
        own = {key: value for key, value in found.items() if key.startswith(section)}
        lines += [f"{section}:", *(f"  {key.partition('.')[2]}: {value}" for key, value in own.items())]
    return "\n".join(lines) + "\n"


def _words() -> Results:
    nearest = [{"word": word, "cosine": 0.7} for word in ("one", "two", "three")]
    spellings = [each for word, misspelt in SPELLINGS.items() for each in (word, *misspelt)]
    share = {"words": 2000, "perturbed_words": 800, "nearest_is_right": 500, "share": 0.625}
    return {
        "neighbours": {model.name: dict.fromkeys(spellings, nearest) for model in HIERARCHICAL},
        "recognized": {model.name: dict.fromkeys(PERTURBATIONS, share) for model in HIERARCHICAL},
    }


def generation_ratios() -> list[Results]:
    return [
        {"batch": batch, "prompt_bytes_per_second": 1.2, "decode_bytes_per_second": 1.5} for batch in (1, 16)
    ]


def _speed(model: str, batch: int) -> Results:
    phase = {"bytes_per_second": 3e3 * batch, "flops_per_byte": 1e6, "embedding_hit_rate": 0.9}
    if model == "subword":
        del phase["embedding_hit_rate"]
    return {
        **{"model": model, "checkpoint": f"runs/{model}", "batch": batch, "prompt": phase, "decode": phase},
        **{"peak_resident_bytes": 2**27, "uncached_bytes_per_second": 100.0},
    }
