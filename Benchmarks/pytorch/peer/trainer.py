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
from .muon import Muon, hidden_matrices
from .plan import Plan, make_plan
from .recipe import Recipe
from .weights import load, read_configuration


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
    target_positions: int


class Trainer:
    """A step's plan is made before its time is taken: hat makes it within its step."""

    def __init__(
        self, weights: Path, batches: Path, products: str, distinct_words: bool, rank: int, processes: int,
        recipe: Recipe | None, autocast: bool = False
    ):
        """- recipe: of a whole training run. Without it, steps are only timed, again and again: plans are kept."""
        configuration = read_configuration(weights)
        model = HierarchicalTransformer(configuration, products)
        load(model, weights)
        self.model = model
        self.processes = processes
        self.autocast = autocast
        self.recipe = recipe or Recipe.for_timing(configuration)
        self.forward: nn.Module = model
        if processes > 1:
            # Would cut compiled regions at DDP's buckets, and cannot with constants in them.
            torch._dynamo.config.optimize_ddp = False
            self.forward = DistributedDataParallel(model, gradient_as_bucket_view=True, static_graph=True)
        self.optimizers = make_optimizers(model, self.recipe)
        steps = read_steps(batches)
        self.totals = [Batch.merged(micro_batches) for micro_batches in steps]
        self.shares = [share(step, rank, processes) for step in steps]
        self.distinct_words = distinct_words
        self.plans = {} if recipe else {step: self.make_plan(step) for step in range(len(steps))}

    def make_plan(self, step: int) -> Plan:
        return make_plan(self.shares[step], self.distinct_words)

    def compute_gradient(self, step: int, plan: Plan | None = None) -> float:
        """The global mean loss; leaves its gradient in the parameters."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=self.processes == 1)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            nats: Tensor = self.forward(plan or self.plans.get(step) or self.make_plan(step))
        positions = self.totals[step].target_positions
        # DDP divides the sum of the gradients by the number of processes.
        (nats * (self.processes / positions)).backward()
        total = nats.detach()
        if self.processes > 1:
            dist.all_reduce(total)
        return total.item() / positions

    def train(self, step: int) -> Step:
        plan = self.plans.get(step) or self.make_plan(step)
        if self.processes > 1:
            dist.barrier()
        start = time.perf_counter()
        loss = self.compute_gradient(step, plan)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip, foreach=True)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.recipe.learning_rate(step + 1)
            optimizer.step()
        seconds = time.perf_counter() - start
        total = self.totals[step]
        return Step(loss, norm.item(), seconds, total.text_bytes, total.words, total.training_flops, total.target_positions)

    def keep(self, path: Path) -> None:
        """Writes everything that the next step depends on."""
        states = [optimizer.state_dict() for optimizer in self.optimizers]
        torch.save({"model": self.model.state_dict(), "optimizers": states}, path)

    def resume(self, path: Path) -> None:
        kept = torch.load(path)
        self.model.load_state_dict(kept["model"])
        for optimizer, state in zip(self.optimizers, kept["optimizers"], strict=True):
            optimizer.load_state_dict(state)


def share(micro_batches: list[Batch], rank: int, processes: int) -> Batch:
    """This process's part of a step, as one batch."""
    if len(micro_batches) % processes:
        raise ValueError(f"{len(micro_batches)} micro-batches cannot be shared by {processes} processes")
    size = len(micro_batches) // processes
    return Batch.merged(micro_batches[rank * size : (rank + 1) * size])


def make_optimizers(model: HierarchicalTransformer, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """AdamW in one fused pass, weight decay on matrices only; hidden matrices by Muon if the recipe says so."""
    hidden = hidden_matrices(model) if recipe.optimizer == "muon" else []
    others = [parameter for parameter in model.parameters() if all(parameter is not own for own, _ in hidden)]
    matrices = [parameter for parameter in others if parameter.ndim == 2]
    gains = [parameter for parameter in others if parameter.ndim == 1]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": gains, "weight_decay": 0.0}]
    adamw = torch.optim.AdamW(groups, lr=0.0, betas=recipe.betas, eps=recipe.epsilon, fused=True)
    return [adamw, Muon(hidden, recipe)] if hidden else [adamw]
