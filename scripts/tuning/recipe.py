"""How much is trained, on what, and with which settings: change it here and nowhere else."""

from tuning.laboratory import PREFERRED, PRETRAINED, TUNED

TRAINING_DIALOGUES = 100_000
TRAINING_PAIRS = 10_000
# Of each kind, in each set.
MEASURED_DIALOGUES = 50
MEASURED_PAIRS = 500

# Beside the dialogues, a tenth of the bytes is text: the model is to spell words that no dialogue has.
TEXT_SHARE = 0.1
# The share of dialogues and pairs that training measures itself by.
HOLDOUT = 0.005

# What each training changes in the configuration. Pretraining has its own.
SETTINGS: dict[str, dict[str, object]] = {
    PRETRAINED: {},
    TUNED: {"training.steps": 3000},
    PREFERRED: {
        **{"training.steps": 300, "training.preference_beta": 0.5},
        # A two-hundredth of that of tuning. Ten times as much unlearns a part of what dialogues taught.
        "training.peak_learning_rate": 3e-5,
    },
}
