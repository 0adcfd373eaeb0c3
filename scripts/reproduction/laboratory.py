"""What every stage works with."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reproduction.commands import Commands
from reproduction.hat import Hat
from reproduction.progress import Progress
from reproduction.settings import Settings

# What a stage found, as JSON.
Result = dict[str, Any]


@dataclass
class Laboratory:
    """`results` and `seconds` are those of the stages done so far, by name."""

    folder: Path
    settings: Settings
    hat: Hat
    commands: Commands
    progress: Progress
    # Texts that are there already: folders `english` and `german` in it. None to fetch them.
    texts: Path | None
    # The command that was typed, for the report.
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
