"""The models that are compared."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """`corpus` is the English text as it cuts it; run, configuration and stages are called by `name`."""

    name: str
    title: str
    corpus: str
    has_tokenizer: bool = False


HIERARCHICAL = Model("hierarchical", "Hierarchical", "english")
SUBWORD = Model("subword", "Subword baseline", "english", has_tokenizer=True)
FIXED = Model("fixed", "Fixed patches", "english-fixed")

MODELS = (HIERARCHICAL, SUBWORD, FIXED)
# Those that go on with German, and whose drops are compared.
COMPARED = (HIERARCHICAL, SUBWORD)
