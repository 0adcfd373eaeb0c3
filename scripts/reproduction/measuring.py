"""Stages: what the trained models know about text, questions and words, and how they write."""

from pathlib import Path

from reproduction.laboratory import COMPARED, FIXED, HIERARCHICAL, MODELS, SUBWORD, Laboratory, Result
from reproduction.questions import KINDS, question_file

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


def measure(laboratory: Laboratory) -> Result:
    """The hierarchical model and the baseline on the same text and questions, clean and perturbed.

    Each answer has the metrics of both, their differences and, if perturbed, the ratio of their drops.
    """
    run, baseline = (laboratory.run_folder(model.name) for model in COMPARED)
    subjects = {"text": ("data", laboratory.corpus(HIERARCHICAL.corpus))}
    subjects |= {kind: (kind, question_file(laboratory, kind)) for kind in KINDS}
    return {
        name: {
            condition: laboratory.hat.evaluate(
                *(run, subject, source, baseline), None if condition == CLEAN else condition
            )
            for condition in (CLEAN, *PERTURBATIONS)
        }
        for name, (subject, source) in subjects.items()
    }


def measure_fixed(laboratory: Laboratory) -> Result:
    """The model of fixed patches: against the hierarchical one on questions, but alone on its own corpus."""
    run, fixed = (laboratory.run_folder(model.name) for model in (HIERARCHICAL, FIXED))
    found = {"text": laboratory.hat.evaluate(fixed, "data", laboratory.corpus(FIXED.corpus))}
    for kind in KINDS:
        found[kind] = laboratory.hat.evaluate(run, kind, question_file(laboratory, kind), against=fixed)
    return found


def measure_adaptation(laboratory: Laboratory) -> Result:
    """German of both models before and after the adaptation, and how much English each has lost."""
    before = {model.name: laboratory.run_folder(model.name) for model in COMPARED}
    after = {model.name: laboratory.run_folder(f"{model.name}-german") for model in COMPARED}
    english, german = laboratory.corpus("english"), laboratory.corpus("german")
    return {
        "german": {
            when: laboratory.hat.evaluate(runs["hierarchical"], "data", german, runs["subword"])
            for when, runs in (("before", before), ("after", after))
        },
        "english": {
            name: laboratory.hat.evaluate(after[name], "data", english, before[name]) for name in after
        },
    }


def find_neighbours(laboratory: Laboratory) -> Result:
    """The words nearest to each spelling, and how many misspelt words are nearest to the right one."""
    run = laboratory.run_folder(HIERARCHICAL.name)
    asked = [spelling for word, spellings in SPELLINGS.items() for spelling in (word, *spellings)]
    answers = laboratory.hat.neighbours(run, asked, _NEIGHBOURS)
    words = laboratory.settings.perturbed_words
    return {
        "neighbours": {answer["word"]: answer["neighbours"] for answer in answers},
        "recognized": {each: laboratory.hat.recognized(run, words, each) for each in PERTURBATIONS},
    }


def measure_inference(laboratory: Laboratory) -> Result:
    """How fast the two models of equal compute read a prompt and write."""
    runs = {str(laboratory.run_folder(model.name)): model.name for model in (HIERARCHICAL, SUBWORD)}
    found = laboratory.hat.benchmark_generate(*map(Path, runs))
    for measurement in found["measurements"]:
        measurement["model"] = runs[measurement["checkpoint"]]
    return found


def write_samples(laboratory: Laboratory) -> Result:
    """Each model's continuation of each prompt."""
    runs = {model.name: laboratory.run_folder(model.name) for model in MODELS}
    return {
        name: {prompt: laboratory.hat.generate(run, prompt, _SAMPLE_BYTES, SEED) for prompt in PROMPTS}
        for name, run in runs.items()
    }
