"""Stages: the machine, the texts, the corpora, the vocabulary and the matched sizes."""

import json
import sys
from pathlib import Path
from typing import Any

from corpus.errors import ExitCode, Failure
from corpus.manifest import write_durably
from reproduction import machine
from reproduction.commands import shown
from reproduction.hat import settings
from reproduction.laboratory import FIXED, HIERARCHICAL, MODELS, PLAIN, SUBWORD, Laboratory, Model
from reproduction.machine import ROOT
from reproduction.recipes import RECIPES
from reproduction.staging import Result

_LANGUAGES = ("english", "german")
# Each corpus's text and rule.
_CORPORA = {
    "english": ("english", "whitespace"),
    "english-fixed": ("english", "fixed:8"),
    "german": ("german", "whitespace"),
}
# A small text keeps most of its bytes for training.
_LARGEST_HOLDOUT = 0.1


def describe_machine(laboratory: Laboratory) -> Result:
    return machine.description(laboratory.typed)


def fetch(laboratory: Laboratory) -> Result:
    """The texts: their folders, and their packages with the checksums of their files."""
    return {language: _text(laboratory, language) for language in _LANGUAGES}


def _text(laboratory: Laboratory, language: str) -> Result:
    if laboratory.texts:
        folder = laboratory.texts / language
    else:
        folder = laboratory.folder / "texts" / language
        arguments = [language, "--output", str(folder)]
        command = [sys.executable, str(ROOT / "scripts/fetch-corpus"), *arguments]
        laboratory.commands.run(command, shown("scripts/fetch-corpus", *arguments))
    manifest = folder / "manifest.json"
    packages = json.loads(manifest.read_text("utf-8"))["packages"] if manifest.exists() else []
    fields = ("name", "version", "license", "documents", "bytes", "sha256")
    size = sum(package["bytes"] for package in packages) or sum(
        file.stat().st_size for file in folder.glob("*.jsonl")
    )
    if size == 0:
        raise Failure(
            ExitCode.INPUT_MISSING,
            f"{folder}: there is no {'text in files *.jsonl' if folder.is_dir() else 'such folder'}",
            "--corpora names a folder with the texts of scripts/fetch-corpus in `english` and `german`.",
        )
    return {
        "folder": str(folder.resolve()),
        "bytes": size,
        "packages": [{field: package[field] for field in fields} for package in packages],
    }


def prepare(laboratory: Laboratory) -> Result:
    """The corpora: English by words and by patches, German by words."""
    found: dict[str, Any] = {}
    for name, (language, rule) in _CORPORA.items():
        text = laboratory.results["texts"][language]
        share = min(_LARGEST_HOLDOUT, laboratory.settings.holdout_bytes[language] / text["bytes"])
        corpus = laboratory.corpus(name)
        laboratory.hat.preprocess(Path(text["folder"]), corpus, rule, share)
        found[name] = laboratory.hat.corpus(corpus)
    return found


def learn_vocabulary(laboratory: Laboratory) -> Result:
    corpus, size = laboratory.corpus("english"), laboratory.settings.vocabulary
    return laboratory.hat.learn_tokenizer(corpus, size, laboratory.tokenizer)


def match(laboratory: Laboratory) -> Result:
    """The configurations: the given sizes and the baseline's, found for equal compute, each with its recipe."""
    given, matched = (laboratory.configuration(name) for name in ("sizes", "sizes-subword"))
    _write(given, laboratory.settings.config)
    for model in (*HIERARCHICAL, FIXED):
        _apply_recipe(laboratory, model, given)
    corpus, ranks = laboratory.corpus("english"), laboratory.settings.ranks
    plain = laboratory.configuration(PLAIN.name)
    found = laboratory.hat.match(plain, corpus, laboratory.tokenizer, ranks)
    _write(matched, found["configuration"])
    _apply_recipe(laboratory, SUBWORD, matched)
    return {"flops_ratio": found["flops_ratio"], **{model.name: _side(laboratory, model) for model in MODELS}}


def _apply_recipe(laboratory: Laboratory, model: Model, sizes: Path) -> None:
    """Writes the model's complete configuration."""
    text = laboratory.hat.configuration(sizes, RECIPES[model.name])
    _write(laboratory.configuration(model.name), text)


def _side(laboratory: Laboratory, model: Model) -> Result:
    """What the model consists of: its settings, parameters and memory."""
    results, config = laboratory.results, laboratory.configuration(model.name)
    sizes = {"bytes_per_word": results["corpora"][model.corpus]["bytes_per_word"]}
    if model.has_tokenizer:
        sizes["bytes_per_token"] = results["tokenizer"]["holdout"]["bytes_per_token"]
    planned = laboratory.hat.plan(config, {}, ranks=laboratory.settings.ranks, **sizes)
    kept = ("total_parameters", "zero_stage", "bytes_per_rank")
    return {"settings": settings(config.read_text("utf-8")), **{name: planned[name] for name in kept}}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, text.encode("utf-8"))
