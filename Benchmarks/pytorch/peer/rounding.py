"""How far bfloat16 in products can move the loss and the gradient norm of a step: bounds from rounding, as JSON.

bfloat16 has eight significant bits. Rounded to nearest, a number x becomes x(1 + δ) with |δ| ≤ u = 2⁻⁸. To first
order, the roundings of a computation move what it computes, f, by

    Δf = Σ δᵢ sᵢ,   sᵢ = x ∂f/∂x summed over all x of a group i that round alike.

Numbers that agree in eleven significant bits are a group: they lie within an eighth of bfloat16's spacing, so their δ
lie within u/4. This matters for the embeddings of equal bytes, and for the gradients of logits, many of which are nearly
equal in an untrained model. Between groups δ is taken as independent and without bias, and so Hoeffding's inequality
holds:

    P(|Δf| ≥ t) ≤ 2 exp(-t² / (2 u² Σ sᵢ²)).

The bound is the t at which the right side is `LIKELIHOOD`. Derivatives are those of the float32 model at the same
weights and batch; of the gradient norm, by differentiating a second time. What counts as rounded is what autocast
rounds: both factors and the result of every product, forward and backward. hat rounds factors alone, so the bound
holds for it too. A result that is the next product's factor as it is counts twice, which only widens the bound.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.overrides import TorchFunctionMode

from .batches import Batch, read_steps
from .model import HierarchicalTransformer
from .plan import make_plan
from .weights import load, read_configuration

UNIT = 2.0**-8
LIKELIHOOD = 1e-6
"""Of a difference beyond the bound, if both sides are right."""
DROPPED_BITS = 24 - 11
"""Of a float32 number: the others, with sign and exponent, name its group."""
GROUPS = 2 ** (32 - DROPPED_BITS)


class Tally:
    """Σ sᵢ² of the differentiation that is under way."""

    def __init__(self) -> None:
        self.squares = 0.0

    def add(self, numbers: Tensor, derivatives: Tensor) -> None:
        bits = numbers.detach().contiguous().view(torch.int32).flatten().long()
        group = (bits >> DROPPED_BITS) & (GROUPS - 1)
        shares = (numbers.detach().double() * derivatives.detach().double()).flatten()
        sums = torch.zeros(GROUPS, dtype=torch.float64).scatter_add_(0, group, shares)
        self.squares += sums.square().sum().item()

    def bound(self) -> float:
        """Of what was differentiated; starts anew."""
        squares, self.squares = self.squares, 0.0
        return UNIT * math.sqrt(2 * math.log(2 / LIKELIHOOD) * squares)


class Rounded(torch.autograd.Function):
    """The number itself. Its derivative, when it comes back, goes to the tally, and is a rounded number as well."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, tally: Tally) -> Tensor:
        ctx.save_for_backward(x)
        ctx.tally = tally
        return x.view_as(x)

    @staticmethod
    def backward(ctx: FunctionCtx, derivative: Tensor) -> tuple[Tensor, None]:
        ctx.tally.add(*ctx.saved_tensors, derivative)
        return Rounded.apply(derivative, ctx.tally), None


class RoundedProducts(TorchFunctionMode):
    """Finds the products that autocast computes in bfloat16."""

    def __init__(self, tally: Tally):
        super().__init__()
        self.tally = tally

    def __torch_function__(
        self, function: Callable, types: list, arguments: tuple = (), options: dict | None = None
    ) -> Any:
        if function in (F.linear, Tensor.matmul, Tensor.__matmul__):
            return self.product(function, *arguments)
        if function is F.scaled_dot_product_attention:
            return self.causal_attention(*arguments)
        return function(*arguments, **(options or {}))

    def product(self, function: Callable, *factors: Tensor) -> Tensor:
        return self.rounded(function(*map(self.rounded, factors)))

    def causal_attention(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """q, k and v [pieces, H, words, h], with fewer heads in k and v."""
        k, v = (t.repeat_interleave(q.shape[1] // k.shape[1], 1) for t in (k, v))
        scores = self.product(torch.matmul, q, k.transpose(-1, -2)) * q.shape[-1] ** -0.5
        later = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
        return self.product(torch.matmul, scores.masked_fill(later, float("-inf")).softmax(-1), v)

    def rounded(self, x: Tensor) -> Tensor:
        return Rounded.apply(x, self.tally)


def bounds(weights: Path, batch: Batch) -> dict[str, float]:
    """Loss and gradient norm in float32, and how far each may be from it in bfloat16."""
    model = HierarchicalTransformer(read_configuration(weights), "mkl", is_compiled=False)
    load(model, weights)
    tally, parameters = Tally(), list(model.parameters())
    with RoundedProducts(tally):
        loss = model(make_plan(batch, distinct_words=True)) / batch.target_positions
    gradients = torch.autograd.grad(loss, parameters, create_graph=True)
    loss_bound = tally.bound()
    norm = sum(gradient.square().sum() for gradient in gradients).sqrt()
    torch.autograd.grad(norm, parameters)
    return {
        "loss": loss.item(), "gradient_norm": norm.item(),
        "loss_bound": loss_bound, "gradient_norm_bound": tally.bound()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="peer.rounding", description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="exported by hat")
    parser.add_argument("--batches", type=Path, required=True, help="of `hat-mpirun inspect batches`")
    parser.add_argument("--step", type=int, required=True, help="of the batches: 0 is the first, -1 the last")
    options = parser.parse_args()
    batch = Batch.merged(read_steps(options.batches)[options.step])
    print(json.dumps(bounds(options.weights, batch)))


if __name__ == "__main__":
    main()
