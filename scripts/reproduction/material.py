"""Stages: text, corpora, vocabulary, matched sizes."""

import json
import sys
from pathlib import Path
from typing import Any

from corpus.errors import ExitCode
from corpus.manifest import write_durably
from reproduction.commands import shown
from reproduction.errors import StageFailure
from reproduction.laboratory import Laboratory, Result
from reproduction.models import FIXED, HIERARCHICAL, SUBWORD

ROOT = Path(__file__).resolve().parents[2]

LANGUAGES = ("english", "german")
CORPORA = {
    "english": ("english", "whitespace"),
    "english-fixed": ("english", "fixed:8"),
    "german": ("german", "whitespace"),
}
# Of a small text more is left to train on.
_LARGEST_HOLDOUT = 0.1


def fetch(laboratory: Laboratory) -> Result:
    """The texts: where they are, of which packages, with the checksums of their files."""
    return {language: _text(laboratory, language) for language in LANGUAGES}


def _text(laboratory: Laboratory, language: str) -> Result:
    if laboratory.texts:
        folder = laboratory.texts / language
    else:
        folder = laboratory.folder / "texts" / language
        command = [str(ROOT / "scripts/fetch-corpus"), language, "--output", str(folder)]
        laboratory.commands.run(
            [sys.executable, *command], shown("scripts/fetch-corpus", language, "--output", str(folder))
        )
    if not folder.is_dir():
        raise StageFailure(
            ExitCode.INPUT_MISSING,
            f"{folder}: there is no such folder",
            "--corpora is a folder with the texts of scripts/fetch-corpus in `english` and `german`.",
        )
    manifest = folder / "manifest.json"
    packages = json.loads(manifest.read_text("utf-8"))["packages"] if manifest.exists() else []
    fields = ("name", "version", "license", "documents", "bytes", "sha256")
    size = sum(file.stat().st_size for file in sorted(folder.glob("*.jsonl")))
    return {
        "folder": str(folder.resolve()),
        "bytes": sum(package["bytes"] for package in packages) or size,
        "packages": [{field: package[field] for field in fields} for package in packages],
    }


def prepare(laboratory: Laboratory) -> Result:
    """The corpora: English by words and by patches, German by words."""
    found: dict[str, Any] = {}
    for name, (language, rule) in CORPORA.items():
        text = laboratory.results["texts"][language]
        share = min(_LARGEST_HOLDOUT, laboratory.settings.holdout_bytes[language] / text["bytes"])
        corpus = laboratory.corpus(name)
        laboratory.hat.preprocess(Path(text["folder"]), corpus, rule, share)
        found[name] = laboratory.hat.corpus(corpus)
    return found


def learn_vocabulary(laboratory: Laboratory) -> Result:
    return laboratory.hat.learn_tokenizer(
        laboratory.corpus("english"), laboratory.settings.vocabulary, laboratory.tokenizer
    )


def match(laboratory: Laboratory) -> Result:
    """The configurations: the hierarchical model's, for patches too, and the baseline's of equal compute."""
    settings = laboratory.settings
    for model in (HIERARCHICAL, FIXED):
        _write(laboratory.configuration(model.name), settings.config)
    found = laboratory.hat.match(
        *(laboratory.configuration(HIERARCHICAL.name), laboratory.corpus("english")),
        *(laboratory.tokenizer, settings.ranks),
    )
    _write(laboratory.configuration(SUBWORD.name), found["configuration"])
    return found


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, text.encode("utf-8"))
