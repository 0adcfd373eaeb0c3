"""The stages and their order."""

from reproduction import material, measuring, questions, training
from reproduction.laboratory import COMPARED, HIERARCHICAL, MODELS, Laboratory
from reproduction.staging import Stage


def stages() -> list[Stage[Laboratory]]:
    compared = tuple(f"train-{model.name}" for model in COMPARED)
    hierarchical = tuple(f"train-{model.name}" for model in HIERARCHICAL)
    trained = tuple(f"train-{model.name}" for model in MODELS)
    adapted = tuple(f"adapt-{model.name}" for model in COMPARED)
    return [
        Stage("machine", "Recording machine and commit", material.describe_machine),
        Stage("texts", "Fetching English and German text", material.fetch),
        Stage("corpora", "Preprocessing: words, and patches of 8 bytes", material.prepare, ("texts",)),
        Stage("tokenizer", "Learning the baseline's vocabulary", material.learn_vocabulary, ("corpora",)),
        Stage(
            "match",
            "Matching the baseline's compute, applying recipes",
            material.match,
            ("corpora", "tokenizer"),
        ),
        Stage("questions", "Making questions from held-out text", questions.make_questions, ("corpora",)),
        Stage("speed", "Measuring training speed", training.measure_speed, ("match",)),
        *(
            Stage(
                *(f"train-{model.name}", f"Training on English: {model.title}"),
                *(training.train(model), ("match", "speed")),
            )
            for model in MODELS
        ),
        *(
            Stage(
                *(f"measure-{model.name}", f"Evaluating against the baseline: {model.title}"),
                *(measuring.measure(model), ("questions", f"train-{model.name}", "train-subword")),
            )
            for model in HIERARCHICAL
        ),
        Stage(
            *("measure-recipes", "Evaluating the robustness of both recipes"),
            *(measuring.measure_recipes, hierarchical),
        ),
        Stage(
            *("measure-fixed", "Evaluating the model of fixed patches"),
            *(measuring.measure_fixed, ("questions", "train-recommended", "train-fixed")),
        ),
        *(
            Stage(
                *(f"adapt-{model.name}", f"Training on German: {model.title}"),
                *(training.adapt(model), ("speed", f"train-{model.name}")),
            )
            for model in COMPARED
        ),
        Stage("adaptation", "Evaluating both languages", measuring.measure_adaptation, adapted),
        Stage("words", "Finding the nearest words", measuring.find_neighbours, hierarchical),
        Stage("inference", "Measuring generation speed", measuring.measure_inference, compared),
        Stage("samples", "Generating samples", measuring.write_samples, trained),
    ]
