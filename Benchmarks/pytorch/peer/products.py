"""Matrix products: PyTorch's own (MKL), or oneDNN's, which use AVX-512 also where MKL does not."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import FunctionCtx

Linear = Callable[[Tensor, Tensor], Tensor]


# oneDNN's operator has no derivative, and the compiler takes it for inference only: hence an operator of our own.
@torch.library.custom_op("peer::onednn_product", mutates_args=())
def onednn_product(x: Tensor, weight: Tensor) -> Tensor:
    """x [rows, in] times weight [out, in] transposed."""
    return torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")


@onednn_product.register_fake
def _(x: Tensor, weight: Tensor) -> Tensor:
    return x.new_empty(x.shape[0], weight.shape[0])


def save_factors(ctx: FunctionCtx, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def differentiate(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor]:
    x, weight = ctx.saved_tensors
    return onednn_product(gradient, weight.t()), onednn_product(gradient.t(), x.t())


onednn_product.register_autograd(differentiate, setup_context=save_factors)
# As F.linear does it.
onednn_product.register_autocast("cpu", torch.bfloat16)

LINEAR: dict[str, Linear] = {"mkl": F.linear, "onednn": onednn_product}
