"""The model's shape, as hat's YAML configuration gives it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

# What the peer has not: a model with it would be another model.
_LEFT_OUT = ("byte_ngrams", "prefix_ngrams", "query_key_norm")


@dataclass(frozen=True)
class StackShape:
    """One of the three stacks of Llama blocks."""

    layers: int
    width: int
    heads: int
    key_value_heads: int
    head_size: int
    hidden: int
    is_causal: bool


@dataclass(frozen=True)
class Configuration:
    encoder: StackShape
    backbone: StackShape
    decoder: StackShape
    rope_theta: float
    weight_decay: float
    clip: float

    @staticmethod
    def parse(text: str) -> Configuration:
        """Reads the complete YAML text that travels with exported weights."""
        settings = yaml.safe_load(text)
        model, training = settings["model"], settings["training"]
        if unknown := [name for name in _LEFT_OUT if model.get(name)]:
            raise ValueError(f"the peer does not know model.{unknown[0]}: leave it out")

        def byte_stack(layers: int, is_causal: bool) -> StackShape:
            width, head_size = model["byte_width"], model["byte_head_size"]
            heads = width // head_size
            hidden = hidden_width(model["byte_mlp_hidden"], width)
            return StackShape(layers, width, heads, heads, head_size, hidden, is_causal)

        width, head_size = model["width"], model["head_size"]
        hidden = hidden_width(model["mlp_hidden"], width)
        return Configuration(
            encoder=byte_stack(model["encoder_layers"], is_causal=False),
            backbone=StackShape(
                model["layers"], width, width // head_size, model["kv_heads"], head_size, hidden, True),
            decoder=byte_stack(model["decoder_layers"], is_causal=True),
            rope_theta=float(model["rope_theta"]),
            weight_decay=float(training["weight_decay"]),
            clip=float(training["clip"]),
        )


def hidden_width(setting: Any, width: int) -> int:
    """`auto` is 8/3 of the width, up to the next multiple of 32."""
    return -(-8 * width // (3 * 32)) * 32 if setting == "auto" else int(setting)
