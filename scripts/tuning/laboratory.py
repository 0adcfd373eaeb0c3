"""What every stage works with: the settings and the work folder."""

from dataclasses import dataclass, field
from pathlib import Path

from corpus.progress import Progress
from reproduction.commands import Commands
from reproduction.hat import Hat
from reproduction.staging import Result

# The models that are measured, in the order in which each is made of the one before.
PRETRAINED, TUNED, PREFERRED = MODELS = ("pretrained", "tuned", "preferred")
# The sets of dialogues that they are asked.
NEW_QUESTIONS, NEW_WORDS = SETS = ("new-questions", "new-words")


@dataclass(frozen=True)
class Settings:
    """What determines a run of the example besides the code. It is kept in the work folder.

    `config` is the text of the configuration: the file may change between starts.
    """

    config: str
    checkpoint: str | None
    texts: str | None
    ranks: int


@dataclass
class Laboratory:
    """`results` and `seconds` are those of the stages finished so far, by name."""

    folder: Path
    settings: Settings
    program: Path
    hat: Hat
    commands: Commands
    progress: Progress
    # The command line, for the table.
    typed: str
    results: dict[str, Result] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def texts(self) -> Path:
        """Where the plain text is: JSON Lines."""
        return Path(self.settings.texts) if self.settings.texts else self.folder / "texts"

    def dialogues(self, name: str) -> Path:
        return self.folder / "dialogues" / f"{name}.jsonl"

    def corpus(self, name: str) -> Path:
        return self.folder / "corpora" / name

    def run(self, model: str) -> Path:
        """The run of a model: that of `--checkpoint` for the pretrained one, where it is given."""
        given = self.settings.checkpoint if model == PRETRAINED else None
        return Path(given) if given else self.folder / "runs" / model

    @property
    def configuration(self) -> Path:
        """Complete: that of the pretrained model, with which it is tuned too."""
        return self.folder / "configuration.yaml"
