"""Stages: what the models write, and how fast."""

from pathlib import Path

from reproduction.laboratory import Laboratory, Result
from reproduction.models import HIERARCHICAL, MODELS, SUBWORD

PROMPTS = (
    "The people of the United States ",
    "It was a truth that Emma ",
    "In the beginning ",
    "THE PEOPLE OF THE UNITED STATES ",
)
_BYTES = 300
SEED = 1


def write_samples(laboratory: Laboratory) -> Result:
    """For each model what it writes after each prompt."""
    return {
        model.name: {
            prompt: laboratory.hat.generate(laboratory.run_folder(model.name), prompt, _BYTES, SEED)
            for prompt in PROMPTS
        }
        for model in MODELS
    }


def measure_inference(laboratory: Laboratory) -> Result:
    """How fast the two models of equal compute read a prompt and write."""
    runs = {str(laboratory.run_folder(model.name)): model.name for model in (HIERARCHICAL, SUBWORD)}
    found = laboratory.hat.benchmark_generate(*map(Path, runs))
    for measurement in found["measurements"]:
        measurement["model"] = runs[measurement["checkpoint"]]
    return found
