"""The stages, in their order."""

from reproduction import machine, material, measuring, training, words, writing
from reproduction.models import COMPARED, MODELS
from reproduction.stages import Stage


def stages() -> list[Stage]:
    trained = tuple(f"train-{model.name}" for model in COMPARED)
    return [
        Stage("machine", "What it runs on", machine.describe),
        Stage("texts", "Fetching English and German text", material.fetch),
        Stage("corpora", "Preprocessing: words, and patches of 8 bytes", material.prepare, ("texts",)),
        Stage("tokenizer", "Learning the baseline's vocabulary", material.learn_vocabulary, ("corpora",)),
        Stage("match", "Matching the baseline's compute", material.match, ("corpora", "tokenizer")),
        Stage("questions", "Making questions of held-out text", measuring.make_questions, ("corpora",)),
        Stage("speed", "Measuring the speed of a few steps", training.measure_speed, ("match",)),
        *(
            Stage(
                f"train-{model.name}",
                f"Training on English: {model.title}",
                training.train(model),
                ("match", "speed"),
            )
            for model in MODELS
        ),
        Stage(
            "measure",
            "Measuring hierarchical model and baseline, clean and perturbed",
            measuring.measure,
            ("questions", *trained),
        ),
        Stage(
            "measure-fixed",
            "Measuring the model of fixed patches",
            measuring.measure_fixed,
            ("questions", "train-hierarchical", "train-fixed"),
        ),
        *(
            Stage(
                f"adapt-{model.name}",
                f"Going on with German: {model.title}",
                training.adapt(model),
                ("speed", f"train-{model.name}"),
            )
            for model in COMPARED
        ),
        Stage(
            "adaptation",
            "Measuring both languages before and after",
            measuring.measure_adaptation,
            tuple(f"adapt-{model.name}" for model in COMPARED),
        ),
        Stage("words", "Neighbours of words", words.find_neighbours, trained[:1]),
        Stage("inference", "Measuring the speed of writing", writing.measure_inference, trained),
        Stage("samples", "Writing samples", writing.write_samples, trained),
    ]
