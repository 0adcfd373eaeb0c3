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


# Factors on the learning rate of parts of a model. Every recipe sets them: the given configuration may have others.
_FACTORS: dict[str, object] = dict.fromkeys(
    (
        *("training.hidden_matrix_rate", "training.embedding_rate", "training.ngram_rate"),
        *("training.head_rate", "training.gain_rate"),
    ),
    1,
)
# A subword model has no byte modules.
_HIERARCHICAL_FACTORS = {**_FACTORS, "training.byte_module_rate": 1}

# 0.006 with the four heads of `tiny`; scaled by heads as `auto` is.
_MUON_RATE_TIMES_HEADS = 0.024

_RECOMMENDED = Recipe(
    {
        **{"training.optimizer": "muon", **_HIERARCHICAL_FACTORS},
        **{"model.byte_ngrams": 5, "model.byte_ngram_rows": 4096},
    },
    _MUON_RATE_TIMES_HEADS,
)

# By the name of the model.
RECIPES = {
    # The paper's.
    "plain": Recipe(
        {
            **{"training.optimizer": "adamw", **_HIERARCHICAL_FACTORS},
            **{"model.byte_ngrams": 0, "model.byte_ngram_rows": "auto"},
        }
    ),
    "recommended": _RECOMMENDED,
    # One table of about as many numbers as the eight tables of encoder and decoder.
    "subword": Recipe(
        {
            **{"training.optimizer": "muon", **_FACTORS},
            **{"model.token_ngrams": 2, "model.token_ngram_rows": 16384},
        },
        _MUON_RATE_TIMES_HEADS,
    ),
    # The claim is about words: all else is as in the model that it is compared with.
    "fixed": _RECOMMENDED,
}
