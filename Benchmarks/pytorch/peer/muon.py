"""Muon (Jordan et al. 2024), with the scale of Liu et al., "Muon is scalable for LLM training", arXiv 2502.16982.

torch.optim.Muon orthogonalises in bfloat16, and whole parameters only: here q, k, v, gate and up are parts of one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .model import HierarchicalTransformer
from .recipe import Recipe

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of a step of Newton and Schulz's iteration, by Jordan."""

Matrix = tuple[nn.Parameter, list[int]]
"""A parameter, and the rows of the matrices it consists of."""


def hidden_matrices(model: HierarchicalTransformer) -> list[Matrix]:
    """All but embedding and head."""
    whole = [model.encoder_output, model.decoder_input]
    found = []
    for block in (*model.encoder, *model.backbone, *model.decoder):
        whole += [block.o, block.down]
        found += [(block.qkv, block.splits), (block.gate_up, [block.shape.hidden] * 2)]
    return found + [(matrix, [matrix.shape[0]]) for matrix in whole]


class Muon(torch.optim.Optimizer):
    def __init__(self, matrices: list[Matrix], recipe: Recipe):
        super().__init__([matrix for matrix, _ in matrices], {"lr": 0.0})
        self.matrices, self.recipe = matrices, recipe

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        rate, decay, momentum = self.param_groups[0]["lr"], self.recipe.weight_decay, self.recipe.momentum
        for matrix, rows in self.matrices:
            state = self.state[matrix]
            if not state:
                state["momentum"] = torch.zeros_like(matrix)
            state["momentum"].lerp_(matrix.grad, 1 - momentum)
            update = matrix.grad.lerp(state["momentum"], momentum)
            matrix.mul_(1 - rate * decay)
            for part, direction in zip(matrix.split(rows), update.split(rows), strict=True):
                scale = 0.2 * max(part.shape) ** 0.5
                part.sub_(orthogonalized(direction, self.recipe.newton_schulz_steps), alpha=rate * scale)


def orthogonalized(matrix: Tensor, steps: int) -> Tensor:
    a, b, c = COEFFICIENTS
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if is_tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.T if is_tall else x
