"""The recipe of each model: its optimiser, learning rates and n-gram tables. Change them here and nowhere else.

Sizes are those of the given configuration, and the schedule is that of `training`: both are the same for all.
"""

Recipe = dict[str, object]

# The paper's. Every setting that belongs to a recipe is here: the given configuration may have others.
_PAPER: Recipe = {
    **{"training.optimizer": "adamw", "training.beta1": 0.9, "training.beta2": 0.95},
    **{"training.epsilon": 1e-8, "training.weight_decay": 0.1, "training.clip": 1},
    **{"training.peak_learning_rate": "auto", "training.minimum_learning_rate": 0.1},
    # Factors on the learning rate of parts of a model.
    **{"training.hidden_matrix_rate": 1, "training.embedding_rate": 1, "training.ngram_rate": 1},
    **{"training.head_rate": 1, "training.gain_rate": 1},
    **{"model.initial_deviation": 0.02, "model.embedding_deviation": 0.02},
    **{"model.query_key_norm": "false"},
}
_PAPER_HIERARCHICAL: Recipe = {
    **_PAPER,
    **{"training.byte_module_rate": 1, "model.byte_ngrams": 0, "model.byte_ngram_rows": "auto"},
    **{"model.prefix_ngrams": 0, "model.prefix_ngram_rows": "auto"},
}

# The optimiser has its own `auto`.
_MUON: Recipe = {
    **{"training.optimizer": "muon", "training.muon_momentum": 0.95, "training.orthogonalization": "newton_schulz"},
    **{"training.newton_schulz_steps": 5},
}

_RECOMMENDED: Recipe = {
    **{**_PAPER_HIERARCHICAL, **_MUON, "model.query_key_norm": "true"},
    **{"model.byte_ngrams": 5, "model.prefix_ngrams": 2, "model.prefix_ngram_rows": 262_144},
}

# By the name of the model.
RECIPES: dict[str, Recipe] = {
    "plain": _PAPER_HIERARCHICAL,
    "recommended": _RECOMMENDED,
    "subword": {
        **{**_PAPER, **_MUON, "training.muon_momentum": 0.85},
        **{"model.token_ngrams": 3, "model.token_ngram_rows": 262_144},
    },
    # The claim is about words: all else is as in the model that it is compared with.
    "fixed": _RECOMMENDED,
}
