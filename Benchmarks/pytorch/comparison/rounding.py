"""In bfloat16 each side is compared with its own float32, and with the other, within what rounding explains."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass

from .agreement import LOSS_TOLERANCE, NORM_TOLERANCE, relative
from .failure import Failure, ModeFailure
from .hat import Hat, read_metrics
from .material import ROUNDED_SEQUENCES, ROUNDED_STEP, Material
from .peer import Peer

BOTH_ROUND = math.sqrt(2)
"""Two sides in bfloat16 may differ by two independent sets of roundings, whose squares add."""


@dataclass(frozen=True)
class Step:
    loss: float
    gradient_norm: float

    def __str__(self) -> str:
        return f"loss {self.loss:.7f}, gradient norm {self.gradient_norm:.6f}"


@dataclass(frozen=True)
class Rounding:
    """The compared step of both sides in float32, and of hat in bf16 where that is measured."""

    peer: Step
    hat: Step
    rounded_hat: Step | None
    bounds: Step
    """How far rounding may lead: `peer/rounding.py` derives it."""

    def check_hat(self) -> str:
        if not (
            relative(self.peer.loss, self.hat.loss) <= LOSS_TOLERANCE
            and relative(self.peer.gradient_norm, self.hat.gradient_norm) <= NORM_TOLERANCE
        ):
            raise Failure(f"hat and the peer disagree in float32, so nothing is timed: {self.hat}; {self.peer}")
        line = (
            f"rounding to bfloat16 may move the loss by {self.bounds.loss:.1e}, "
            f"the gradient norm by {self.bounds.gradient_norm:.1e}")
        if self.rounded_hat:
            line += "; " + distance("hat's bf16 from its float32", self.rounded_hat, self.hat, self.bounds, 1, Failure)
        return line

    def check_peer(self, rounded: Step) -> str:
        line = distance("PyTorch's bfloat16 from its float32", rounded, self.peer, self.bounds, 1, ModeFailure)
        if self.rounded_hat:
            line += "; " + distance("from hat's bf16", rounded, self.rounded_hat, self.bounds, BOTH_ROUND, ModeFailure)
        return line


def measure_rounding(hat: Hat, material: Material, precisions: Collection[str]) -> Rounding:
    """- precisions: of hat."""
    command = [
        sys.executable, "-m", "peer.rounding", "--weights", material.weights, "--batches", material.batches,
        "--step", str(ROUNDED_STEP)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise Failure(f"the bounds of rounding could not be computed:\n{result.stderr}")
    found = json.loads(result.stdout)
    return Rounding(
        peer=Step(found["loss"], found["gradient_norm"]),
        hat=first_step(hat, material, "float32"),
        rounded_hat=first_step(hat, material, "bf16") if "bf16" in precisions else None,
        bounds=Step(found["loss_bound"], found["gradient_norm_bound"]))


def first_step(hat: Hat, material: Material, precision: str) -> Step:
    """hat's own record of its first step from the weights that the peer has."""
    run = material.folder / f"first-{precision}"
    hat.train(
        material.preset, material.corpus, run, 1, "--initialize-from", material.checkpoint, precision=precision,
        sequences=ROUNDED_SEQUENCES)
    record = read_metrics(run)[0]
    return Step(record["loss"], record["gradient_norm"])


def check_rounded_step(peer: Peer, rounding: Rounding) -> str:
    answer = peer.gradient(ROUNDED_STEP)
    return rounding.check_peer(Step(answer["loss"], answer["gradient_norm"]))


def distance(
    what: str, step: Step, reference: Step, bounds: Step, widening: float, failure: type[Failure]
) -> str:
    """What is said of two steps; a `failure` if they are further apart than `widening` times the bounds."""
    loss, norm = abs(step.loss - reference.loss), abs(step.gradient_norm - reference.gradient_norm)
    line = f"{what}: loss apart by {loss:.1e}, gradient norm by {norm:.1e}"
    # Not a number is no agreement either.
    if not (loss <= widening * bounds.loss and norm <= widening * bounds.gradient_norm):
        raise failure(
            f"{line}; rounding explains {widening * bounds.loss:.1e} and {widening * bounds.gradient_norm:.1e}, "
            "so this is not timed")
    return line
