"""How much is trained, on what, and with which settings: change it here and nowhere else."""

from tuning.laboratory import PREFERRED, PRETRAINED, TUNED

# Words of the training dialogues and pairs are never in the held-out ones.
TRAINING_DIALOGUES = 60_000
TRAINING_PAIRS = 8_000
# Of each kind.
HELD_OUT_DIALOGUES = 50
HELD_OUT_PAIRS = 500

# Beside the dialogues, a tenth of the bytes is text, so that the model does not forget it.
TEXT_SHARE = 0.1
# The share of dialogues and pairs that training measures itself by: about words that it knows.
HOLDOUT = 0.005

# Short sequences: a dialogue has some 150 bytes, and more steps teach more than larger ones.
_SEQUENCES = {"data.sequence_words": 64, "data.sequence_bytes": 512, "training.sequences_per_step": 16}

# What each training changes in the configuration.
SETTINGS: dict[str, dict[str, object]] = {
    PRETRAINED: {"training.steps": 1000, "training.warmup_steps": 100},
    TUNED: {**_SEQUENCES, "training.steps": 2000, "training.warmup_steps": 50},
    PREFERRED: {
        **_SEQUENCES,
        **{"training.steps": 200, "training.warmup_steps": 20, "training.preference_beta": 0.1},
        # A twentieth of that of tuning: the answers are right already, mostly.
        "training.peak_learning_rate": 3e-4,
    },
}
