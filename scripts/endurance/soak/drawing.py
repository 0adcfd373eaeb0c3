"""What a round does: drawn from a seed and its number alone, so that it can be repeated."""

import random
from dataclasses import dataclass, replace

# How often each is drawn. An export is short: there is little to disturb.
_SCENARIOS = {"preprocess": 4, "train": 8, "export": 1}

# What asks `train` to write a checkpoint and end.
ORDERLY = ("TERM", "USR1", "HUP", "INT")


@dataclass(frozen=True)
class Strike:
    """A signal to a process: `target` is `supervisor`, `mpirun` or `rank`.

    `at` is when, as a share of the seconds that the undisturbed command takes; `pause` the seconds until the
    process goes on, if it is stopped; `choice`, from 0 to 1, decides among several ranks.
    """

    signal: str
    target: str
    at: float
    choice: float
    pause: float = 0.0


@dataclass(frozen=True)
class Damage:
    """To a file at rest: `cut` at a place in it, or a bit `flipped` there. `file`, `place`: from 0 to 1."""

    kind: str
    file: float
    place: float
    bit: int


@dataclass(frozen=True)
class Attempt:
    """A start of the command, and what happens to it.

    `room`, for its files, is a share of what they take when whole. The damage is done when it has ended.
    """

    strikes: tuple[Strike, ...] = ()
    room: float | None = None
    damage: Damage | None = None


@dataclass(frozen=True)
class Plan:
    """Of a round: after the attempts, the same command is left alone until it ends."""

    number: int
    scenario: str
    ranks: int
    nodes: int
    zero_stage: int
    attempts: tuple[Attempt, ...]


def drawn(seed: int, number: int) -> Plan:
    draw = random.Random(f"{seed}/{number}")
    scenario = draw.choices(list(_SCENARIOS), list(_SCENARIOS.values()))[0]
    ranks = 1 if scenario == "export" else draw.choice((1, 2))
    nodes = 2 if draw.random() < 0.3 and scenario == "train" and ranks == 2 else 1
    stage = draw.randrange(4)
    attempts = tuple(_attempt(draw, ranks) for _ in range(draw.choices((1, 2, 3), (4, 2, 1))[0]))
    return Plan(number, scenario, ranks, nodes, stage, attempts)


def on_one_node(plan: Plan) -> Plan:
    return replace(plan, nodes=1)


def _attempt(draw: random.Random, ranks: int) -> Attempt:
    strikes: tuple[Strike, ...] = ()
    room = None
    if draw.random() < 0.2:
        room = draw.uniform(0.02, 1.2)
    else:
        strikes = tuple(_strike(draw, ranks) for _ in range(draw.choices((1, 2, 3), (4, 2, 1))[0]))
    damage = None
    if draw.random() < 0.3:
        damage = Damage(draw.choice(("cut", "flipped")), draw.random(), draw.random(), draw.randrange(8))
    return Attempt(tuple(sorted(strikes, key=lambda strike: strike.at)), room, damage)


def _strike(draw: random.Random, ranks: int) -> Strike:
    # A start is as likely to be hit as all that follows.
    at = draw.choice((draw.uniform(0, 0.25), draw.uniform(0, 1.1)))
    signal = draw.choices(("KILL", "STOP", *ORDERLY), (6, 3, 1, 1, 1, 1))[0]
    target = draw.choice(("supervisor", "mpirun", "rank", "rank")) if ranks > 1 else "supervisor"
    if signal in ORDERLY:
        target = "supervisor"
    return Strike(signal, target, at, draw.random(), draw.uniform(0.1, 2) if signal == "STOP" else 0)
