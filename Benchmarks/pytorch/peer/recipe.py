"""Optimiser and schedule (docs/model.md §6)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import yaml

from .configuration import Configuration

_FACTORS = ("hidden_matrix_rate", "embedding_rate", "head_rate", "gain_rate", "byte_module_rate")


@dataclass(frozen=True)
class Recipe:
    optimizer: str
    peak: float
    warmup_steps: int
    floor: float
    """Where the cosine ends, as a part of the peak."""
    steps: int
    betas: tuple[float, float]
    epsilon: float
    weight_decay: float
    clip: float
    momentum: float
    newton_schulz_steps: int

    @staticmethod
    def for_timing(configuration: Configuration) -> Recipe:
        """AdamW, at a rate that changes little."""
        return Recipe(
            "adamw", 1e-4, 0, 1.0, 1, (0.9, 0.95), 1e-8, configuration.weight_decay, configuration.clip, 0.95, 5)

    @staticmethod
    def parse(text: str) -> Recipe:
        """Reads hat's complete YAML text."""
        settings = yaml.safe_load(text)
        training, model = settings["training"], settings["model"]
        if unknown := [name for name in _FACTORS if training.get(name, 1) != 1]:
            raise ValueError(f"the peer has one learning rate for all: training.{unknown[0]} must be 1")
        peak = training["peak_learning_rate"]
        return Recipe(
            optimizer=training["optimizer"],
            peak=_usual_peak(training["optimizer"], model) if peak == "auto" else float(peak),
            warmup_steps=training["warmup_steps"],
            floor=float(training["minimum_learning_rate"]),
            steps=training["steps"],
            betas=(float(training["beta1"]), float(training["beta2"])),
            epsilon=float(training["epsilon"]),
            weight_decay=float(training["weight_decay"]),
            clip=float(training["clip"]),
            momentum=float(training.get("muon_momentum", 0.95)),
            newton_schulz_steps=int(training.get("newton_schulz_steps", 5)))

    def learning_rate(self, step: int) -> float:
        """- step: counted from 1."""
        if step <= self.warmup_steps:
            return self.peak * step / self.warmup_steps
        if self.floor == 1:
            return self.peak
        part = (step - self.warmup_steps) / (self.steps - self.warmup_steps)
        low = self.peak * self.floor
        return low + (self.peak - low) * 0.5 * (1 + math.cos(math.pi * part))


def _usual_peak(optimizer: str, model: dict[str, Any]) -> float:
    """What `auto` is in hat (docs/model.md, section 6)."""
    if optimizer == "muon":
        return 6e-3 * min(1.0, math.sqrt(256 / model["width"]))
    return 3e-4 * 32 * model["head_size"] / model["width"]
