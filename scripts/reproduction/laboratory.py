"""What every stage works with: the settings, the models that are compared, and the work folder."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from corpus.errors import ExitCode, Failure
from corpus.progress import Progress
from corpus.restartable import keep_settings
from reproduction.commands import Commands
from reproduction.hat import Hat
from reproduction.recipes import RECIPES
from reproduction.staging import Result

# Shares of the time: about a ninth of it for each of the seven trainings. The rest is for preparation and
# evaluation.
_ENGLISH_SHARE = 0.45
_ADAPTATION_SHARE = 0.35


@dataclass(frozen=True)
class Model:
    """Its run, configuration, recipe and stages are named after it.

    `corpus` is the English corpus it trains on.
    """

    name: str
    # Short: four stand beside each other above a chart.
    title: str
    corpus: str
    # Of its curves and bars; they are distinct to colour-blind readers too.
    colour: str
    has_tokenizer: bool = False


PLAIN = Model("plain", "Plain", "english", "#56b4e9")
RECOMMENDED = Model("recommended", "Recommended", "english", "#16697a")
SUBWORD = Model("subword", "Subword", "english", "#dd7230", has_tokenizer=True)
FIXED = Model("fixed", "Patches", "english-fixed", "#8d99a6")

MODELS = (PLAIN, RECOMMENDED, SUBWORD, FIXED)
# The hierarchical models of equal compute to the baseline. Each is compared with it.
HIERARCHICAL = (PLAIN, RECOMMENDED)
# The models that are adapted to German and whose robustness is compared.
COMPARED = (*HIERARCHICAL, SUBWORD)


@dataclass(frozen=True)
class Settings:
    """What determines a reproduction besides the code. It is kept in the work folder.

    `config` is the text of the configuration with the hierarchical models' sizes: the file may change between
    starts.
    """

    hours: float
    vocabulary: int
    ranks: int
    config: str

    @property
    def english_seconds(self) -> float:
        return self.hours * 3600 * _ENGLISH_SHARE

    @property
    def adaptation_seconds(self) -> float:
        return self.hours * 3600 * _ADAPTATION_SHARE

    @property
    def sequences_per_step(self) -> int:
        """Few in short runs: a small model learns more from many small steps."""
        return 4 if self.hours < 1 else 8 if self.hours < 4 else 16

    @property
    def questions(self) -> int:
        """Of each kind. More questions give narrower intervals and take more time."""
        return max(40, min(2000, round(400 * self.hours)))

    @property
    def holdout_bytes(self) -> dict[str, float]:
        """Approximate size of the held-out text.

        Every evaluation of either model reads all of German: at most eight steps' worth.
        """
        return {
            "english": max(250_000, min(3_000_000, 600_000 * self.hours)),
            "german": 6_000 * self.sequences_per_step,
        }

    @property
    def perturbed_words(self) -> int:
        return 2000

    def keep(self, path: Path) -> None:
        """Writes the settings, or checks that they are those of the earlier start.

        - Raises: `Failure` if they or the models' recipes differ.
        """
        if path.exists() and json.loads(path.read_text("utf-8")).get("recipes") != RECIPES:
            raise Failure(
                ExitCode.WRONG_USAGE,
                f"{path.parent} was started with other recipes of the models",
                "Continue it with the commit that started it, or choose another --output.",
            )
        keep_settings(path, {**asdict(self), "recipes": RECIPES})


@dataclass
class Laboratory:
    """`results` and `seconds` are those of the stages finished so far, by name."""

    folder: Path
    settings: Settings
    hat: Hat
    commands: Commands
    progress: Progress
    # Existing texts, in its folders `english` and `german`. None: fetch them.
    texts: Path | None
    # The command line, for the report.
    typed: str
    results: dict[str, Result] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def corpus(self, name: str) -> Path:
        return self.folder / "corpora" / name

    def run_folder(self, name: str) -> Path:
        return self.folder / "runs" / name

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer.json"

    def configuration(self, name: str) -> Path:
        return self.folder / "configurations" / f"{name}.yaml"
