"""The symbol graphs of the library's modules, from a release build that is there.

The package manager's own command for them would build everything once more, for debugging.
"""

import json
from pathlib import Path

from installation.errors import needed, run

# What `import HAT` brings (docs/library.md).
MODULES = {
    "HAT": "Trained models and training runs, ready for use.",
    "HATCore": "Configuration, the models, their loss and optimisers, evaluation, generation and checkpoint files: one process.",
    "HATDistributed": "Ranks, reductions, sharded optimiser state, the trainer, launching and supervising.",
    "HATStorage": "Files that are written completely or not at all, locks, checksums, and errors that a user can mend.",
    "HATText": "Text as words: splitting rules, shards, the order of documents, and reading corpora.",
}

TOOLCHAIN = "It comes with Swift's toolchain."


def write_symbol_graphs(root: Path, folder: Path) -> None:
    """Writes the graphs of each module into a folder `MODULE.docc` below `folder`. `root` is the repository.

    - Throws: `PackagingError`.
    """
    build = root / ".build/release"
    modules = build / "Modules"
    needed(modules / "HAT.swiftmodule", "Build first: swift build -c release.")
    maps = [*build.glob("C*.build/module.modulemap"), *root.glob("Sources/C*/module.modulemap")]
    maps += root.glob(".build/checkouts/*/Sources/C*/include/module.modulemap")
    clang = [f"-fmodule-map-file={path.resolve()}" for path in maps]
    clang += [f"-I{path}" for path in root.glob("Sources/C*/include")]
    triple = json.loads(run(["swift", "-print-target-info"], TOOLCHAIN))["target"]["unversionedTriple"]
    for module in MODULES:
        catalog = folder / f"{module}.docc"
        catalog.mkdir()
        run(
            ["swift-symbolgraph-extract", "-module-name", module, "-target", triple, "-I", modules]
            + [word for flag in clang for word in ("-Xcc", flag)]
            + ["-minimum-access-level", "public", "-skip-inherited-docs", "-skip-synthesized-members"]
            + ["-output-dir", catalog],
            TOOLCHAIN,
        )
