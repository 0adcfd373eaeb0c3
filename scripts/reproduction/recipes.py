"""The recipe of each model: its optimiser, learning rates and n-gram tables. Change them here and nowhere else.

Sizes are those of the given configuration, and the schedule is that of `training`: both are the same for all.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """`rate_times_heads`, divided by the query heads of the backbone, is the peak learning rate; None: `auto`."""

    settings: dict[str, object]
    rate_times_heads: float | None = None

    def values(self, heads: int) -> dict[str, object]:
        """Every setting of the recipe, for a backbone of this many heads."""
        rate = "auto" if self.rate_times_heads is None else f"{self.rate_times_heads / heads:.6g}"
        return {**self.settings, "training.peak_learning_rate": rate}


# The paper's. Every setting that belongs to a recipe is here: the given configuration may have others.
_PAPER: dict[str, object] = {
    **{
        "training.optimizer": "adamw",
        "training.beta1": 0.9,
        "training.beta2": 0.95,
        "training.epsilon": 1e-8,
    },
    **{"training.weight_decay": 0.1, "training.clip": 1, "training.minimum_learning_rate": 0.1},
    # Factors on the learning rate of parts of a model.
    **{"training.hidden_matrix_rate": 1, "training.embedding_rate": 1, "training.ngram_rate": 1},
    **{"training.head_rate": 1, "training.gain_rate": 1},
    **{"model.initial_deviation": 0.02, "model.embedding_deviation": 0.02},
}
_PAPER_HIERARCHICAL = {
    **_PAPER,
    **{"training.byte_module_rate": 1, "model.byte_ngrams": 0, "model.byte_ngram_rows": "auto"},
}

_MUON = {"training.optimizer": "muon", "training.muon_momentum": 0.95, "training.newton_schulz_steps": 5}
# 0.006 with the four heads of `tiny`, scaled by heads as `auto` is.
_MUON_RATE_TIMES_HEADS = 0.024

_RECOMMENDED = Recipe(
    {**_PAPER_HIERARCHICAL, **_MUON, **{"model.byte_ngrams": 5, "model.byte_ngram_rows": 4096}},
    _MUON_RATE_TIMES_HEADS,
)

# By the name of the model.
RECIPES = {
    "plain": Recipe(_PAPER_HIERARCHICAL),
    "recommended": _RECOMMENDED,
    # One table of about as many numbers as the eight tables of encoder and decoder.
    "subword": Recipe(
        {**_PAPER, **_MUON, **{"model.token_ngrams": 2, "model.token_ngram_rows": 16384}},
        _MUON_RATE_TIMES_HEADS,
    ),
    # The claim is about words: all else is as in the model that it is compared with.
    "fixed": _RECOMMENDED,
}
