"""How much is trained, on what, and with which settings: change it here and nowhere else."""

from tuning.laboratory import PREFERRED, PRETRAINED, TUNED

TRAINING_DIALOGUES = 120_000
# Of each kind: dialogues of each of the two sets, and preference pairs, to learn and to measure.
MEASURED_DIALOGUES = 100
TRAINING_PAIRS = 600
MEASURED_PAIRS = 100

# Beside the dialogues, a quarter of the bytes is text: the model is to spell words that no dialogue has.
TEXT_SHARE = 0.25
# The share of dialogues and pairs that training measures itself by.
HOLDOUT = 0.005

# What each training changes in the configuration. Pretraining has its own.
SETTINGS: dict[str, dict[str, object]] = {
    PRETRAINED: {},
    TUNED: {"training.steps": 3000},
    PREFERRED: {
        **{"training.steps": 300, "training.preference_beta": 0.5},
        # A two-hundredth of that of tuning. A thirtieth unlearns a part of what dialogues taught.
        "training.peak_learning_rate": 3e-5,
    },
}
