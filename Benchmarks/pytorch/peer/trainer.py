"""One process of a training run: a share of each step's micro-batches, summed with the others' by gloo."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from .batches import Batch, read_steps
from .model import HierarchicalTransformer
from .plan import Plan, make_plan
from .weights import load, read_configuration

LEARNING_RATE = 1e-4
BETAS = (0.9, 0.95)


@dataclass(frozen=True)
class Step:
    """What one optimiser step gave."""

    loss: float
    """Nats per target position of the global batch."""
    gradient_norm: float
    """Of the whole gradient of the mean loss, before clipping."""
    seconds: float
    text_bytes: int
    words: int
    training_flops: float


class Trainer:
    """Plans are made at creation: hat makes them within its step."""

    def __init__(self, weights: Path, batches: Path, products: str, distinct_words: bool, rank: int, processes: int):
        configuration = read_configuration(weights)
        model = HierarchicalTransformer(configuration, products)
        load(model, weights)
        self.model = model
        self.processes = processes
        self.clip = configuration.clip
        self.forward: nn.Module = model
        if processes > 1:
            # Would cut compiled regions at DDP's buckets, and cannot with constants in them.
            torch._dynamo.config.optimize_ddp = False
            self.forward = DistributedDataParallel(model, gradient_as_bucket_view=True, static_graph=True)
        self.optimizer = make_optimizer(model, configuration.weight_decay)
        steps = read_steps(batches)
        self.totals = [Batch.merged(micro_batches) for micro_batches in steps]
        self.plans = [make_plan(share(step, rank, processes), distinct_words) for step in steps]

    def compute_gradient(self, step: int) -> float:
        """The global mean loss; leaves its gradient in the parameters."""
        self.optimizer.zero_grad(set_to_none=self.processes == 1)
        nats: Tensor = self.forward(self.plans[step])
        positions = self.totals[step].target_positions
        # DDP divides the sum of the gradients by the number of processes.
        (nats * (self.processes / positions)).backward()
        total = nats.detach()
        if self.processes > 1:
            dist.all_reduce(total)
        return total.item() / positions

    def train(self, step: int) -> Step:
        start = time.perf_counter()
        loss = self.compute_gradient(step)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.clip, foreach=True)
        self.optimizer.step()
        seconds = time.perf_counter() - start
        total = self.totals[step]
        return Step(loss, norm.item(), seconds, total.text_bytes, total.words, total.training_flops)


def share(micro_batches: list[Batch], rank: int, processes: int) -> Batch:
    """This process's part of a step, as one batch."""
    if len(micro_batches) % processes:
        raise ValueError(f"{len(micro_batches)} micro-batches cannot be shared by {processes} processes")
    size = len(micro_batches) // processes
    return Batch.merged(micro_batches[rank * size : (rank + 1) * size])


def make_optimizer(model: HierarchicalTransformer, weight_decay: float) -> torch.optim.Optimizer:
    """AdamW in one fused pass, weight decay on matrices only."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim == 2]
    gains = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": gains, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=BETAS, eps=1e-8, fused=True)
