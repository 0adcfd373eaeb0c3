"""Stages: what the trained models know about text, questions and words, and how they write."""

from collections.abc import Callable
from pathlib import Path

from reproduction.laboratory import (
    COMPARED,
    FIXED,
    HIERARCHICAL,
    MODELS,
    PLAIN,
    RECOMMENDED,
    SUBWORD,
    Laboratory,
    Model,
)
from reproduction.questions import KINDS, question_file
from reproduction.staging import Result

CLEAN = "clean"
# The conditions besides `CLEAN`, with their names in the report.
PERTURBATIONS = {
    "all-caps": "ALL CAPS",
    "permute:0.1": "10 % permuted",
    "replace:0.1": "10 % replaced",
    "delete:0.1": "10 % deleted",
}

# Frequent words of the corpus, each with spellings that are hardly in it.
SPELLINGS = {
    "government": ["goverment", "GOVERNMENT", "govrenment"],
    "people": ["poeple", "PEOPLE", "peopel"],
    "running": ["runnning", "RUNNING", "runing"],
    "mercy": ["mercey", "MERCY", "mecry"],
    "should": ["shoud", "SHOULD", "shuold"],
    "twenty": ["tweny", "TWENTY", "twnety"],
}
_NEIGHBOURS = 6

PROMPTS = (
    "The people of the United States ",
    "It was a truth that Emma ",
    "In the beginning ",
    "THE PEOPLE OF THE UNITED STATES ",
)
SEED = 1
_SAMPLE_BYTES = 300


def measure(model: Model) -> Callable[[Laboratory], Result]:
    """The stage that evaluates the model and the baseline on the same text and questions, clean and perturbed.

    Each answer has the metrics of both, their differences and, if perturbed, the ratio of their drops.
    """

    def work(laboratory: Laboratory) -> Result:
        subjects = {"text": ("data", laboratory.corpus(model.corpus))}
        subjects |= {kind: (kind, question_file(laboratory, kind)) for kind in KINDS}
        return {
            name: _under_all_conditions(laboratory, model, SUBWORD, *subject)
            for name, subject in subjects.items()
        }

    return work


def measure_recipes(laboratory: Laboratory) -> Result:
    """Text under each condition: what the recommended recipe does to the plain model's robustness."""
    corpus = laboratory.corpus(RECOMMENDED.corpus)
    return _under_all_conditions(laboratory, RECOMMENDED, PLAIN, "data", corpus)


def measure_fixed(laboratory: Laboratory) -> Result:
    """The model of fixed patches: against words of the same recipe on questions, but alone on its own corpus."""
    run, fixed = (laboratory.run_folder(model.name) for model in (RECOMMENDED, FIXED))
    found = {"text": laboratory.hat.evaluate(fixed, "data", laboratory.corpus(FIXED.corpus))}
    for kind in KINDS:
        found[kind] = laboratory.hat.evaluate(run, kind, question_file(laboratory, kind), against=fixed)
    return found


def measure_adaptation(laboratory: Laboratory) -> Result:
    """German before and after the adaptation, of each hierarchical model against the baseline, and how much
    English each model has lost."""
    before = {model.name: laboratory.run_folder(model.name) for model in COMPARED}
    after = {model.name: laboratory.run_folder(f"{model.name}-german") for model in COMPARED}
    english, german = laboratory.corpus("english"), laboratory.corpus("german")
    return {
        "german": {
            model.name: {
                when: laboratory.hat.evaluate(runs[model.name], "data", german, runs[SUBWORD.name])
                for when, runs in (("before", before), ("after", after))
            }
            for model in HIERARCHICAL
        },
        "english": {
            name: laboratory.hat.evaluate(after[name], "data", english, before[name]) for name in after
        },
    }


def find_neighbours(laboratory: Laboratory) -> Result:
    """The words nearest to each spelling, and how many misspelt words are nearest to the right one."""
    asked = [spelling for word, spellings in SPELLINGS.items() for spelling in (word, *spellings)]
    words = laboratory.settings.perturbed_words
    found: Result = {"neighbours": {}, "recognized": {}}
    for model in HIERARCHICAL:
        run = laboratory.run_folder(model.name)
        answers = laboratory.hat.neighbours(run, asked, _NEIGHBOURS)
        found["neighbours"][model.name] = {answer["word"]: answer["neighbours"] for answer in answers}
        found["recognized"][model.name] = {
            each: laboratory.hat.recognized(run, words, each) for each in PERTURBATIONS
        }
    return found


def measure_inference(laboratory: Laboratory) -> Result:
    """How fast the models of equal compute read a prompt and write. The baseline is measured beside each."""
    found: Result = {"measurements": [], "ratios": {}}
    for model in HIERARCHICAL:
        runs = {str(laboratory.run_folder(each.name)): each.name for each in (model, SUBWORD)}
        answer = laboratory.hat.benchmark_generate(*map(Path, runs))
        for measurement in answer["measurements"]:
            name = runs[measurement["checkpoint"]]
            if name == model.name or model is HIERARCHICAL[-1]:
                found["measurements"].append({**measurement, "model": name})
        found["ratios"][model.name] = answer["ratios"]
    return found


def write_samples(laboratory: Laboratory) -> Result:
    """Each model's continuation of each prompt."""
    runs = {model.name: laboratory.run_folder(model.name) for model in MODELS}
    return {
        name: {prompt: laboratory.hat.generate(run, prompt, _SAMPLE_BYTES, SEED) for prompt in PROMPTS}
        for name, run in runs.items()
    }


def _under_all_conditions(
    laboratory: Laboratory, model: Model, against: Model, subject: str, source: Path
) -> Result:
    run, other = (laboratory.run_folder(each.name) for each in (model, against))
    return {
        condition: laboratory.hat.evaluate(
            *(run, subject, source, other), None if condition == CLEAN else condition
        )
        for condition in (CLEAN, *PERTURBATIONS)
    }
