"""Stage: which words the hierarchical model holds alike, and whether it knows them when they are misspelt."""

from reproduction.laboratory import Laboratory, Result
from reproduction.measuring import PERTURBATIONS
from reproduction.models import HIERARCHICAL

# Frequent words of the corpus, each with spellings that no one trained on.
SPELLINGS = {
    "government": ["goverment", "GOVERNMENT", "govrenment"],
    "people": ["poeple", "PEOPLE", "peopel"],
    "running": ["runnning", "RUNNING", "runing"],
    "mercy": ["mercey", "MERCY", "mecry"],
    "should": ["shoud", "SHOULD", "shuold"],
    "twenty": ["tweny", "TWENTY", "twnety"],
}
_SHOWN = 6


def find_neighbours(laboratory: Laboratory) -> Result:
    run = laboratory.run_folder(HIERARCHICAL.name)
    asked = [spelling for word, spellings in SPELLINGS.items() for spelling in (word, *spellings)]
    answers = laboratory.hat.neighbours(run, asked, _SHOWN)
    words = laboratory.settings.perturbed_words
    return {
        "neighbours": {answer["word"]: answer["neighbours"] for answer in answers},
        "recognized": {
            perturbation: laboratory.hat.recognized(run, words, perturbation)
            for perturbation in PERTURBATIONS
        },
    }
