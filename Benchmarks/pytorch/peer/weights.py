"""hat's parameter names (safetensors) against this model's fused ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from .configuration import Configuration
from .model import Block, HierarchicalTransformer


def read_configuration(path: Path) -> Configuration:
    with safe_open(path, "pt") as file:
        return Configuration.parse(file.metadata()["configuration"])


def load(model: HierarchicalTransformer, path: Path) -> None:
    """Fills every parameter; a tensor too many or too few is an error."""
    with safe_open(path, "pt") as file, torch.no_grad():
        unread = set(file.keys())
        for name, view in named_views(model, lambda parameter: parameter):
            view.copy_(file.get_tensor(name))
            unread.remove(name)
    if unread:
        raise ValueError(f"{path}: no place for {sorted(unread)}")


def save(model: HierarchicalTransformer, path: Path, like: Path) -> None:
    """hat's names and, from `like`, the metadata of weights that hat exported."""
    with safe_open(like, "pt") as file:
        metadata = file.metadata()
    tensors = {name: view.detach().clone() for name, view in named_views(model, lambda parameter: parameter)}
    save_file(tensors, path, metadata)


def gradients(model: HierarchicalTransformer) -> Iterator[tuple[str, Tensor]]:
    return named_views(model, lambda parameter: parameter.grad)


def named_views(model: HierarchicalTransformer, value: Callable[[nn.Parameter], Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Each of hat's tensors, as a part of `value(parameter)`."""
    yield "byte_embedding.weight", value(model.byte_embedding)
    yield "encoder.norm.weight", value(model.encoder_norm)
    yield "encoder.output_proj.weight", value(model.encoder_output)
    yield "backbone.norm.weight", value(model.backbone_norm)
    yield "decoder.input_proj.weight", value(model.decoder_input)
    yield "decoder.norm.weight", value(model.decoder_norm)
    yield "decoder.head.weight", value(model.head)
    for stack in ("encoder", "backbone", "decoder"):
        for index, block in enumerate(getattr(model, stack)):
            for name, view in block_views(block, value):
                yield f"{stack}.layers.{index}.{name}.weight", view


def block_views(block: Block, value: Callable[[nn.Parameter], Tensor]) -> Iterator[tuple[str, Tensor]]:
    yield "input_norm", value(block.input_norm)
    yield "post_attention_norm", value(block.post_attention_norm)
    for name, view in zip("qkv", value(block.qkv).split(block.splits), strict=True):
        yield f"attention.{name}_proj", view
    yield "attention.o_proj", value(block.o)
    for name, view in zip(("gate", "up"), value(block.gate_up).chunk(2), strict=True):
        yield f"mlp.{name}_proj", view
    yield "mlp.down_proj", value(block.down)
