"""What each trial costs, how long it trains, and by which key its result is known."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from corpus.errors import ExitCode, Failure
from experiments.search import Search, Trial, label
from experiments.settings import Values
from reproduction.commands import CommandFailure
from reproduction.hat import Hat, settings
from reproduction.machine import ROOT

# How far a trial's FLOPs per byte, and its text, may be from those they are compared with.
TOLERANCE = 0.03
_Plan = TypeVar("_Plan")

_VOCABULARY = "model.vocabulary"
_SHAPE = ("model.width", "model.head_size", "model.layers", "model.kv_heads", "model.mlp_hidden")


@dataclass(frozen=True)
class Run:
    """A trial with a seed: what hat is started with. Equal keys give equal results."""

    trial: Trial
    seed: int
    values: Values
    tokenizer: Path | None
    key: str
    # FLOPs per byte of text, as a share of the base's, or of the model's that a baseline is to match.
    flops_ratio: float
    parameters: int

    @property
    def steps(self) -> int:
        return int(self.values["training.steps"])


@dataclass(frozen=True)
class _Cost:
    flops_per_byte: float
    parameters: int


class Planner:
    """Asks hat what each trial is and costs. Trains nothing, but learns the vocabularies of a baseline."""

    def __init__(self, hat: Hat, search: Search, corpus: Path, work: Path) -> None:
        self._hat, self._search, self._corpus, self._work = hat, search, corpus, work
        self._config = ROOT / search.base
        self._manifest = _checksum(_manifest(corpus))
        self._bytes_per_word: float = hat.corpus(corpus)["bytes_per_word"]
        self._bytes_per_token: dict[str, float] = {}
        self._matches: dict[tuple[str, ...], Values] = {}
        base = search.trials[0]
        self._base = self._planned(base, lambda trial: self._complete(self._config, self._plain(trial)))
        self._reference = self._planned(base, self._compared_with)

    def runs(self, trials: Iterable[Trial]) -> list[Run]:
        """In their order, a trial's seeds behind each other.

        - Raises: `Failure` for a trial that hat refuses, or that costs more or less than it may.
        """
        return [run for trial in trials for run in self._runs(trial)]

    def _runs(self, trial: Trial) -> list[Run]:
        values, cost = self._planned(trial, self._costed)
        own = trial.match_settings
        reference = self._planned(trial, self._compared_with) if own else self._reference
        ratio = cost.flops_per_byte / reference
        if abs(ratio - 1) > TOLERANCE and not trial.may_change_flops:
            raise Failure(
                ExitCode.BAD_CONFIGURATION,
                f"{self._search.name}: {label(trial)} costs {ratio:.3f} times the FLOPs per byte "
                f"of {self._search.match or 'the base'}{' with its match_settings' if own else ''}, "
                f"more than {TOLERANCE:.0%} apart",
                "Change its shape, or let the file say flops_may_change.",
            )
        tokenizer = self._tokenizer(values)
        return [
            Run(trial, seed, seeded, tokenizer, self._key(seeded), ratio, cost.parameters)
            for seed in self._search.seeds
            for seeded in [{**values, "data.seed": str(seed)}]
        ]

    def _planned(self, trial: Trial, work: Callable[[Trial], _Plan]) -> _Plan:
        """An error of hat's says which setting it refuses; this adds whose it is."""
        try:
            return work(trial)
        except CommandFailure as error:
            reason = error.reason.removeprefix("error: ")
            raise Failure(
                error.code,
                f"{self._search.name}: {label(trial)} is refused: {reason}",
                "Change the setting in the file, or use a hat that knows it.",
            ) from error

    def _compared_with(self, trial: Trial) -> float:
        """The FLOPs per byte of the model that the trial is to match; without one, the trial's own."""
        match = self._search.match
        if match is None:
            return self._cost(self._config, self._plain(trial)).flops_per_byte
        return self._cost(ROOT / match, trial.match_settings).flops_per_byte

    def _costed(self, trial: Trial) -> tuple[Values, _Cost]:
        values = self._timed(trial, self._plain(trial))
        return values, self._cost(self._config, values)

    def _plain(self, trial: Trial) -> Values:
        """The trial's settings, with the shape that makes a baseline's cost equal."""
        given = self._search.settings | trial.changes
        if self._search.match is None:
            return given
        vocabulary = self._complete(self._config, given).get(_VOCABULARY)
        if vocabulary is None:
            raise Failure(
                ExitCode.BAD_CONFIGURATION,
                f"{self._search.base} has no vocabulary: match is for a model of kind subword",
                "Leave match out.",
            )
        return self._matched(vocabulary, trial.match_settings) | given

    def _timed(self, trial: Trial, values: Values) -> Values:
        """As much text as the base reads in the trial's steps, and the same share of them for warm-up."""
        complete = self._complete(self._config, values)
        steps = trial.steps or self._search.steps
        share = self._step_bytes(self._base) / self._step_bytes(complete)
        count = max(1, round(steps * share))
        if abs(count / (steps * share) - 1) > TOLERANCE:
            raise Failure(
                ExitCode.BAD_CONFIGURATION,
                f"{self._search.name}: {label(trial)} would read the base's text in "
                f"{steps * share:.2f} steps",
                "Give more steps, or a batch that divides them.",
            )
        if "training.warmup_steps" not in trial.changes and count != self._search.steps:
            warm_up = round(int(self._base["training.warmup_steps"]) * share * (steps / self._search.steps))
            values = {**values, "training.warmup_steps": str(warm_up)}
        return {
            **values,
            "training.steps": str(count),
            "output.evaluate_every": str(math.ceil(count / self._search.evaluations)),
            # Often enough that a stopped run loses little.
            "output.checkpoint_every": str(max(20, count // 5)),
            "output.keep": "1",
        }

    def _step_bytes(self, complete: Values) -> float:
        """A sequence ends by its words or by its bytes, whichever comes first."""
        words = int(complete["data.sequence_words"]) * self._bytes_per_word
        size = min(words, int(complete["data.sequence_bytes"]))
        return size * int(complete["training.sequences_per_step"])

    def _cost(self, config: Path, values: Values) -> _Cost:
        sizes = {"bytes_per_word": self._bytes_per_word}
        vocabulary = self._complete(config, values).get(_VOCABULARY)
        if vocabulary:
            self._learned(vocabulary)
            sizes["bytes_per_token"] = self._bytes_per_token[vocabulary]
        answer = self._hat.plan(config, dict(values), **sizes)
        return _Cost(answer["training_flops_per_byte"], answer["total_parameters"])

    def _complete(self, config: Path, values: Values) -> Values:
        return self._hat.complete_configuration(config, dict(values))

    def _tokenizer(self, values: Values) -> Path | None:
        vocabulary = values.get(_VOCABULARY) or self._base.get(_VOCABULARY)
        return self._learned(vocabulary) if vocabulary else None

    def _learned(self, vocabulary: str) -> Path:
        """The vocabulary, learned once: it depends on the corpus alone."""
        file = self._work / "tokenizers" / f"{self._manifest[:16]}-{vocabulary}.json"
        if vocabulary not in self._bytes_per_token:
            file.parent.mkdir(parents=True, exist_ok=True)
            learned = self._hat.learn_tokenizer(self._corpus, int(vocabulary), file)
            self._bytes_per_token[vocabulary] = learned["train"]["bytes_per_token"]
        return file

    def _matched(self, vocabulary: str, changes: Values) -> Values:
        """The shape of the baseline; measured once, since it reads megabytes of the corpus."""
        asked = (vocabulary, *(f"{name}={value}" for name, value in sorted(changes.items())))
        if asked not in self._matches:
            config, tokenizer = ROOT / str(self._search.match), self._learned(vocabulary)
            answer = self._hat.match(config, self._corpus, tokenizer, 1, dict(changes))
            found = settings(answer["configuration"])
            self._matches[asked] = {name: found[name] for name in _SHAPE}
        return self._matches[asked]

    def _key(self, values: Values) -> str:
        """Of everything that decides the result. How often it is evaluated and kept does not."""
        complete = self._complete(self._config, values)
        decisive = {name: value for name, value in complete.items() if not name.startswith("output.")}
        return _checksum({"configuration": decisive, "corpus": self._manifest})[:16]


def _manifest(corpus: Path) -> object:
    path = corpus / "corpus.json"
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise Failure(
            ExitCode.INPUT_MISSING,
            f"{path} cannot be read ({error})",
            "--corpus names a folder that `hat-mpirun preprocess` made.",
        ) from error


def _checksum(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8")).hexdigest()
