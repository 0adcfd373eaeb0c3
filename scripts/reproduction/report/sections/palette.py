"""A colour for each model, the same in every chart, told apart by colour-blind eyes too."""

from reproduction.models import MODELS

COLOURS = {"hierarchical": "#16697a", "subword": "#dd7230", "fixed": "#8d99a6"}
TITLES = {model.name: model.title for model in MODELS}
