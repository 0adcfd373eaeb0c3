"""What decides a reproduction besides the code, kept in its folder: a restart goes on with the same."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from corpus.errors import ExitCode
from corpus.manifest import write_durably
from reproduction.errors import StageFailure

# The parts of the time; what is left is for preparation, inference and samples.
ENGLISH_SHARE = 0.45
ADAPTATION_SHARE = 0.35


@dataclass(frozen=True)
class Settings:
    """`config` is the hierarchical model's configuration, as text: the file may change between two starts."""

    hours: float
    vocabulary: int
    ranks: int
    config: str

    @property
    def english_seconds(self) -> float:
        return self.hours * 3600 * ENGLISH_SHARE

    @property
    def adaptation_seconds(self) -> float:
        return self.hours * 3600 * ADAPTATION_SHARE

    @property
    def sequences_per_step(self) -> int:
        """Few where there is little time: a small model learns more of many small steps."""
        return 4 if self.hours < 1 else 8 if self.hours < 4 else 16

    @property
    def questions(self) -> int:
        """Of each kind: enough for narrow intervals where there is time for them."""
        return max(40, min(2000, round(400 * self.hours)))

    @property
    def holdout_bytes(self) -> dict[str, float]:
        """Text kept from training, about.

        Of German so little that every evaluation of either model reads all of it: at most eight steps' worth.
        """
        return {
            "english": max(250_000, min(3_000_000, 600_000 * self.hours)),
            "german": 6_000 * self.sequences_per_step,
        }

    @property
    def perturbed_words(self) -> int:
        return 2000

    def keep(self, path: Path) -> None:
        """Writes the settings, or makes sure that those of an earlier start are the same.

        - Raises: `StageFailure` where they differ.
        """
        content = asdict(self)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_durably(path, (json.dumps(content, indent=2) + "\n").encode())
            return
        before = json.loads(path.read_text("utf-8"))
        differing = sorted(name for name in content if content[name] != before.get(name))
        if differing:
            raise StageFailure(
                ExitCode.WRONG_USAGE,
                f"{path.parent} was begun with another "
                f"{' and another '.join(f'--{name}' for name in differing)}",
                "Give the same options to go on, or choose another --output.",
            )
