"""Section: what was compared, on which text, where."""

from reproduction import paper
from reproduction.evidence import Results
from reproduction.models import MODELS
from reproduction.numbers import count, large
from reproduction.progress import duration
from reproduction.report.document import Block, Paragraph, Section, Table, Verbatim


def section(results: Results, seconds: dict[str, float]) -> Section:
    return Section(
        "How it was made",
        [*_models(results), *_texts(results), *_machine(results), _times(results, seconds), *_files(results)],
    )


def _models(results: Results) -> list[Block]:
    found = results["match"]
    sides = (("Hierarchical", found["hierarchical"]), ("Subword baseline", found["subword"]))
    return [
        Table(
            ["model", "parameters", "training FLOPs per byte", "memory of a rank"],
            [
                [
                    title,
                    count(side["total_parameters"]),
                    large(side["training_flops_per_byte"]),
                    f"{_memory(side) / 2**20:.0f} MiB",
                ]
                for title, side in sides
            ],
            note="The baseline's width and depth are those that `plan --match` finds: its training costs "
            f"{found['flops_ratio']:.3f} times as much a byte. The model of fixed patches has the "
            "hierarchical one's sizes.",
        )
    ]


def _memory(side: Results) -> float:
    """As `plan` expects it, at the ZeRO stage that is trained with."""
    stages = {stage["zero_stage"]: float(stage["total"]) for stage in side["bytes_per_rank"]}
    return stages[side["zero_stage"]]


def _texts(results: Results) -> list[Block]:
    corpora, tokenizer = results["corpora"], results["tokenizer"]
    return [
        Table(
            ["corpus", "rule", "trained on", "held out", "bytes per word", "fingerprint"],
            [
                [
                    name,
                    corpus["rule"],
                    f"{corpus['train']['bytes'] / 1e6:.1f} MB",
                    f"{count(corpus['holdout']['documents'])} documents, "
                    f"{corpus['holdout']['bytes'] / 1e6:.2f} MB",
                    f"{corpus['bytes_per_word']:.2f}",
                    f"`{corpus['data_fingerprint']}`",
                ]
                for name, corpus in corpora.items()
            ],
            note=f"The vocabulary has {count(tokenizer['vocabulary'])} tokens, learnt from English: "
            f"{tokenizer['holdout']['bytes_per_token']:.2f} bytes of held-out text a token. The paper: "
            f"{paper.UNITS}.",
        ),
        Table(
            ["package", "version", "licence", "documents", "MB", "SHA-256"],
            [
                [
                    package["name"],
                    package["version"],
                    package["license"],
                    count(package["documents"]),
                    f"{package['bytes'] / 1e6:.1f}",
                    f"`{package['sha256'][:16]}`",
                ]
                for text in results["texts"].values()
                for package in text["packages"]
            ],
        ),
    ]


def _machine(results: Results) -> list[Block]:
    machine = results["machine"]
    commit = machine["commit"][:12] + (" with changes" if machine["changed"] else "")
    return [
        Paragraph(
            f"{machine['processor']}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB, "
            f"{machine['system']}; {machine['date']}; hat at commit `{commit}`. Begun with "
            f"`{machine['command']}`."
        )
    ]


def _times(results: Results, seconds: dict[str, float]) -> Table:
    return Table(
        ["stage", "time"],
        [[f"`{name}`", duration(taken)] for name, taken in seconds.items()]
        + [["all", duration(sum(seconds.values()))]],
    )


def _files(results: Results) -> list[Block]:
    runs = [(f"{model.title}, English", f"train-{model.name}") for model in MODELS]
    runs += [(f"{model.title}, German", f"adapt-{model.name}") for model in MODELS[:2]]
    return [
        Verbatim(f"Configuration: {title}", results[stage]["configuration"], open=False)
        for title, stage in runs
    ]
