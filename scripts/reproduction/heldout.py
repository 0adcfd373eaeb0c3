"""The documents that no model was trained on, out of a corpus of the rule `whitespace`."""

from dataclasses import dataclass
from pathlib import Path

from reproduction.hat import Hat


@dataclass(frozen=True)
class HeldOutDocument:
    """`key` names it in whatever order documents come."""

    key: str
    source: str
    text: str


def held_out_documents(hat: Hat, corpus: Path) -> list[HeldOutDocument]:
    """In the order of the shards, which depends on the texts alone."""
    found: list[HeldOutDocument] = []
    for shard in sorted(corpus.glob("holdout-*.shard")):
        for number in range(hat.shard(shard)["counts"]["documents"]):
            document = hat.document(shard, number)
            found.append(
                HeldOutDocument(
                    document["checksum"], document["metadata"].get("source", ""), "".join(document["words"])
                )
            )
    return found
